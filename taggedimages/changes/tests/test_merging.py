"""Merging tags by a change: links move as they are, and an undo brings all of it back."""

from typing import Any

import pytest

from images.models import Image
from taggedimages.changes import batches, lifecycle, worker
from taggedimages.changes.models import Change, Kind, State
from taggedimages.changes.tests.corpora import (
    applied,
    assert_adds_up,
    identities,
    make_change,
    refs,
)
from taggedimages.factories import TESTS, make_image
from tags import curation, renaming, tagging, vocabulary
from tags.models import ImageTag, Tag

pytestmark = [pytest.mark.django_db(transaction=True)]


def make_merge(sources: list[str], into: str, images: list[Image]) -> Change:
    merge = {"from": refs(*sources), "into": refs(into)[0]}
    return make_change({"merge": merge}, images, kind=Kind.MERGE)


def undone(change: Change) -> Change:
    undo = lifecycle.undo(change, TESTS)
    return applied(lifecycle.apply(undo.pk, undo.digest, TESTS))


def tags_of(image: Image) -> dict[str, str]:
    return dict(ImageTag.objects.filter(image=image).values_list("tag__name", "value"))


@pytest.fixture
def images() -> list[Image]:
    images = [make_image() for _ in range(6)]
    given: list[dict[str, str]] = [
        {"x": "1"},
        {"x": "", "y": ""},
        {"x": "1", "y": ""},
        {"x": "1", "y": "2"},
        {"x": "", "z": "3"},
        {"other": ""},
    ]
    for image, values in zip(images, given, strict=True):
        tagging.set_values(image, values, TESTS)
    return images


def test_links_move_with_all_that_is_theirs_and_none_is_lost_or_doubled(images):
    source = ImageTag.objects.get(image=images[0])
    change = applied(make_merge(["x", "z"], "y", images))
    assert change.state == State.APPLIED, change.problem
    assert [tags_of(image) for image in images] == [
        {"y": "1"},
        {"y": ""},
        {"y": "1"},
        {"y": "2"},
        {"y": "3"},
        {"other": ""},
    ]
    moved = ImageTag.objects.get(image=images[0])
    kept = (source.pk, source.uuid, source.user_id, source.created_at)
    assert (moved.pk, moved.uuid, moved.user_id, moved.created_at) == kept
    assert change.outcomes == {"changed": 5, "already": 1}
    assert_adds_up(change)


def test_the_tags_are_aliases_from_the_first_moment_on_and_none_when_undone(images):
    before = identities()
    change = make_merge(["x", "z"], "y", images)
    (into,) = refs("y")
    claimed = worker.claim(worker.WORKER)
    assert claimed is not None
    batches.begin(claimed)
    assert {tag.alias_of_id for tag in Tag.objects.filter(name__in=["x", "z"])} == {into["id"]}
    assert identities() == before
    Change.objects.update(lease_owner=None, lease_until=None)
    after_merge = identities() if applied(change).state == State.APPLIED else None
    undo = undone(change)
    assert undo.state == State.APPLIED, undo.problem
    assert identities() == before
    assert {tag.alias_of_id for tag in Tag.objects.filter(name__in=["x", "z"])} == {None}
    undone(undo)
    assert identities() == after_merge
    assert {tag.alias_of_id for tag in Tag.objects.filter(name__in=["x", "z"])} == {into["id"]}


def test_of_two_that_merge_each_into_the_other_one_is_told_why_it_cannot(images):
    one, other = make_merge(["x"], "y", images), make_merge(["y"], "x", images)
    assert applied(one).state == State.APPLIED
    other.refresh_from_db()
    assert other.state == State.FAILED
    assert "y" in other.problem
    for image in images[:5]:
        assert set(tags_of(image)) & {"x", "y"}


def test_a_value_that_somebody_sets_since_is_left_alone(images):
    change = applied(make_merge(["x"], "y", images))
    tagging.set_values(images[0], {"y": "mine"}, TESTS)
    undo = undone(change)
    plan: Any = undo.plan
    assert plan["left_alone"]["changed_since"] == 1
    # The moved link has its identity, so that the one that comes back gets another.
    assert tags_of(images[0]) == {"x": "1", "y": "mine"}


def test_a_rename_is_undone_and_that_too():
    tag = Tag.objects.get(pk=refs("knee")[0]["id"])
    image = make_image("knee")
    curation.rename(tag, "kne", TESTS)
    rename = Change.objects.get(kind=Kind.RENAME)
    undo = undone(rename)
    assert undo.state == State.APPLIED, undo.problem
    assert tags_of(image) == {"knee": ""}
    assert Change.objects.filter(kind=Kind.RENAME).count() == 1
    undone(undo)
    assert tags_of(image) == {"kne": ""}


def test_a_rename_that_kept_the_old_name_is_undone_and_that_too():
    tag = Tag.objects.get(pk=refs("knee")[0]["id"])
    tag = renaming.rename(tag, "kne", TESTS, keep_old=True)
    # Written by a client that knows the old name alone.
    image, alias = make_image(), Tag.objects.get(name="knee")
    ImageTag.objects.create(image=image, tag=alias)
    rename = Change.objects.get(kind=Kind.RENAME)
    assert rename.operation["rename"]["keep_old"]
    undo = undone(rename)
    assert undo.state == State.APPLIED, undo.problem
    assert set(image.tags.all()) == {tag}
    assert list(Tag.objects.filter(name__in=["knee", "kne"])) == [tag]
    undone(undo)
    assert Tag.objects.get(name="kne") == tag
    assert Tag.objects.get(name="knee").alias_of == tag


def test_a_name_that_is_taken_or_was_changed_since_is_refused():
    tag = Tag.objects.get(pk=refs("knee")[0]["id"])
    curation.rename(tag, "kne", TESTS)
    rename = Change.objects.get(kind=Kind.RENAME)
    refs("knee")
    undo = undone(rename)
    assert undo.state == State.FAILED
    assert "knee" in undo.problem
    curation.rename(Tag.objects.get(name="kne"), "third", TESTS)
    assert "third" in applied(lifecycle.resume(undo.pk)).problem


def test_an_alias_that_stands_for_another_meanwhile_goes_on_to(images):
    change = applied(make_merge(["x"], "y", images))
    vocabulary.alias(Tag.objects.get(name="x"), Tag.objects.get(name="other"), TESTS)
    undone(change)
    assert Tag.objects.get(name="x").alias_of == Tag.objects.get(name="other")


def test_through_the_api_the_alias_is_there_with_the_answer_and_the_way_back_is_refused(
    images, api
):
    def proposed(source: str, into: str) -> dict[str, Any]:
        merge = {"merge": {"from": [source], "into": into}}
        return dict(api.post("/v1/changes", {"operation": merge}).json())

    one, other = proposed("x", "y"), proposed("y", "x")
    paths = [f"/v1/changes/{change['id']}" for change in (one, other)]
    digests = [{"digest": change["plan"]["digest"]} for change in (one, other)]
    assert api.post(f"{paths[0]}/apply", digests[0]).status_code == 202
    assert Tag.objects.get(name="x").alias_of == Tag.objects.get(name="y")
    refused = api.post(f"{paths[1]}/apply", digests[1])
    assert refused.status_code == 409
    assert "x" in refused.json()["message"]
    assert api.get(paths[1]).json()["state"] == "planned"
    while worker.sweep():
        pass
    assert api.get(paths[0]).json()["state"] == "applied"
    assert {frozenset(tags_of(image)) for image in images[:4]} == {frozenset({"y"})}
