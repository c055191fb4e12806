"""PUT /v1/tags/{id}: another name, with or without the old one, a status and a category."""

import pytest

from taggedimages.factories import TESTS, make_credentials, make_image, make_tag
from taggedimages.identity.authors import Author
from taggedimages.identity.models import User
from tags import renaming, tagging, vocabulary
from tags.models import ImageTag, Implication, Tag, TagChange

pytestmark = pytest.mark.django_db


def renamed(api, tag: Tag, name: str, **more):
    """The whole tag after it was given a name."""
    answer = api.put(f"/v1/tags/{tag.pk}", {"name": name, **more})
    assert answer.status_code == 200, answer.json()
    return api.get(f"/v1/tags/{tag.pk}").json()


def aliases(told) -> list[str]:
    return [tag["name"] for tag in told["aliases"]]


def write_past(image, name: str, value: str = "") -> None:
    """As clients do of the APIs that know no aliases: by the exact name."""
    ImageTag.objects.create(image=image, tag=Tag.objects.get(name=name), value=value)


# --- The old name --------------------------------------------------------------------------------


def test_without_keep_old_the_old_name_is_free_again(api):
    knee = make_tag("knee")
    answer = api.put(f"/v1/tags/{knee.pk}", {"name": "genu"})
    assert (answer.status_code, answer.json()) == (200, {"id": knee.pk, "name": "genu"})
    assert api.post("/v1/tags", {"name": "knee"}).json()["id"] != knee.pk


def test_kept_it_is_an_alias(api):
    knee = make_tag("knee")
    answer = api.put(f"/v1/tags/{knee.pk}", {"name": "genu", "keep_old": True})
    assert answer.json() == api.get(f"/v1/tags/{knee.pk}").json()
    (old,) = answer.json()["aliases"]
    assert (answer.json()["name"], old["name"]) == ("genu", "knee")
    assert api.get(f"/v1/tags/{old['id']}")["Location"] == f"/v1/tags/{knee.pk}"


def test_every_name_that_was_kept_goes_on(api):
    knee = make_tag("knee")
    for name in ("genu", "rodilla", "genou"):
        told = renamed(api, knee, name, keep_old=True)
    assert aliases(told) == ["genu", "knee", "rodilla"]


def test_a_name_that_stays_leaves_no_alias(api):
    knee = make_tag("knee")
    assert aliases(renamed(api, knee, "knee", keep_old=True)) == []


@pytest.mark.parametrize("keep_old", [None, "true", 1, 0, [], "yes"])
def test_keep_old_is_true_or_false(api, keep_old):
    answer = api.put(f"/v1/tags/{make_tag().pk}", {"name": "genu", "keep_old": keep_old})
    assert answer.status_code == 400


def test_a_kept_name_is_shown_to_nobody_who_was_not_shown_it(api, api_as):
    mira = api_as(make_credentials("mira"))
    secret = make_image("secret", by=User.objects.get(username="mira"), private=True).tags.get()
    mira.put(f"/v1/tags/{secret.pk}", {"name": "told", "keep_old": True})
    old = Tag.objects.get(name="secret")
    assert api.get(f"/v1/tags/{old.pk}").status_code == 404
    assert mira.get(f"/v1/tags/{old.pk}").status_code == 301
    vocabulary.unalias(old, TESTS)
    assert api.get(f"/v1/tags/{old.pk}").status_code == 404


# --- Taking a name back --------------------------------------------------------------------------


@pytest.mark.parametrize("keep_old", [False, True])
def test_a_tag_takes_back_the_name_of_its_own_alias(api, keep_old):
    knee = make_tag("knee")
    renamed(api, knee, "genu", keep_old=True)
    told = renamed(api, knee, "knee", keep_old=keep_old)
    assert (told["name"], aliases(told)) == ("knee", ["genu"] * keep_old)
    assert not Tag.objects.filter(name="genu", alias_of=None).exists()


def test_links_that_others_wrote_under_the_name_are_the_tags_as_they_are(api):
    knee, image, both = make_tag("knee"), make_image(), make_image("knee")
    renamed(api, knee, "genu", keep_old=True)
    write_past(image, "knee", "left")
    write_past(both, "knee", "right")
    link = ImageTag.objects.get(image=image)
    renamed(api, knee, "knee")
    moved = ImageTag.objects.get(image=image)
    assert (moved.tag_id, moved.pk, moved.uuid, moved.value, moved.created_at) == (
        knee.pk,
        link.pk,
        link.uuid,
        "left",
        link.created_at,
    )
    # Of two links, the tag's stays; a value that it had not is not lost.
    assert ImageTag.objects.get(image=both).value == "right"
    assert api.get(f"/v1/tags/{knee.pk}").json()["images"] == 2


def test_where_both_have_a_value_the_tags_stays(api):
    knee, image = make_tag("knee"), make_image("knee")
    tagging.set_values(image, {"knee": "left"}, TESTS)
    renamed(api, knee, "genu", keep_old=True)
    write_past(image, "knee", "right")
    renamed(api, knee, "knee")
    assert ImageTag.objects.get(image=image).value == "left"


def test_what_moves_is_in_the_ledger_as_one_change_of_whoever_renamed(api_as):
    mira = make_credentials("mira")
    knee, image = make_tag("knee"), make_image()
    renamed(api_as(mira), knee, "genu", keep_old=True)
    write_past(image, "knee")
    renamed(api_as(mira), knee, "knee")
    *_, gone, come = TagChange.objects.order_by("id")
    assert (gone.change_id, gone.user_name) == (come.change_id, "mira")
    assert {gone.new_value, come.new_value} == {None, ""}


