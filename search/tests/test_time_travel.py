"""`as_of` in /v1: images by the tags they had at an instant, and records with the names of then."""

import json
import time

import pytest

from images.models import Image
from taggedimages.factories import make_credentials, make_image, make_tag
from taggedimages.identity.authors import Author
from taggedimages.identity.models import User
from tags import curation, renaming, tagging, vocabulary
from tags.models import Tag
from tags.past.tests.ageing import HOUR, forget_when_it_came, let_pass

pytestmark = pytest.mark.django_db
BY = Author(None, "v1", is_operator=True)
NDJSON = {"Accept": "application/x-ndjson"}


def tag_named(name):
    return Tag.objects.get(name=name)


def rename(name, other, **options):
    return renaming.rename(tag_named(name), other, BY, **options)


def ids(answer):
    assert answer.status_code == 200, answer.content
    return [record["id"] for record in answer.json()["results"]]


@pytest.fixture
def knee():
    """An image that had `knee` an hour ago, and the instant."""
    image = make_image("knee")
    at = let_pass()
    tagging.retag(image, ["hip"], BY)
    return image, at


# --- Lists ---------------------------------------------------------------------------------------


def test_an_image_is_found_by_a_tag_that_it_had(api, knee):
    image, at = knee
    assert ids(api.get("/v1/search/images?exact_tags=knee")) == []
    answer = api.get(f"/v1/search/images?exact_tags=knee&as_of={at}")
    assert ids(answer) == [image.pk]
    assert answer.json()["meta"] == {
        "current_page": 0,
        "has_more_pages": False,
        "total_results": 1,
        "as_of": at,
    }
    [record] = answer.json()["results"]
    assert record["tags"] == [{"id": tag_named("knee").pk, "name": "knee"}]
    assert "meta" not in record
    assert ids(api.get(f"/v1/search/images?exact_tags=hip&as_of={at}")) == []
    assert ids(api.get(f"/v1/images?not_tags=knee&as_of={at}")) == []
    assert ids(api.get(f"/v1/images?any_tags=knee|hip&as_of={at}")) == [image.pk]


def test_what_is_not_of_the_past_is_as_ever(api, knee):
    answer = api.get("/v1/search/images?exact_tags=hip").json()
    assert "as_of" not in answer["meta"]
    assert answer["results"][0]["tags"] == [{"id": tag_named("hip").pk, "name": "hip"}]
    assert "meta" not in api.get(f"/v1/images/{knee[0].pk}").json()


@pytest.mark.parametrize("path", ["/v1/search/images", "/v1/search/images.ndjson"])
def test_each_line_of_a_stream_says_of_which_instant_it_is(api, knee, path):
    image, at = knee
    answer = api.get(f"{path}?exact_tags=knee&as_of={at}&labels=true", headers=NDJSON)
    [line] = map(json.loads, answer.getvalue().splitlines())
    assert (line["id"], line["labels"], line["meta"]) == (image.pk, ["knee"], {"as_of": at})


def test_values_are_those_of_the_instant(api):
    image = make_image()
    tagging.set_values(image, {"side": "left", "knee": ""}, BY)
    at = let_pass()
    tagging.set_values(image, {"side": "right"}, BY)
    [record] = api.get(f"/v1/images?as_of={at}").json()["results"]
    assert record["tags"] == [
        {"id": tag_named("knee").pk, "name": "knee"},
        {"id": tag_named("side").pk, "name": "side", "value": "left"},
    ]


def test_what_came_later_is_left_out_of_lists_and_totals(api):
    old = make_image("knee")
    at = let_pass()
    make_image("knee")
    for path in (f"/v1/images?as_of={at}", f"/v1/search/images?not_tags=hip&as_of={at}"):
        answer = api.get(path)
        assert (ids(answer), answer.json()["meta"]["total_results"]) == ([old.pk], 1)


def test_only_images_that_the_caller_is_shown_now(api, api_as):
    mira = make_credentials("mira")
    owner = User.objects.get(username="mira")
    images = [make_image("knee", by=owner) for _ in range(4)]
    at = let_pass()
    Image.objects.filter(pk=images[1].pk).delete()
    tagging.retag(images[2], [], BY)
    assert (
        api_as(mira).put(f"/v1/images/{images[3].pk}", {"visibility": "private"}).status_code == 200
    )
    path = f"/v1/search/images?exact_tags=knee&as_of={at}"
    for client, shown in (
        (api, [images[2], images[0]]),
        (api_as(mira), images[:1:-1] + images[:1]),
    ):
        answer = client.get(path)
        assert ids(answer) == [image.pk for image in shown]
        assert answer.json()["meta"]["total_results"] == len(shown)
    assert api.get(f"/v1/images/{images[3].pk}?as_of={at}").status_code == 404
    assert api.get(f"/v1/images/{images[1].pk}?as_of={at}").status_code == 404


