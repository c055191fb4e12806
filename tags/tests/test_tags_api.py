"""/v1/tags: the vocabulary, and the images of one tag."""

from datetime import UTC, datetime, timedelta
from unittest.mock import ANY

import pytest

from images.models import Image
from taggedimages.factories import (
    TESTS,
    make_credentials,
    make_image,
    make_pending,
    make_tag,
    make_user,
)
from taggedimages.http.errors import problem_of
from taggedimages.identity.models import User
from tags import curation
from tags.models import Tag

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
NOT_FOUND = {"code": 404, "message": "Not found."}
NO_INTEGER = {
    "code": 400,
    "message": "id: A valid integer is required.",
    "errors": ["id: A valid integer is required."],
}
SLASHES = pytest.mark.parametrize("slash", ["", "/"])
GOOD_NAMES = ["abc", "a" * 160, "🦴" * 160, "a|b%_\\", "naïve été", "👩\u200d🔬 lab"]
BAD_NAMES = [
    ("", "This field may not be blank."),
    ("  \t", "This field may not be blank."),
    ("ab", "Ensure this field has at least 3 characters."),
    ("  ab  ", "Ensure this field has at least 3 characters."),
    ("a" * 161, "Ensure this field has no more than 160 characters."),
    *((f"ab{odd}c", "Control characters are not allowed.") for odd in "\0\7\n\x85\u2028"),
    *(
        (odd * 3, "A name has to have a character that can be seen.")
        for odd in "\u200b\u2060\u00ad\u202e\u2800\u3164\u115f\ufe0f\ufeff\U000e0041"
    ),
    (None, "This field may not be null."),
    (123, "Not a valid string."),
    (True, "Not a valid string."),
    (["abc"], "Not a valid string."),
]


def shown(tag: Tag):
    return {"id": tag.pk, "name": tag.name}


def names(answer):
    assert answer.status_code == 200, answer.json()
    return [tag["name"] for tag in answer.json()["results"]]


def bad_name(why: str):
    return {"code": 400, "message": f"name: {why}", "errors": [f"name: {why}"]}


# --- GET /tags -----------------------------------------------------------------------------------


@SLASHES
def test_a_page_of_tags(api, slash):
    knee, ankle = make_tag("knee"), make_tag("ankle")
    assert api.get(f"/v1/tags{slash}").json() == {
        "results": [shown(ankle), shown(knee)],
        "meta": {"current_page": 0, "has_more_pages": False, "total_results": 2},
    }


def test_no_tags_are_an_empty_page(api):
    assert api.get("/v1/tags").json() == {
        "results": [],
        "meta": {"current_page": 0, "has_more_pages": False, "total_results": 0},
    }


def test_tags_are_in_alphabetical_order_by_folded_and_then_exact_name(api):
    ordered = [
        "%odd",
        "Apple",
        "apple",
        "apple pie",
        "Banana",
        "banana",
        "STRASSE",
        "Straße",
        "strasse",
        "Zebra",
        "zebra",
        "Été",
        "été",
        "Ωmega",
        "ωmega",
        "🦴bone",
    ]
    for name in ordered[::-1]:
        make_tag(name)
    # Python compares strings by code point, as the contract's order does.
    assert ordered == sorted(ordered, key=lambda name: (name.casefold(), name))
    assert names(api.get("/v1/tags")) == ordered


def test_pages_count_from_0(api):
    for name in ("ccc", "aaa", "bbb"):
        make_tag(name)
    first, second, past = (api.get("/v1/tags", {"limit": 2, "page": page}) for page in range(3))
    assert (names(first), names(second), names(past)) == (["aaa", "bbb"], ["ccc"], [])
    assert [answer.json()["meta"]["has_more_pages"] for answer in (first, second, past)] == [
        True,
        False,
        False,
    ]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "page=-1", "page=", "limit="])
def test_bad_page_parameters_are_400(api, query):
    answer = api.get(f"/v1/tags?{query}")
    assert answer.status_code == 400
    assert answer.json() == {"code": 400, "message": ANY, "errors": ANY}


def test_tags_of_shown_images_and_of_none_are_listed_and_those_of_hidden_ones_not(api):
    hidden = make_image("hidden", "knee", private=True).tags.get(name="hidden")
    make_image("knee")
    make_tag("unused")
    answer = api.get("/v1/tags")
    assert names(answer) == ["knee", "unused"]
    assert answer.json()["meta"]["total_results"] == 2
    answers = [
        api.get(f"/v1/tags/{hidden.pk}"),
        api.get(f"/v1/tags/{hidden.pk}/images"),
        api.put(f"/v1/tags/{hidden.pk}", {"name": "seen"}),
        api.delete(f"/v1/tags/{hidden.pk}"),
    ]
    assert [(one.status_code, one.json()) for one in answers] == [(404, NOT_FOUND)] * 4


