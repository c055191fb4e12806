"""POST /v1/images: a record, and a URL to PUT its file to."""

import json
import re
from datetime import timedelta
from unittest.mock import ANY
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone

from images.models import Image
from images.tests.test_keys import UUID4
from images.visibility import Visibility
from taggedimages.factories import key_in, make_credentials, make_image
from taggedimages.identity import credentials
from taggedimages.identity.models import User
from tags.models import Tag

pytestmark = pytest.mark.django_db
REQUIRED = {"code": 400, "message": "filename: This field is required."}


def create(api, **body):
    # Escaped, as a client may send what UTF-8 cannot carry.
    text = json.dumps({"filename": "knee.dcm"} | body)
    return api.post("/v1/images", text, content_type="application/json")


def created(api, **body) -> Image:
    """The image that the API made of a body."""
    answer = create(api, **body)
    assert answer.status_code == 201, answer.json()
    return Image.objects.get(pk=answer.json()["id"])


def names(image):
    return [link.tag.name for link in image.imagetag_set.order_by("id").select_related("tag")]


def test_answers_the_id_and_an_upload_url(api):
    answer = create(api, size=90211, tags=["knee"])
    image = Image.objects.get()
    assert answer.status_code == 201
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == {"id": image.pk, "upload_url": ANY}
    assert key_in(answer.json()["upload_url"]) == image.key


def test_the_record_is_pending_until_its_file_arrives(api):
    before = int(timezone.now().timestamp())
    created_id = create(api, size=90211, tags=["knee", "left"]).json()["id"]
    record = api.get(f"/v1/images/{created_id}").json()
    assert record == {
        "id": created_id,
        "created_by": "anonymous",
        "created_timestamp": ANY,
        "filename": "knee.dcm",
        "size": 90211,
        "tags": [{"id": tag.pk, "name": tag.name} for tag in Tag.objects.order_by("name")],
        "uploaded_timestamp": None,
        "url": None,
        "visibility": "public",
    }
    assert before <= record["created_timestamp"] <= timezone.now().timestamp()


def test_the_key_is_date_time_uuid_and_filename(api):
    key = key_in(create(api).json()["upload_url"])
    image = Image.objects.get()
    assert re.fullmatch(rf"{image.created_at:%Y/%m/%d/%H-%M}-{UUID4}/knee\.dcm", key)


def test_the_upload_url_is_signed_for_an_hour(api):
    query = parse_qs(urlsplit(create(api).json()["upload_url"]).query)
    assert query["X-Amz-Expires"] == ["3600"]
    assert query["X-Amz-SignedHeaders"] == ["host"]


def test_a_declared_size_is_part_of_the_signature(api):
    query = parse_qs(urlsplit(create(api, size=7).json()["upload_url"]).query)
    assert query["X-Amz-SignedHeaders"] == ["content-length;host"]


@pytest.mark.parametrize("path", ["/v1/images", "/v1/images/"])
def test_both_slash_forms_answer_directly(api, path):
    assert api.post(path, {"filename": "knee.dcm"}).status_code == 201


def test_unknown_fields_are_ignored(api):
    assert set(create(api, id=5, private=True, key="x", odd=[1]).json()) == {"id", "upload_url"}
    assert Image.objects.get().visibility == Visibility.PUBLIC


# --- filename ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "filename",
    ["abc", "a" * 160, "🦴" * 160, "été 100%?#.png", "a/b\\c", "...", '"><script>', "a\u2028b"],
)
def test_a_filename_is_kept_exactly(api, filename):
    assert created(api, filename=filename).filename == filename


def test_a_filename_is_trimmed(api):
    assert created(api, filename=" \t knee.dcm\n").filename == "knee.dcm"


@pytest.mark.parametrize(
    ("filename", "why"),
    [
        ("", "This field may not be blank."),
        ("   ", "This field may not be blank."),
        ("ab", "Ensure this field has at least 3 characters."),
        (" ab ", "Ensure this field has at least 3 characters."),
        ("a" * 161, "Ensure this field has no more than 160 characters."),
        ("a\nb.png", "Control characters are not allowed."),
        ("a\x1bb.png", "Control characters are not allowed."),
        ("a\x7fb.png", "Control characters are not allowed."),
        ("a\x9fb.png", "Control characters are not allowed."),
        ("a\0b.png", "Null characters are not allowed."),
        ("a\ud800b.png", "Surrogate characters are not allowed: U+D800."),
        (None, "This field may not be null."),
        (123, "Not a valid string."),
        (True, "Not a valid string."),
        (["knee.dcm"], "Not a valid string."),
        ({"name": "knee.dcm"}, "Not a valid string."),
    ],
)
def test_a_bad_filename_is_refused(api, filename, why):
    answer = create(api, filename=filename)
    assert answer.status_code == 400
    assert answer.json() == {
        "code": 400,
        "message": f"filename: {why}",
        "errors": [f"filename: {why}"],
    }
    assert not Image.objects.exists()


