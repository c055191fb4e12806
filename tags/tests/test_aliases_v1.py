"""Aliases through /v1: another name for a tag, and how it is taken back."""

import pytest

from taggedimages.factories import TESTS, make_credentials, make_image, make_tag
from taggedimages.identity.models import User
from tags import vocabulary
from tags.models import ImageTag, Tag

pytestmark = pytest.mark.django_db

NOT_FOUND = {"code": 404, "message": "Not found."}


def tag_of(name: str) -> Tag:
    """The tag that has a name, an alias too, or a new one."""
    return Tag.objects.filter(name=name).first() or make_tag(name)


def alias(api, name: str, of: str):
    """The answer to making one name an alias of another."""
    return api.post(f"/v1/tags/{tag_of(name).pk}/alias", {"of": tag_of(of).pk})


def path_of(name: str) -> str:
    return f"/v1/tags/{Tag.objects.get(name=name).pk}"


# --- POST /tags/{id}/alias -----------------------------------------------------------------------


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_tag_becomes_an_alias_and_the_target_is_answered(api, slash):
    knee, old = make_tag("knee"), make_tag("left knee")
    answer = api.post(f"/v1/tags/{old.pk}/alias{slash}", {"of": knee.pk})
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "id": knee.pk,
            "name": "knee",
            "aliases": [{"id": old.pk, "name": "left knee"}],
            "parents": [],
            "children": [],
            "images": 0,
            "status": "active",
            "category": "",
        },
    )
    assert api.get(f"/v1/tags/{knee.pk}").json() == answer.json()


def test_sent_again_it_is_answered_again(api):
    assert alias(api, "old", "knee").json() == alias(api, "old", "knee").json()


def test_of_an_alias_is_of_its_target_and_aliases_move_along(api):
    alias(api, "old", "knee")
    assert alias(api, "older", "old").json()["name"] == "knee"
    aliases = alias(api, "knee", "genu").json()["aliases"]
    assert [tag["name"] for tag in aliases] == ["knee", "old", "older"]


def test_an_alias_moves_to_another_target(api):
    alias(api, "old", "knee")
    assert [tag["name"] for tag in alias(api, "old", "hand").json()["aliases"]] == ["old"]
    assert api.get(path_of("knee")).json()["aliases"] == []


@pytest.mark.parametrize(
    ("name", "of", "path"), [("knee", "knee", "knee → knee"), ("knee", "old", "knee → old → knee")]
)
def test_nothing_is_an_alias_of_itself(api, name, of, path):
    alias(api, "old", "knee")
    answer = alias(api, name, of)
    assert (answer.status_code, answer.json()) == (409, {"code": 409, "message": path})


@pytest.mark.parametrize("of", [None, "3", 1.5, True, 2**63, [], {}])
def test_what_is_no_id_is_400(api, of):
    answer = api.post(f"/v1/tags/{make_tag().pk}/alias", {"of": of})
    assert answer.status_code == 400
    assert api.post(f"/v1/tags/{make_tag().pk}/alias", {}).status_code == 400


@pytest.mark.parametrize("of", [0, -1, 999_999_999])
def test_a_target_that_is_not_there_is_400_and_a_tag_404(api, of):
    tag = make_tag()
    answer = api.post(f"/v1/tags/{tag.pk}/alias", {"of": of})
    assert (answer.status_code, answer.json()["message"]) == (400, f"of: There is no tag {of}.")
    answer = api.post("/v1/tags/999999999/alias", {"of": tag.pk})
    assert (answer.status_code, answer.json()) == (404, NOT_FOUND)


def test_hidden_tags_are_as_if_they_were_not_there(api):
    hidden = make_image("hidden", private=True).tags.get().pk
    shown = make_tag("shown").pk
    answer = api.post(f"/v1/tags/{shown}/alias", {"of": hidden})
    assert (answer.status_code, answer.json()["message"]) == (400, f"of: There is no tag {hidden}.")
    answer = api.post(f"/v1/tags/{hidden}/alias", {"of": shown})
    assert (answer.status_code, answer.json()) == (404, NOT_FOUND)


# --- What an alias is ----------------------------------------------------------------------------


def test_a_name_that_exists_gives_the_tag_that_it_is_an_alias_of(api):
    alias(api, "old", "knee")
    knee = tag_of("knee").pk
    assert api.post("/v1/tags", {"name": "old"}).json() == {"id": knee, "name": "knee"}


def test_images_that_have_the_alias_itself_count_and_go_with_the_target(api):
    make_image("old", "left")
    alias(api, "old", "knee")
    make_image("knee")
    told = api.get(path_of("knee"))
    assert told.json()["images"] == 2
    assert api.get(f"{path_of('knee')}/related").json()["results"][0]["name"] == "left"