def test_a_tag_is_listed_to_whoever_made_it_and_whoever_sees_an_image_that_has_it(api, api_as):
    names_of = ("ann", "bob", "boss")
    ann, bob, boss = (make_credentials(name, staff=name == "boss") for name in names_of)
    image = make_image(by=User.objects.get(username="ann"), private=True)
    api_as(ann).put(f"/v1/images/{image.pk}", {"tags": ["hidden"]})
    listed = [names(api_as(one).get("/v1/tags")) for one in (ann, bob, boss)]
    assert listed == [["hidden"], [], ["hidden"]]
    api_as(ann).put(f"/v1/images/{image.pk}", {"tags": []})
    assert names(api_as(ann).get("/v1/tags")) == ["hidden"]
    assert names(api.get("/v1/tags")) == []
    api_as(bob).post("/v1/tags", {"name": "hidden"})
    assert names(api.get("/v1/tags")) == ["hidden"]


@pytest.mark.parametrize("tags", [2, 20])
def test_a_page_of_tags_costs_one_statement_however_long(api, tags, django_assert_num_queries):
    for _ in range(tags):
        make_tag()
    with django_assert_num_queries(1):
        api.get("/v1/tags")


# --- POST /tags ----------------------------------------------------------------------------------


@SLASHES
@pytest.mark.parametrize("name", GOOD_NAMES)
def test_creating_a_tag_answers_it(api, name, slash):
    answer = api.post(f"/v1/tags{slash}", {"name": name, "color": "ignored"})
    assert (answer.status_code, answer.json()) == (201, {"id": Tag.objects.get().pk, "name": name})


def test_a_name_is_trimmed(api):
    assert api.post("/v1/tags", {"name": "\t knee "}).json() == {"id": ANY, "name": "knee"}


def test_an_existing_name_gives_the_tag_that_has_it(api):
    knee = make_tag("knee")
    answer = api.post("/v1/tags", {"name": " knee"})
    assert (answer.status_code, answer.json()) == (201, shown(knee))
    assert Tag.objects.count() == 1


def test_names_that_differ_by_case_are_two_tags(api):
    first, second = (api.post("/v1/tags", {"name": name}).json() for name in ("knee", "Knee"))
    assert first["id"] != second["id"]


@pytest.mark.parametrize(("name", "why"), BAD_NAMES)
def test_a_bad_name_is_refused(api, name, why):
    answer = api.post("/v1/tags", {"name": name})
    assert (answer.status_code, answer.json()) == (400, bad_name(why))
    assert not Tag.objects.exists()


@pytest.mark.parametrize("body", [{}, {"names": "knee"}])
def test_a_name_is_required(api, body):
    answer = api.post("/v1/tags", body)
    assert (answer.status_code, answer.json()) == (400, bad_name("This field is required."))


# --- GET, PUT and DELETE /tags/{id} --------------------------------------------------------------


@SLASHES
def test_one_tag(api, slash):
    knee = make_tag("knee")
    answer = api.get(f"/v1/tags/{knee.pk}{slash}")
    alone = {"aliases": [], "parents": [], "children": [], "images": 0}
    described = {"status": "active", "category": ""}
    assert (answer.status_code, answer.json()) == (200, shown(knee) | alone | described)


@SLASHES
def test_renaming_shows_on_every_image(api, slash):
    image, knee = make_image("knee"), make_tag("knee")
    answer = api.put(f"/v1/tags/{knee.pk}{slash}", {"name": " Left knee "})
    assert (answer.status_code, answer.json()) == (200, {"id": knee.pk, "name": "Left knee"})
    assert api.get(f"/v1/images/{image.pk}").json()["tags"] == [answer.json()]


def test_a_renamed_tag_is_ordered_and_found_by_its_new_name(api):
    image, knee = make_image("aaa"), make_tag("aaa")
    make_tag("bbb")
    api.put(f"/v1/tags/{knee.pk}", {"name": "Ccc"})
    assert names(api.get("/v1/tags")) == ["bbb", "Ccc"]
    (found,) = api.get("/v1/search/images?match_tags=cCc").json()["results"]
    assert found["id"] == image.pk
    assert api.get("/v1/search/images?match_tags=aaa").json()["results"] == []


def test_a_tag_may_keep_its_name_or_change_its_case(api):
    knee = make_tag("knee")
    assert api.put(f"/v1/tags/{knee.pk}", {"name": "knee"}).status_code == 200
    assert api.put(f"/v1/tags/{knee.pk}", {"name": "Knee"}).json()["name"] == "Knee"


def test_a_name_that_another_tag_holds_is_a_conflict(api):
    knee = make_tag("knee")
    make_tag("ankle")
    answer = api.put(f"/v1/tags/{knee.pk}", {"name": "ankle"})
    assert answer.status_code == 409
    assert answer.json() == {"code": 409, "message": "Another tag is named 'ankle'."}
    assert names(api.get("/v1/tags")) == ["ankle", "knee"]