def test_a_filename_is_required(api):
    answer = api.post("/v1/images", {"size": 5})
    assert answer.status_code == 400
    assert answer.json() == REQUIRED | {"errors": [REQUIRED["message"]]}


def test_all_that_is_wrong_is_told_at_once(api):
    answer = create(api, filename="ab", size=0, tags=["fine", ""])
    assert answer.status_code == 400
    assert answer.json()["errors"] == [
        "filename: Ensure this field has at least 3 characters.",
        "size: Ensure this value is greater than or equal to 1.",
        "tags.1: This field may not be blank.",
    ]


# --- size ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 90211, 2**63 - 1])
def test_a_declared_size_is_kept(api, size):
    assert created(api, size=size).size == size


def test_a_size_never_declared_is_0(api):
    created_id = create(api).json()["id"]
    assert api.get(f"/v1/images/{created_id}").json()["size"] == 0


@pytest.mark.parametrize(
    "size", [0, -1, 2**63, 10**30, True, False, "5", "", 1.5, 1e300, None, [], {}]
)
def test_a_bad_size_is_refused(api, size):
    answer = create(api, size=size)
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("size: ")


# --- tags ----------------------------------------------------------------------------------------


def test_tags_are_absent_as_if_empty(api):
    assert names(created(api)) == names(created(api, tags=[])) == []


def test_tags_are_linked_in_the_order_given(api):
    assert names(created(api, tags=["zebra", "apple", "mango"])) == ["zebra", "apple", "mango"]


def test_repeated_tags_collapse_to_the_first(api):
    assert names(created(api, tags=["b", "a", " b ", "b", "a"])) == ["b", "a"]


def test_existing_tags_are_found_by_exact_name(api):
    make_image("Knee")
    created(api, tags=["Knee", "knee"])
    assert sorted(Tag.objects.values_list("name", flat=True)) == ["Knee", "knee"]


@pytest.mark.parametrize("name", ["a", "a" * 160, "🦴" * 160, "%", "a|b", "naïve", "👩\u200d🔬"])
def test_tag_names_have_1_to_160_characters(api, name):
    assert names(created(api, tags=[name])) == [name]


@pytest.mark.parametrize(
    "tags",
    [
        "knee",
        {"a": 1},
        5,
        None,
        [""],
        ["  "],
        ["a" * 161],
        [1],
        [None],
        [True],
        [["a"]],
        ["a\0"],
        ["\ud800"],
    ],
)
def test_bad_tags_are_refused(api, tags):
    answer = create(api, tags=tags)
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("tags")
    assert not Image.objects.exists()
    assert not Tag.objects.exists()


def test_the_number_of_tags_is_bounded_before_any_is_looked_at(api, settings):
    names = [str(n) for n in range(settings.MAX_LIST_ITEMS)]
    assert create(api, tags=names).status_code == 201
    for too_many in ([*names, "one"], [5] * 300_000):
        answer = create(api, tags=too_many)
        assert answer.status_code == 400
        why = "A list in the body has more than 1000 items."
        assert answer.json() == {"code": 400, "message": why}


# --- who -----------------------------------------------------------------------------------------


def test_a_bearer_is_the_creator(api_as):
    mira = make_credentials("mira")
    created_id = create(api_as(mira)).json()["id"]
    assert api_as(mira).get(f"/v1/images/{created_id}").json()["created_by"] == "mira"


def test_a_bearer_that_is_wrong_expired_or_revoked_is_401(api):
    gone = make_credentials("mira").token
    user = User.objects.get()
    credentials.revoke_all(user)
    expired = credentials.issue_token(user, timezone.now() - timedelta(seconds=1))
    for token in ("wrong", "", expired, gone):
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        answer = create(api)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.json() == {
            "code": 401,
            "message": "The token is unknown, expired or revoked.",
        }


@pytest.mark.parametrize(
    ("policy", "reads", "writes"), [("read-only", 200, 401), ("none", 401, 401)]
)
def test_one_setting_bounds_what_anonymous_callers_may(
    api, api_as, settings, policy, reads, writes
):
    settings.ANONYMOUS = policy
    assert (api.get("/v1/images").status_code, create(api).status_code) == (reads, writes)
    assert create(api_as(make_credentials())).status_code == 201