@pytest.mark.parametrize("method", ["get", "head"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_the_id_of_an_alias_leads_to_its_target_and_no_cache_keeps_that(api, method, slash):
    alias(api, "old", "knee")
    answer = getattr(api, method)(path_of("old") + slash)
    assert (answer.status_code, answer["Location"]) == (301, path_of("knee"))
    assert (answer["Cache-Control"], answer.content) == ("no-store", b"")


def test_who_is_shown_an_image_with_an_alias_is_shown_the_target(api):
    make_image("knee", private=True)
    make_image("old")
    assert api.get(path_of("knee")).status_code == 404
    vocabulary.alias(tag_of("old"), tag_of("knee"), TESTS)
    told = api.get(path_of("knee"))
    assert (told.status_code, told.json()["images"]) == (200, 1)
    assert api.get(path_of("old")).status_code == 301
    found = api.get("/v1/tags/suggest?q=kn").json()["results"]
    assert [tag["name"] for tag in found] == ["knee"]


def test_an_alias_is_not_changed_in_its_targets_place(api):
    alias(api, "old", "knee")
    old, knee = Tag.objects.get(name="old").pk, Tag.objects.get(name="knee").pk
    told = {"code": 409, "message": f"Tag {old} is an alias of tag {knee}: change that."}
    for answer in (
        api.put(f"/v1/tags/{old}", {"name": "older"}),
        api.put(f"/v1/tags/{old}", {"status": "deprecated"}),
        api.post(f"/v1/tags/{old}/implications", {"parents": []}),
    ):
        assert (answer.status_code, answer.json()) == (409, told)


@pytest.mark.parametrize("form", ["", ".ndjson"])
def test_images_of_an_alias_are_its_targets(api, form):
    made = [make_image(name).pk for name in ("old", "knee")]
    alias(api, "old", "knee")
    answers = [api.get(f"{path_of(name)}/images{form}").getvalue() for name in ("old", "knee")]
    assert [answer.count(b'"filename"') for answer in answers] == [len(made)] * 2
    assert all(b'"name":"old"' not in answer for answer in answers)


def test_related_tags_of_an_alias_are_its_targets(api):
    alias(api, "old", "knee")
    make_image("knee", "left")
    answers = [api.get(f"{path_of(name)}/related").json() for name in ("old", "knee")]
    assert answers[0] == answers[1]
    assert [tag["name"] for tag in answers[0]["results"]] == ["left"]


def test_deleting_a_tag_deletes_its_aliases(api):
    alias(api, "old", "knee")
    old = path_of("old")
    assert api.delete(path_of("knee")).status_code == 204
    assert api.get(old).status_code == 404
    assert not Tag.objects.exists()


def test_deleting_an_alias_leaves_its_target(api):
    alias(api, "old", "knee")
    assert api.delete(path_of("old")).status_code == 204
    assert api.get(path_of("knee")).json()["aliases"] == []


def test_an_alias_that_images_have_is_not_deleted_for_they_would_lose_the_target(api):
    make_image("old")
    alias(api, "old", "knee")
    answer = api.delete(path_of("old"))
    assert answer.status_code == 409
    assert answer.json()["message"] == "Images have the alias 'old' itself: merge it first."
    assert ImageTag.objects.get().tag.name == "old"


# --- DELETE /tags/{id}/alias ---------------------------------------------------------------------


@pytest.mark.parametrize("slash", ["", "/"])
def test_undone_it_is_a_tag_of_its_own_again_with_what_it_had(api, slash):
    image = make_image("old")
    alias(api, "old", "knee")
    answer = api.delete(f"{path_of('old')}/alias{slash}")
    assert (answer.status_code, answer.content) == (204, b"")
    told = api.get(path_of("old"))
    assert (told.status_code, told.json()["name"], told.json()["images"]) == (200, "old", 1)
    assert [tag["name"] for tag in api.get(f"/v1/images/{image.pk}").json()["tags"]] == ["old"]
    assert api.get(path_of("knee")).json()["aliases"] == []


def test_undone_again_nothing_changes(api):
    alias(api, "old", "knee")
    answers = [api.delete(f"{path_of('old')}/alias").status_code for _ in range(2)]
    assert answers == [204, 204]
    assert api.delete("/v1/tags/999999999/alias").status_code == 404


def test_whoever_undoes_it_is_shown_the_tag(api_as):
    mira = api_as(make_credentials("mira"))
    image = make_image("knee", by=User.objects.get(username="mira"), private=True)
    knee = image.tags.get().pk
    mira.put(f"/v1/tags/{knee}", {"name": "genu", "keep_old": True})
    old = path_of("knee")
    assert mira.get(old).status_code == 301
    assert mira.delete(f"{old}/alias").status_code == 204
    assert mira.get(old).json()["name"] == "knee"


# --- Entity tags ---------------------------------------------------------------------------------


def test_rules_and_images_change_the_entity_tag(api):
    knee = make_tag("knee").pk
    tags = [api.get(f"/v1/tags/{knee}")["ETag"]]
    for change in (
        lambda: alias(api, "old", "knee"),
        lambda: api.post(f"/v1/tags/{knee}/implications", {"parents": [make_tag("joint").pk]}),
        lambda: api.put(f"/v1/tags/{knee}", {"category": "anatomy"}),
        lambda: make_image("knee"),
        lambda: api.delete(f"{path_of('old')}/alias"),
    ):
        change()
        tags.append(api.get(f"/v1/tags/{knee}")["ETag"])
    assert len(set(tags)) == 6
    held = {"HTTP_IF_NONE_MATCH": tags[-1]}
    assert api.get(f"/v1/tags/{knee}", **held).status_code == 304


def test_if_match_minds_rules_and_not_how_many_images_there_are(api):
    knee = make_tag("knee").pk
    held = api.get(f"/v1/tags/{knee}")["ETag"]
    make_image("knee")
    changed = api.put(f"/v1/tags/{knee}", {"name": "genu"}, HTTP_IF_MATCH=held)
    assert changed.status_code == 200
    held = api.get(f"/v1/tags/{knee}")["ETag"]
    alias(api, "old", "genu")
    changed = api.put(f"/v1/tags/{knee}", {"name": "knee"}, HTTP_IF_MATCH=held)
    assert changed.status_code == 412