def test_pages_and_cursors_go_on_as_of_the_same_instant(api):
    images = [make_image("knee") for _ in range(5)]
    at = let_pass()
    for image in images[:4]:
        tagging.retag(image, [], BY)
    path = f"/v1/search/images?exact_tags=knee&as_of={at}&limit=2"
    assert ids(api.get(f"{path}&page=1")) == [images[2].pk, images[1].pk]
    first = api.get(f"{path}&cursor=")
    cursor = first.json()["meta"]["next_cursor"]
    assert first.json()["meta"]["as_of"] == at
    assert f"as_of={at}" in first["Link"]
    assert ids(api.get(f"{path}&cursor={cursor}")) == [images[2].pk, images[1].pk]
    for other in ("", f"&as_of={at + 1}"):
        wrong = api.get(f"/v1/search/images?exact_tags=knee{other}&cursor={cursor}")
        assert wrong.status_code == 400
        assert "Not a cursor of the order newest" in wrong.json()["message"]


# --- Names and rules -----------------------------------------------------------------------------


def test_names_are_those_of_the_instant_and_todays_stand_beside_them(api):
    image = make_image("knee", "hip", "old")
    at = let_pass()
    rename("knee", "left knee")
    hip = tag_named("hip").pk
    curation.delete(tag_named("hip"), BY)
    path = "/v1/search/images?exact_tags={}&as_of={}{}"
    assert ids(api.get(path.format("left knee", at, ""))) == []
    [record] = api.get(path.format("knee|hip", at, "")).json()["results"]
    knee, old = tag_named("left knee").pk, tag_named("old").pk
    assert record["tags"] == [
        {"id": hip, "name": "hip", "name_now": None},
        {"id": knee, "name": "knee", "name_now": "left knee"},
        {"id": old, "name": "old"},
    ]
    assert ids(api.get(path.format("knee", at, "&vocabulary=now"))) == []
    [record] = api.get(path.format("left knee", at, "&vocabulary=now")).json()["results"]
    assert record["id"] == image.pk
    assert record["tags"] == [
        {"id": hip, "name": "hip"},
        {"id": knee, "name": "left knee", "name_then": "knee"},
        {"id": old, "name": "old"},
    ]


def test_patterns_go_by_the_names_of_the_instant(api):
    image = make_image("knee left")
    at = let_pass()
    rename("knee left", "joint")
    assert ids(api.get(f"/v1/search/images?match_tags=KNEE%25&as_of={at}")) == [image.pk]
    assert ids(api.get(f"/v1/search/images?match_tags=joint&as_of={at}")) == []


def test_aliases_and_implications_are_those_of_the_instant(api):
    image = make_image("left knee")
    knee, joint = make_tag("knee"), make_tag("joint")
    left = tag_named("left knee")
    vocabulary.alias(left, knee, BY)
    vocabulary.imply(knee, [joint], BY)
    at = let_pass()
    vocabulary.unalias(left, BY)
    vocabulary.imply(knee, [], BY)
    past = f"/v1/search/images?as_of={at}"
    assert ids(api.get(f"{past}&exact_tags=knee")) == [image.pk]
    [record] = api.get(f"{past}&exact_tags=joint&implied=true").json()["results"]
    assert record["tags"] == [{"id": knee.pk, "name": "knee"}]
    assert record["implied_tags"] == [{"id": joint.pk, "name": "joint", "because": [knee.pk]}]
    assert ids(api.get(f"{past}&exact_tags=knee&vocabulary=now")) == []
    [record] = api.get(f"{past}&exact_tags=left knee&vocabulary=now").json()["results"]
    assert record["tags"] == [{"id": left.pk, "name": "left knee"}]


# --- One image, the images of a tag --------------------------------------------------------------


def test_one_image_as_it_was(api, knee):
    image, at = knee
    answer = api.get(f"/v1/images/{image.pk}?as_of={at}")
    record = answer.json()
    assert record["tags"] == [{"id": tag_named("knee").pk, "name": "knee"}]
    assert record["meta"] == {"as_of": at}
    now = api.get(f"/v1/images/{image.pk}")
    assert answer["ETag"] != now["ETag"]
    assert record.keys() - now.json().keys() == {"meta"}
    before = api.get(f"/v1/images/{image.pk}?as_of={at - HOUR}")
    assert before.status_code == 404
    forget_when_it_came(image.pk)
    # Of records so old that nobody knows when they came: they were there.
    assert api.get(f"/v1/images/{image.pk}?as_of={at - HOUR}").json()["tags"] == []


def test_one_image_with_what_its_tags_implied(api):
    image = make_image("knee")
    joint = make_tag("joint")
    vocabulary.imply(tag_named("knee"), [joint], BY)
    at = let_pass()
    vocabulary.imply(tag_named("knee"), [], BY)
    asked = f"/v1/images/{image.pk}?implied=true"
    assert api.get(asked).json()["implied_tags"] == []
    assert api.get(f"{asked}&as_of={at}").json()["implied_tags"] == [
        {"id": joint.pk, "name": "joint", "because": [tag_named("knee").pk]}
    ]


