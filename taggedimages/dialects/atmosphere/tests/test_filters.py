"""Contract Atmosphere, filters."""

import re
from datetime import timedelta
from urllib.parse import unquote_plus

import pytest
from django.utils import timezone

from images.models import Image
from search.executor.substrings import WordLimits, containing
from search.ordering import UNENDED_FIRST
from taggedimages.factories import make_image, make_tag, make_user, unknown_uuid

pytestmark = pytest.mark.django_db
NOW = timezone.now() - timedelta(days=1)


def found(client, query):
    """The names of the images that a query finds, none of them twice."""
    answer = client.get(f"/api/v2/images?{query}")
    assert answer.status_code == 200, answer.json()
    assert answer.json()["count"] == len(answer.json()["results"])
    return [image["name"] for image in answer.json()["results"]]


@pytest.fixture(autouse=True)
def _corpus():
    """Three images, from oldest to newest."""
    make_tag("knee", description="A joint")
    ann = make_user("ann")
    make_image("knee", "Knee", by=ann, name="mri", description="Left leg", created_at=NOW)
    make_image("knee", "FeatureD", name="ÉPAULE 2", created_at=NOW + timedelta(hours=1))
    ending = timezone.now() + timedelta(days=1)
    make_image("50%", name="a_b", created_at=NOW + timedelta(hours=2), ended_at=ending)


@pytest.mark.parametrize("parameter", ["tag_name", "tags__name"])
def test_tag_names_match_exactly(api, parameter):
    assert found(api, f"{parameter}=knee") == ["ÉPAULE 2", "mri"]
    assert found(api, f"{parameter}=Knee") == ["mri"]
    assert found(api, f"{parameter}=kne") == []
    assert found(api, f"{parameter}=50%25") == ["a_b"]
    assert found(api, f"{parameter}=") == []
    assert found(api, f"{parameter}=knee&{parameter}=Knee") == ["mri"]


@pytest.mark.parametrize("parameter", ["created_by", "created_by__username"])
def test_the_creator_is_a_user_name(api, parameter):
    assert found(api, f"{parameter}=ann") == ["mri"]
    assert found(api, f"{parameter}=Ann") == []
    assert found(api, f"{parameter}=nobody") == found(api, f"{parameter}=") == []


def test_all_filters_must_hold(api):
    assert found(api, "tag_name=knee&tags__name=Knee&created_by=ann") == ["mri"]
    assert found(api, "tag_name=knee&featured=true&created_by=ann") == []


WORDS = [
    ("mr", ["mri"]),
    ("LEG", ["mri"]),
    ("KNEE", ["ÉPAULE 2", "mri"]),
    ("joint", ["ÉPAULE 2", "mri"]),
    ("ann", ["mri"]),
    ("épaule", ["ÉPAULE 2"]),
    ("leg+JOINT+an", ["mri"]),
    ("leg,joint", ["mri"]),
    ("leg+absent", []),
    ("_", ["a_b"]),
    ("%25", ["a_b"]),
    ("%5C", []),
    ("+", ["ÉPAULE 2", "mri", "a_b"]),
    (",", ["ÉPAULE 2", "mri", "a_b"]),
]


@pytest.mark.parametrize(("words", "names"), WORDS)
def test_search_wants_every_word_somewhere(api, words, names):
    assert found(api, f"search={words}") == names


@pytest.mark.parametrize("limit", ["looked_up_images", "listed_records", "tried_words"])
@pytest.mark.parametrize(("words", "names"), WORDS)
def test_words_are_found_alike_where_many_have_them(words, names, limit):
    asked = [word for word in re.split("[ ,]", unquote_plus(words)) if word]
    shown = UNENDED_FIRST.applied(Image.objects.visible_to(None))
    limits = WordLimits(**{limit: 0})
    assert [image.name for image in containing(shown, asked, limits)] == names


def test_search_looks_at_the_id(api):
    image = make_image(name="by id")
    assert "by id" in found(api, f"search={image.pk}")


def test_a_search_has_a_hundred_words_at_most(api):
    answer = api.get("/api/v2/images?search=" + "+".join(["x"] * 101))
    assert (answer.status_code, answer.json()) == (400, {"search": ["At most 100 words."]})


def test_featured_images_have_that_tag_in_any_case(api):
    assert found(api, "featured=true") == ["ÉPAULE 2"]
    assert found(api, "featured=false") == ["mri", "a_b"]
    assert found(api, "featured=True") == found(api, "featured=1") == ["ÉPAULE 2"]


@pytest.mark.parametrize(
    ("order", "names"),
    [
        ("name", ["a_b", "mri", "ÉPAULE 2"]),
        ("-name", ["ÉPAULE 2", "mri", "a_b"]),
        ("start_date", ["mri", "ÉPAULE 2", "a_b"]),
        ("-start_date", ["a_b", "ÉPAULE 2", "mri"]),
        ("end_date", ["ÉPAULE 2", "mri", "a_b"]),
        ("-end_date", ["ÉPAULE 2", "mri", "a_b"]),
        ("id", ["mri", "ÉPAULE 2", "a_b"]),
        ("-id", ["a_b", "ÉPAULE 2", "mri"]),
        ("end_date,start_date", ["mri", "ÉPAULE 2", "a_b"]),
    ],
)
def test_lists_come_in_the_order_asked_for(api, order, names):
    assert found(api, f"ordering={order}") == names


