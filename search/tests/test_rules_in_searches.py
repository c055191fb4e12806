"""/v1 by the vocabulary's rules: what aliases and implications find, exclude, count and show."""

import io
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from images.models import Image
from search.tests.indexes import merge_all
from taggedimages.factories import make_image, make_tag, make_user
from taggedimages.identity.authors import Author
from tags import tagging, vocabulary
from tags.models import Tag

pytestmark = pytest.mark.django_db
BY = Author(None, "v1")
# Through a door that knows no aliases.
EXACT = Author(None, "ims")


def alias(name: str, of: str) -> Tag:
    return vocabulary.alias(make_tag(name), make_tag(of), BY)


def imply(child: str, *parents: str) -> None:
    vocabulary.imply(make_tag(child), [make_tag(parent) for parent in parents], BY)


def image(*exact: str) -> Image:
    """An image with tags of these exact names."""
    made = make_image()
    tagging.tag(made, exact, EXACT)
    return made


def found(api, path="/v1/search/images", **asked) -> list[int]:
    """The ids of all that is found, which the page, its total and the lines agree on."""
    answer = api.get(path, asked).json()
    ids = [record["id"] for record in answer["results"]]
    assert answer["meta"]["total_results"] == len(ids)
    lines = b"".join(api.get(f"{path}.ndjson", asked)).splitlines()
    assert [json.loads(line)["id"] for line in lines] == ids
    return ids


def shown(api, made: Image, **asked) -> list[str]:
    """The names of the tags of an image, which single record, page and lines agree on."""
    single = api.get(f"/v1/images/{made.pk}", asked).json()
    page = api.get("/v1/images", {"labels": "true", **asked}).json()["results"]
    lines = b"".join(api.get("/v1/images.ndjson", asked)).splitlines()
    [of_page] = [record for record in page if record["id"] == made.pk]
    [of_lines] = [record for record in map(json.loads, lines) if record["id"] == made.pk]
    assert single["tags"] == of_page["tags"] == of_lines["tags"]
    assert single.get("implied_tags") == of_page.get("implied_tags") == of_lines.get("implied_tags")
    names = [tag["name"] for tag in single["tags"]]
    assert of_page["labels"] == names
    return names


@pytest.fixture
def both():
    """An image with the target, one with the alias, one with both and one with neither."""
    images = [image("knee"), image("left knee"), image("knee", "left knee"), image("other")]
    merge_all()
    return [made.pk for made in images[::-1]]


@pytest.mark.parametrize("indexed", [True, False])
@pytest.mark.parametrize(
    "asked",
    [
        {"exact_tags": "knee"},
        {"exact_tags": "left knee"},
        {"exact_tags": "knee|left knee"},
        {"any_tags": "knee"},
        {"any_tags": "left knee|nobody's"},
        {"match_tags": "left%"},
        {"match_tags": "KNEE"},
        {"match_tags": "%e"},
    ],
)
def test_alias_target_and_both_find_the_same(api, both, asked, indexed):
    before = found(api, **asked)
    alias("left knee", "knee")
    asked_so = asked if indexed else {**asked, "filename": "image"}
    assert found(api, **asked_so) == both[1:]
    not_asked = {"not_tags": asked.get("any_tags") or asked.get("exact_tags") or "knee"}
    assert found(api, **not_asked) == both[:1]
    vocabulary.unalias(make_tag_of("left knee"), BY)
    assert found(api, **asked) == before


def make_tag_of(name: str) -> Tag:
    return Tag.objects.get(name=name)


def test_the_images_of_a_tag_are_those_of_its_aliases_too(api, both):
    alias("left knee", "knee")
    assert found(api, f"/v1/tags/{make_tag_of('knee').pk}/images") == both[1:]


def test_what_implies_a_tag_is_found_by_it_if_asked_and_excluded(api):
    imply("car", "vehicle")
    imply("truck", "vehicle")
    imply("fire engine", "truck")
    alias("red truck", "fire engine")
    names = ["vehicle", "car", "truck", "fire engine", "red truck", "house"]
    vehicle, car, truck, engine, red, house = [image(name).pk for name in names]
    assert found(api, exact_tags="vehicle") == [vehicle]
    everything = [red, engine, truck, car, vehicle]
    for _ in range(2):
        assert found(api, exact_tags="vehicle", implied="true") == everything
        assert found(api, any_tags="truck|house", implied="true") == [house, red, engine, truck]
        assert found(api, not_tags="truck", implied="true") == [house, car, vehicle]
        assert found(api, match_tags="tru%", implied="true") == [red, engine, truck]
        assert found(api, exact_tags="truck", filename="image", implied="true") == everything[:3]
        merge_all()
    path = f"/v1/tags/{make_tag_of('truck').pk}/images"
    assert found(api, path, implied="true") == everything[:3]
    imply("truck")
    assert found(api, exact_tags="vehicle", implied="true") == [car, vehicle]
    imply("car")
    assert found(api, exact_tags="vehicle", implied="true") == [vehicle]


