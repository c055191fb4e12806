"""`visibility` through /v1: taken by what makes a record, shown by every record, changed by PUT."""

import json
from typing import Any

import pytest

from images.models import Image
from images.visibility import Visibility
from taggedimages.factories import make_credentials, make_image
from taggedimages.identity.models import User

pytestmark = pytest.mark.django_db

WORDS = ("public", "project", "private")
MAKING: dict[str, tuple[str, dict[str, Any]]] = {
    "record": ("/v1/images", {}),
    "parts": ("/v1/images", {"size": 9, "parts": 1}),
    "upload": ("/v1/upload", {"image_data": "eA=="}),
}


@pytest.fixture
def mira(api_as) -> Any:
    """A client of somebody of the project `lab`."""
    return api_as(make_credentials("mira", project_id="lab"))


def make(client, way: str, **body: Any) -> Any:
    url, more = MAKING[way]
    return client.post(url, {"filename": "knee.png"} | more | body)


@pytest.mark.parametrize("way", MAKING)
def test_what_makes_a_record_takes_it(mira, way):
    for number, word in enumerate(WORDS):
        made = make(mira, way, visibility=word).json()["id"]
        assert Image.objects.get(pk=made).visibility == number
        assert mira.get(f"/v1/images/{made}").json()["visibility"] == word


@pytest.mark.parametrize("way", MAKING)
@pytest.mark.parametrize(
    ("anonymous", "said", "expected"),
    [
        ("read-only", "", "public"),
        ("none", "", "project"),
        ("none", "public", "public"),
        ("read-only", "private", "private"),
    ],
)
def test_if_it_is_not_sent_the_setting_says(mira, settings, way, anonymous, said, expected):
    settings.ANONYMOUS, settings.VISIBILITY = anonymous, said
    made = make(mira, way).json()["id"]
    assert mira.get(f"/v1/images/{made}").json()["visibility"] == expected


@pytest.mark.parametrize("wrong", ["PUBLIC", "", None, 0, 2, ["public"], True])
@pytest.mark.parametrize("way", MAKING)
def test_another_word_is_refused(mira, way, wrong):
    answer = make(mira, way, visibility=wrong)
    assert (answer.status_code, answer.json()["code"]) == (400, 400)
    assert answer.json()["message"].startswith("visibility: ")
    assert not Image.objects.exists()


def test_every_list_shows_it(mira):
    by = User.objects.get(username="mira")
    images = [make_image("knee", by=by, visibility=number) for number in (0, 1, 2)]
    expected = {image.pk: WORDS[image.visibility] for image in images}
    tag = images[0].tags.get().pk
    for path in ("images", f"tags/{tag}/images", "search/images?exact_tags=knee"):
        rows = mira.get(f"/v1/{path}").json()["results"]
        assert {row["id"]: row["visibility"] for row in rows} == expected
        stream = mira.get(f"/v1/{path}", HTTP_ACCEPT="application/x-ndjson").getvalue()
        rows = [json.loads(line) for line in stream.splitlines()]
        assert {row["id"]: row["visibility"] for row in rows} == expected


def test_a_change_of_it_leaves_the_tags_and_one_of_the_tags_leaves_it(mira):
    image = make_image("knee", by=User.objects.get(username="mira"))
    path = f"/v1/images/{image.pk}"

    def put(**body: Any) -> Any:
        record = mira.put(path, body).json()
        return record["visibility"], [tag["name"] for tag in record["tags"]]

    assert put(visibility="project") == ("project", ["knee"])
    assert put(tags=["hand"]) == ("project", ["hand"])
    assert put(tags=["arm"], visibility="private") == ("private", ["arm"])
    assert mira.put(path, {}).json()["message"] == "tags: This field is required."


def test_who_hides_an_image_from_themselves_is_told_so_and_sees_it_no_more(mira):
    image = make_image(project_id="lab", visibility=Visibility.PROJECT)
    path = f"/v1/images/{image.pk}"
    assert mira.put(path, {"visibility": "private"}).json()["visibility"] == "private"
    assert mira.get(path).status_code == 404