@pytest.mark.parametrize("parameter", ["application__id", "image", "tag", "tag__name"])
def test_links_by_image_and_tag(api, parameter):
    image = make_image("elbow", "knee")
    tag = image.tags.get(name="elbow")
    record = tag if parameter == "tag" else image
    values = ["elbow"] if parameter == "tag__name" else [record.pk, record.uuid]
    for value in values:
        links = api.get(f"/api/v2/image_tags?{parameter}={value}").json()["results"]
        of_image = {link["image"]["id"] for link in links}
        names = {link["tag"]["name"] for link in links}
        whole = parameter in ("application__id", "image")
        assert (of_image, names) == ({image.pk}, {"elbow", "knee"} if whole else {"elbow"})


@pytest.mark.parametrize("parameter", ["application__id", "image", "tag"])
def test_unknown_ids_give_an_empty_page_and_text_is_refused(api, parameter):
    for unknown in ("999999999", "9" * 40, "0", "-1", unknown_uuid()):
        assert api.get(f"/api/v2/image_tags?{parameter}={unknown}").json()["count"] == 0
    for text in ("knee", "1.5", "1-2-3-4", "x%00y"):
        answer = api.get(f"/api/v2/image_tags?{parameter}={text}")
        assert answer.status_code == 400
        assert list(answer.json()) == [parameter]


@pytest.mark.parametrize("parameter", ["tag_name", "created_by", "search", "ordering"])
def test_null_characters_are_refused(api, parameter):
    answer = api.get(f"/api/v2/images?{parameter}=a%00b")
    assert answer.status_code == 400
    assert answer.json() == {parameter: ["Null characters are not allowed."]}


@pytest.mark.parametrize("parameter", ["project_id", "projects__id"])
def test_images_of_a_project(api, login, parameter):
    _, eve = login("eve", project_id="far")
    make_image(by=eve, name="far")
    make_image(by=eve, name="hidden", private=True)
    assert found(api, f"{parameter}=far") == ["far"]
    assert found(api, f"{parameter}=far&ordering=name&search=a") == ["far"]
    assert found(api, f"{parameter}=default") == ["ÉPAULE 2", "mri", "a_b"]
    for unknown in ("unknown", "FAR", "", "7", unknown_uuid()):
        assert found(api, f"{parameter}={unknown}") == []
    assert found(api, "project_id=far&projects__id=default") == []


LISTS = ("images", "image_tags", "tags", "image_versions")
MOUNTS = ("/api/v2", "/current/api/v2")


@pytest.mark.parametrize("mount", MOUNTS)
@pytest.mark.parametrize("collection", LISTS)
@pytest.mark.parametrize(
    "query", ["colour=red", "colour=", "Tag_name=knee", "NAME=x", "sort=name", "sort_by=x"]
)
def test_a_parameter_that_a_list_does_not_know_is_refused(api, mount, collection, query):
    answer = api.get(f"{mount}/{collection}?{query}")
    assert answer.status_code == 400
    assert answer.json() == {query.partition("=")[0]: ["There is no such filter."]}


@pytest.mark.parametrize("collection", LISTS)
def test_what_pages_names_a_format_or_is_meant_for_caches_narrows_nothing(api, collection):
    make_image("elbow", by=make_user("bob"))
    plain = api.get(f"/api/v2/{collection}").json()
    asked = "page=1&page_size=50&format=json&_=1690000000&_dc=1&nocache=2"
    assert api.get(f"/api/v2/{collection}?{asked}").json() == plain


@pytest.mark.parametrize(
    "query",
    [
        "images?featured=perhaps",
        "images?featured=",
        "images?ordering=unknown",
        "images?ordering=--id",
        "images?ordering=",
        "images?ordering=name,",
        "images?ordering=Name",
        "images?ordering=name&ordering=id",
        "images?created_by=ann&created_by=bob",
        "images?include_ended=perhaps",
        "images?tag_name=x" + "&tag_name=x" * 100,
        "image_tags?image=1&image=2",
        "image_tags?image=",
        "image_tags?tag=",
        "image_tags?application__id=",
        "image_tags?ordering=id",
        "tags?ordering=name",
        "tags?search=knee",
        "tags?name=a&name=b",
        "image_versions?image_id=x",
        "image_versions?image_id=",
        "image_versions?page=1&page=2",
    ],
)
def test_values_that_mean_nothing_are_refused(api, query):
    answer = api.get(f"/api/v2/{query}")
    name = query.partition("?")[2].partition("=")[0]
    assert (answer.status_code, list(answer.json())) == (400, [name])


@pytest.mark.parametrize(
    "query",
    [
        "images?tag_name=none",
        "images?tags__name=none",
        "images?created_by=none",
        "images?created_by__username=none",
        "images?created_by=ann&created_by__username=bob",
        "images?search=none",
        "images?search=leg&search=none",
        "images?project_id=none",
        "image_tags?tag__name=none",
        "image_tags?tag__name=",
        "image_tags?tag=0",
        "image_tags?image=0",
        "image_tags?application__id=0",
        "tags?name=none",
        "tags?name=",
        "tags?name=KNEE",
        "image_versions?image_id=0",
        "image_versions?image__id=0",
        "image_versions?created_by=none",
        "image_versions?created_by=",
    ],
)
def test_every_filter_finds_nothing_where_nothing_fits(api, query):
    answer = api.get(f"/api/v2/{query}")
    assert (answer.status_code, answer.json()["count"], answer.json()["results"]) == (200, 0, [])


def test_tags_by_name(api):
    (tag,) = api.get("/api/v2/tags?name=Knee").json()["results"]
    assert tag["name"] == "Knee"