def test_untagged_and_facets_go_by_given_tags(api):
    imply("car", "vehicle")
    plain, tagged = image(), image("car")
    asked = {"implied": "true", "exact_tags": "vehicle", "facets": "tags"}
    answer = api.get("/v1/search/images", asked).json()
    assert [record["id"] for record in answer["results"]] == [tagged.pk]
    assert [(tag["name"], tag["count"]) for tag in answer["facets"]["tags"]] == [("car", 1)]
    assert found(api, untagged="true", implied="true") == [plain.pk]


def test_implied_alone_is_no_condition(api):
    assert api.get("/v1/search/images", {"implied": "true"}).status_code == 400
    assert api.get("/v1/images", {"implied": "yes"}).status_code == 400


def test_a_link_of_an_alias_is_shown_as_the_targets_once(api):
    made = image("a", "left knee", "knee", "b")
    # Which this process now has in memory.
    assert shown(api, made) == ["a", "left knee", "knee", "b"]
    old = alias("left knee", "knee")
    assert shown(api, made) == ["a", "knee", "b"]
    vocabulary.unalias(old, BY)
    assert shown(api, made) == ["a", "left knee", "knee", "b"]
    vocabulary.alias(old, Tag.objects.get(name="knee"), BY)
    [line] = [line for line in history(api, made) if line["tag"]["name"] == "left knee"]
    assert line["action"] == "add"


def history(api, made: Image) -> Any:
    return api.get(f"/v1/images/{made.pk}/history").json()["results"]


def test_records_tell_what_is_implied_and_because_of_what(api):
    imply("car", "vehicle")
    imply("truck", "vehicle")
    imply("vehicle", "thing")
    alias("auto", "car")
    made = image("truck", "auto", "thing")
    car, truck, vehicle = [make_tag_of(name).pk for name in ("car", "truck", "vehicle")]
    assert shown(api, made, implied="true") == ["truck", "car", "thing"]
    record = api.get(f"/v1/images/{made.pk}", {"implied": "true"}).json()
    assert record["implied_tags"] == [{"id": vehicle, "name": "vehicle", "because": [truck, car]}]
    assert shown(api, image(), implied="true") == []
    assert "implied_tags" not in api.get(f"/v1/images/{made.pk}").json()


def test_what_somebody_is_not_shown_is_not_told_as_implied(api):
    imply("car", "secret")
    make_image("secret", by=make_user(), private=True)
    made = image("car")
    record = api.get(f"/v1/images/{made.pk}", {"implied": "true"}).json()
    assert record["implied_tags"] == []


def test_the_entity_tag_of_a_record_changes_with_each_rule(api):
    made = image("left knee")
    path = f"/v1/images/{made.pk}"
    seen = [api.get(path, {"implied": "true"})["ETag"]]
    alias("left knee", "knee")
    seen.append(api.get(path, {"implied": "true"})["ETag"])
    imply("knee", "leg")
    seen.append(api.get(path, {"implied": "true"})["ETag"])
    assert len(set(seen)) == 3
    assert api.get(path, {"implied": "true"}, HTTP_IF_NONE_MATCH=seen[-1]).status_code == 304


def test_tags_are_listed_without_aliases_and_counted_so(api):
    image("left knee")
    make_tag("other")
    make_tag("unused")
    alias("left knee", "knee")
    alias("unused", "other")
    for asked in ({}, {"cursor": ""}):
        answer = api.get("/v1/tags", asked).json()
        assert [tag["name"] for tag in answer["results"]] == ["knee", "other"]
        assert answer["meta"]["total_results"] == 2


def test_a_target_is_shown_to_whoever_is_shown_a_link_of_its_alias(api):
    owner = make_user()
    hidden = make_image("knee", by=owner, private=True)
    image("left knee")
    knee = Tag.objects.get(name="knee")
    assert api.get(f"/v1/tags/{knee.pk}").status_code == 404
    assert api.get("/v1/tags").json()["meta"]["total_results"] == 1
    vocabulary.alias(make_tag_of("left knee"), knee, BY)
    assert api.get(f"/v1/tags/{knee.pk}").status_code == 200
    answer = api.get("/v1/tags").json()
    assert [tag["name"] for tag in answer["results"]] == ["knee"]
    assert answer["meta"]["total_results"] == 1
    assert hidden.pk