def test_the_images_of_a_tag_that_is_gone(api):
    image, unused = make_image("knee"), make_tag("unused").pk
    knee = tag_named("knee").pk
    at = let_pass()
    for name in ("knee", "unused"):
        curation.delete(tag_named(name), BY)
    assert ids(api.get(f"/v1/tags/{knee}/images?as_of={at}")) == [image.pk]
    assert ids(api.get(f"/v1/tags/{knee}/images?as_of={at}&format=png")) == []
    lines = api.get(f"/v1/tags/{knee}/images.ndjson?as_of={at}").getvalue().splitlines()
    assert [json.loads(line)["id"] for line in lines] == [image.pk]
    for path in ("images", "images.ndjson"):
        assert api.get(f"/v1/tags/{knee}/{path}").status_code == 404
        assert api.get(f"/v1/tags/{unused}/{path}?as_of={at}").status_code == 404
        assert api.get(f"/v1/tags/{knee}/{path}?as_of={at - HOUR}").status_code == 404


def test_a_tag_of_now_that_no_image_had_has_an_empty_list(api):
    at = let_pass()
    make_image("knee")
    assert ids(api.get(f"/v1/tags/{tag_named('knee').pk}/images?as_of={at}")) == []


# --- What is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v1/images", "/v1/images/{id}", "/v1/search/images.ndjson"])
@pytest.mark.parametrize("as_of", ["{now}", "{soon}", "9223372036854775807", "-1", "x", "", "1.5"])
def test_an_instant_that_may_not_be_asked_for(api, path, as_of):
    now = int(time.time())
    wanted = as_of.format(now=now - 5, soon=now + 60)
    answer = api.get(f"{path.format(id=make_image('knee').pk)}?as_of={wanted}&exact_tags=knee")
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("as_of: ")


def test_the_first_instant_of_all_is_one(api):
    make_image("knee")
    answer = api.get("/v1/images?as_of=0")
    assert (ids(answer), answer.json()["meta"]["as_of"]) == ([], 0)


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ("/v1/images?vocabulary=now", "vocabulary: Goes with as_of."),
        ("/v1/images?as_of=5&vocabulary=mine", "vocabulary: Must be one of: now, then."),
        ("/v1/images?as_of=5&facets=tags", "facets: Does not go with as_of."),
        ("/v1/search/images?as_of=5", "Give exact_tags"),
    ],
)
def test_what_does_not_go_with_an_instant(api, asked, why):
    answer = api.get(asked)
    assert answer.status_code == 400
    assert why in answer.json()["message"]


# --- Privacy -------------------------------------------------------------------------------------


def test_what_a_tag_has_become_is_told_to_who_is_shown_it(api, api_as):
    """An image went on without the tag, which is now on private images alone, by another name."""
    mira = make_credentials("mira")
    owner = User.objects.get(username="mira")
    image = make_image("knee", by=owner)
    make_image("knee", by=owner, private=True)
    at = let_pass()
    tagging.retag(image, [], BY)
    tag = rename("knee", "secret")
    path = f"/v1/images?as_of={at}"

    def tags(client, query=""):
        records = client.get(path + query).json()["results"]
        return next(record["tags"] for record in records if record["id"] == image.pk)

    then = {"id": tag.pk, "name": "knee"}
    assert tags(api) == [then | {"name_now": None}]
    assert tags(api_as(mira)) == [then | {"name_now": "secret"}]
    assert tags(api, "&vocabulary=now") == [then]
    assert tags(api_as(mira), "&vocabulary=now") == [
        {"id": tag.pk, "name": "secret", "name_then": "knee"}
    ]


@pytest.mark.parametrize(
    "asked", ["exact_tags=secret", "match_tags=sec%25", "any_tags=secret|s", "not_tags=secret"]
)
def test_nobody_finds_out_what_a_tag_has_become(api, api_as, asked):
    """By the name that it has on private images alone an image that once had it is not found."""
    mira = make_credentials("mira")
    owner = User.objects.get(username="mira")
    image = make_image("knee", by=owner)
    make_image("knee", by=owner, private=True)
    at = let_pass()
    tagging.retag(image, [], BY)
    rename("knee", "secret")
    path = f"/v1/search/images?{asked}&as_of={at}&vocabulary=now"
    finds = "not_tags" not in asked
    assert (image.pk in ids(api_as(mira).get(path))) is finds
    assert (image.pk in ids(api.get(path))) is not finds


def test_patterns_of_today_stand_for_tags_that_the_caller_is_shown(api):
    image = make_image("knee", "hip")
    at = let_pass()
    rename("knee", "left knee")
    tagging.retag(image, ["left knee"], BY)
    path = f"/v1/search/images?as_of={at}&vocabulary=now&match_tags="
    assert ids(api.get(f"{path}left%25")) == [image.pk]
    assert ids(api.get(f"{path}left%25|knee")) == []