@pytest.mark.parametrize(("name", "why"), BAD_NAMES)
def test_a_tag_takes_no_bad_name(api, name, why):
    knee = make_tag("knee")
    answer = api.put(f"/v1/tags/{knee.pk}", {"name": name})
    assert (answer.status_code, answer.json()) == (400, bad_name(why))


def test_validation_comes_before_lookup(api):
    assert api.put("/v1/tags/999999999", {"name": "ab"}).status_code == 400
    answer = api.put("/v1/tags/999999999", {"name": "abc"})
    assert (answer.status_code, answer.json()) == (404, NOT_FOUND)


def test_a_tag_that_went_while_it_was_renamed_is_not_found():
    knee = make_tag("knee")
    Tag.objects.all().delete()
    with pytest.raises(Tag.DoesNotExist) as gone:
        curation.rename(knee, "ankle", TESTS)
    problem = problem_of(gone.value)
    assert problem is not None
    assert (problem.status, problem.message) == (404, "Not found.")


@SLASHES
def test_deleting_a_tag_leaves_its_images(api, slash):
    image, knee = make_image("knee", "left"), make_tag("knee")
    answer = api.delete(f"/v1/tags/{knee.pk}{slash}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert Image.objects.get().uploaded_at == image.uploaded_at
    assert [tag["name"] for tag in api.get(f"/v1/images/{image.pk}").json()["tags"]] == ["left"]


def test_a_deleted_tag_is_not_found_by_any_method(api):
    path = f"/v1/tags/{make_tag().pk}"
    api.delete(path)
    answers = [
        api.get(path),
        api.put(path, {"name": "abc"}),
        api.delete(path),
        api.get(f"{path}/images"),
    ]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(404, NOT_FOUND)] * 4


@pytest.mark.parametrize(
    ("ids", "status", "body"),
    [
        (["0", "-1", "999999999", str(2**63), "9" * 5000], 404, NOT_FOUND),
        (["abc", "1.0", "1e3", "%20", "%00", "٣"], 400, NO_INTEGER),
    ],
)
def test_odd_ids(api, ids, status, body):
    for path in (f"/v1/tags/{odd}" for odd in ids):
        for answer in (
            api.get(path),
            api.put(path, {"name": "abc"}),
            api.delete(path),
            api.get(f"{path}/images"),
        ):
            assert (answer.status_code, answer.json()) == (status, body)


# --- GET /tags/{id}/images -----------------------------------------------------------------------


def of_tag(api, tag: str, **parameters):
    answer = api.get(f"/v1/tags/{make_tag(tag).pk}/images", parameters)
    assert answer.status_code == 200, answer.json()
    return [record["id"] for record in answer.json()["results"]]


@SLASHES
def test_the_images_of_a_tag_are_whole_records(api, slash):
    image = make_image("knee", "left", created_at=NOON)
    make_image("left")
    page = api.get(f"/v1/tags/{make_tag('knee').pk}/images{slash}").json()
    assert page == {
        "results": [api.get(f"/v1/images/{image.pk}").json() | {"url": ANY}],
        "meta": {"current_page": 0, "has_more_pages": False, "total_results": 1},
    }


def test_a_tag_without_images_is_an_empty_page(api):
    assert of_tag(api, "unused") == []


def test_its_images_are_newest_first_and_narrowed_as_all_images_are(api):
    old = make_image("knee", created_at=NOON - timedelta(seconds=10)).pk
    tie, new = (make_image("knee", created_at=NOON).pk for _ in range(2))
    pending = make_pending("knee", created_at=NOON + timedelta(seconds=1)).pk
    noon = int(NOON.timestamp())
    assert of_tag(api, "knee") == [pending, new, tie, old]
    assert of_tag(api, "knee", uploaded_only=1) == [new, tie, old]
    assert of_tag(api, "knee", start_timestamp=noon, end_timestamp=noon) == [new, tie]
    assert of_tag(api, "knee", limit=2, page=1) == [tie, old]
    assert of_tag(api, "knee", start_timestamp=noon, end_timestamp=noon - 1) == []


def test_bad_parameters_of_its_images_are_400(api):
    path = f"/v1/tags/{make_tag('knee').pk}/images"
    for query in ("limit=0", "page=x", "uploaded_only=maybe", "start_timestamp=now"):
        assert api.get(f"{path}?{query}").status_code == 400


@pytest.mark.parametrize("images", [2, 20])
def test_its_images_cost_two_statements_however_many(api, images, django_assert_num_queries):
    for n in range(images):
        make_image("knee", f"b{n}", by=make_user())
    path = f"/v1/tags/{make_tag('knee').pk}/images"
    # Names that this process has not met cost a statement more.
    api.get(path)
    with django_assert_num_queries(2):
        api.get(path)