# --- Writing -------------------------------------------------------------------------------------


def test_names_are_written_as_their_targets(api):
    alias("left knee", "knee")
    knee = make_tag_of("knee").pk
    created = api.post("/v1/tags", {"name": "left knee"}, format="json")
    assert created.json() == {"id": knee, "name": "knee"}
    body = {"filename": "a.png", "tags": ["left knee", "knee", "ap"]}
    made = Image.objects.get(pk=api.post("/v1/images", body, format="json").json()["id"])
    assert list(made.tags.values_list("name", flat=True).order_by("name")) == ["ap", "knee"]
    api.put(f"/v1/images/{made.pk}", {"tags": ["left knee"]}, format="json")
    assert list(made.tags.values_list("pk", flat=True)) == [knee]


def test_a_link_of_an_alias_stays_where_its_target_is_wanted(api):
    made = image("left knee", "other")
    alias("left knee", "knee")
    answer = api.put(f"/v1/images/{made.pk}", {"tags": ["knee", "new"]}, format="json").json()
    assert [tag["name"] for tag in answer["tags"]] == ["knee", "new"]
    assert set(made.tags.values_list("name", flat=True)) == {"left knee", "new"}
    api.put(f"/v1/images/{made.pk}", {"tags": ["new"]}, format="json")
    assert set(made.tags.values_list("name", flat=True)) == {"new"}


def test_exact_doors_write_the_alias_itself():
    alias("left knee", "knee")
    made = image("left knee")
    assert [tag.name for tag in made.tags.all()] == ["left knee"]
    tagging.retag(made, ["knee"], EXACT)
    assert [tag.name for tag in made.tags.all()] == ["knee"]


def test_no_further_image_gets_a_deprecated_tag_through_v1(api):
    alias("left knee", "old")
    made = image("old")
    Tag.objects.filter(name="old").update(status="deprecated")
    for name in ("old", "left knee"):
        answer = api.post("/v1/images", {"filename": "a.png", "tags": [name]}, format="json")
        assert answer.status_code == 400
        assert "'old'" in answer.json()["message"]
    kept = api.put(f"/v1/images/{made.pk}", {"tags": ["old", "new"]}, format="json")
    assert [tag["name"] for tag in kept.json()["tags"]] == ["old", "new"]
    other = image("x")
    refused = api.put(f"/v1/images/{other.pk}", {"tags": ["x", "old"]}, format="json")
    assert (refused.status_code, [tag.name for tag in other.tags.all()]) == (400, ["x"])
    tagging.tag(other, ["old"], EXACT)


def test_a_locked_tag_comes_and_goes_by_staff_alone(api):
    made, other = image("held"), image("x")
    Tag.objects.filter(name="held").update(status="locked")
    for of, names in ((made, []), (other, ["x", "held"])):
        answer = api.put(f"/v1/images/{of.pk}", {"tags": names}, format="json")
        assert answer.status_code == 403
        assert "'held'" in answer.json()["message"]
    assert (
        api.post("/v1/images", {"filename": "a.png", "tags": ["held"]}, format="json").status_code
        == 403
    )
    staff = Author(make_user(staff=True), "v1")
    tagging.retag(made, [], staff)
    tagging.tag(other, ["held"], staff)
    assert [made.tags.count(), other.tags.count()] == [0, 2]


# --- Commands, and cost --------------------------------------------------------------------------


def test_find_goes_by_rules_as_v1_does():
    made = image("left knee", "knee")
    alias("left knee", "knee")
    imply("knee", "leg")
    for asked in ({"exact_tags": "left knee"}, {"exact_tags": "leg", "implied": "true"}):
        out = io.StringIO()
        call_command("find", urlencode(asked), stdout=out)
        [line] = out.getvalue().splitlines()
        assert (json.loads(line)["id"], json.loads(line)["tags"]) == (made.pk, ["knee"])


def test_a_search_asks_no_more_than_before_where_no_rule_is_about_its_tags(api):
    image("knee")
    image("left knee")
    merge_all()

    def statements(**asked) -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            api.get("/v1/search/images", asked)
        return len(captured)

    api.get("/v1/search/images", {"exact_tags": "knee"})
    plain = statements(exact_tags="knee")
    by_pattern = statements(match_tags="kne%")
    assert statements(exact_tags="knee", implied="true") == plain + 1  # what is implied is told
    alias("left knee", "knee")
    api.get("/v1/search/images", {"exact_tags": "knee"})
    assert statements(exact_tags="knee") <= plain + 1
    assert statements(match_tags="kne%") <= by_pattern