def test_implications_of_the_alias_are_the_tags(api):
    knee, old, joint, left = (make_tag(name) for name in ("knee", "old", "joint", "left knee"))
    vocabulary.imply(old, [joint], TESTS)
    vocabulary.imply(left, [old], TESTS)
    vocabulary.alias(old, knee, TESTS)
    told = renamed(api, knee, "old")
    assert [tag["name"] for tag in told["parents"]] == ["joint"]
    assert [tag["name"] for tag in told["children"]] == ["left knee"]
    assert Implication.objects.count() == 2


def test_an_alias_on_more_images_than_move_at_once_is_merged_first(api, monkeypatch):
    monkeypatch.setattr(renaming, "MOVED_LINKS_MAX", 1)
    knee, old = make_tag("knee"), make_tag("old")
    for _ in range(2):
        make_image("old")
    vocabulary.alias(old, knee, TESTS)
    answer = api.put(f"/v1/tags/{knee.pk}", {"name": "old"})
    assert answer.status_code == 409
    assert answer.json()["message"] == "More than 1 images have 'old' itself: merge it first."
    assert ImageTag.objects.filter(tag=old).count() == 2


@pytest.mark.parametrize("taken", ["hand", "manus"])
def test_the_name_of_another_tag_or_of_its_alias_is_a_conflict(api, taken):
    knee, hand, manus = make_tag("knee"), make_tag("hand"), make_tag("manus")
    vocabulary.alias(manus, hand, TESTS)
    answer = api.put(f"/v1/tags/{knee.pk}", {"name": taken, "keep_old": True})
    assert answer.json() == {"code": 409, "message": f"Another tag is named {taken!r}."}
    assert api.get(f"/v1/tags/{knee.pk}").json()["name"] == "knee"


def test_a_rename_of_the_domain_keeps_nothing_unless_told_to():
    knee = renaming.rename(make_tag("knee"), "genu", Author(None, "tests"))
    assert list(Tag.objects.values_list("name", flat=True)) == [knee.name] == ["genu"]


# --- Status and category -------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["active", "deprecated"])
def test_a_status_is_said_without_a_name(api, status):
    knee = make_tag("knee")
    answer = api.put(f"/v1/tags/{knee.pk}", {"status": status})
    assert answer.json()["status"] == status
    assert answer.json() == api.get(f"/v1/tags/{knee.pk}").json()
    assert answer.json()["name"] == "knee"


def test_a_category_is_any_short_text(api):
    path = f"/v1/tags/{make_tag('knee').pk}"
    told = [
        api.put(path, {"category": text}).json()["category"]
        for text in ("anatomy", " Körperteil ", "x" * 64, "")
    ]
    assert told == ["anatomy", "Körperteil", "x" * 64, ""]


def test_all_of_it_in_one_body(api):
    knee = make_tag("knee")
    body = {"name": "genu", "keep_old": True, "status": "deprecated", "category": "anatomy"}
    told = api.put(f"/v1/tags/{knee.pk}", body).json()
    assert (told["name"], aliases(told), told["status"], told["category"]) == (
        "genu",
        ["knee"],
        "deprecated",
        "anatomy",
    )


@pytest.mark.parametrize(
    "body",
    [
        {"status": "gone"},
        {"status": None},
        {"status": ["active"]},
        {"status": ""},
        {"category": None},
        {"category": 3},
        {"category": "x" * 65},
        {"category": "a\x07b"},
        {"keep_old": True},
        {"name": "genu", "status": "gone"},
        {},
    ],
)
def test_what_is_none_is_400_and_changes_nothing(api, body):
    knee = make_tag("knee")
    assert api.put(f"/v1/tags/{knee.pk}", body).status_code == 400
    told = api.get(f"/v1/tags/{knee.pk}").json()
    assert (told["name"], told["status"], told["category"]) == ("knee", "active", "")


def test_a_locked_tag_is_staffs(api_as):
    knee = make_tag("knee")
    path = f"/v1/tags/{knee.pk}"
    mira, boss = (api_as(make_credentials(name, staff=name == "boss")) for name in ("mira", "boss"))
    why = "Only staff may lock a tag, and change a locked one."
    refused = mira.put(path, {"status": "locked"})
    assert (refused.status_code, refused.json()["message"]) == (403, why)
    assert boss.put(path, {"status": "locked"}).json()["status"] == "locked"
    for answer in (
        mira.put(path, {"status": "active"}),
        mira.put(path, {"name": "genu"}),
        mira.put(path, {"category": "anatomy"}),
        mira.delete(path),
        mira.post(f"{path}/alias", {"of": make_tag("genu").pk}),
        mira.post(f"/v1/tags/{make_tag('old').pk}/alias", {"of": knee.pk}),
        mira.post(f"{path}/implications", {"parents": []}),
        mira.post(f"/v1/tags/{make_tag('left').pk}/implications", {"parents": [knee.pk]}),
    ):
        assert (answer.status_code, answer.json()["message"]) == (403, why)
    assert boss.put(path, {"status": "active"}).status_code == 200
    assert mira.put(path, {"name": "patella"}).status_code == 200
