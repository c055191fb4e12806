"""Whatever is asked and whoever interferes: outcomes add up, the ledger replays to the links, an
undo touches just what nobody has changed since, and undoing it brings all of that back.

CHANGE_EXAMPLES says how many are tried; each takes a second or more.
"""

import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from images.models import Image
from search.index.verification import verify
from taggedimages.changes import batches, lifecycle, worker
from taggedimages.changes.models import Change, Kind, Outcome, RemovedLink, State
from taggedimages.changes.tests.corpora import (
    applied,
    assert_adds_up,
    identities,
    make_change,
    of_outcome,
    present,
    refs,
)
from taggedimages.factories import TESTS, make_image
from tags import tagging, vocabulary
from tags.models import ImageTag, Tag, TagChange

EXAMPLES = int(os.environ.get("CHANGE_EXAMPLES", "8"))
# Making a failure smaller takes minutes; what failed is told as it is.
PHASES = [Phase.explicit, Phase.reuse, Phase.generate]
NAMES = ["a", "b", "c", "d", "e"]
name = st.sampled_from(NAMES)
names = st.lists(name, max_size=3, unique=True)
value = st.sampled_from(["", "x", "y"])
values = st.dictionaries(name, value, max_size=3)
number = st.integers(0, 3)
EDITS: list[Callable[[Image, Any], Any]] = [
    lambda image, given: tagging.set_values(image, given, TESTS),
    lambda image, given: tagging.tag(image, given, TESTS),
    lambda image, given: tagging.retag(image, given, TESTS),
    lambda image, given: tagging.untag_named(image, dict.fromkeys(given), TESTS) if given else 0,
]
edit = st.tuples(number, st.sampled_from(range(len(EDITS))), values)
edits = st.lists(edit, max_size=3)
operation = st.one_of(
    st.fixed_dictionaries({"add": names, "remove": names, "values": values}),
    st.fixed_dictionaries({"replace": names, "values": values}),
    st.fixed_dictionaries({"from": st.lists(name, min_size=1, max_size=2, unique=True)}),
)


def edited(images: list[Image], steps: list[Any]) -> None:
    for where, which, with_values in steps:
        EDITS[which](images[where], with_values)


def change_of(asked: dict[str, Any], images: list[Image]) -> Change:
    """A merge's target is the last of all names; what comes and goes, comes."""
    if "from" in asked:
        merge = {"merge": {"from": refs(*asked["from"]), "into": refs("target")[0]}}
        return make_change(merge, images, kind=Kind.MERGE)
    kept = asked["values"].keys() | set(asked.get("add", ()))
    written: dict[str, Any] = {
        key: refs(*named) for key, named in asked.items() if key in ("add", "replace")
    }
    written["remove"] = refs(*(one for one in asked.get("remove", ()) if one not in kept))
    written["values"] = [
        {**ref, "value": asked["values"][ref["name"]]} for ref in refs(*asked["values"])
    ]
    return make_change(written, images)


def applied_amid(change: Change, images: list[Image], interfering: list[Any]) -> Change:
    """The change, applied image by image, with somebody's edits between."""
    while change.state == State.APPLYING:
        claimed = worker.claim(worker.WORKER)
        assert claimed is not None
        batches.begin(claimed)
        if not batches.apply_next(claimed, 1):
            batches.finish(claimed)
        else:
            batches.hold(claimed, **batches.FREE)
        edited(images, interfering[:1])
        interfering = interfering[1:]
        change.refresh_from_db()
    return change


def undone(change: Change) -> Change:
    undo = lifecycle.undo(change, TESTS)
    return applied(lifecycle.apply(undo.pk, undo.digest, TESTS))


def assert_links_as_wanted(asked: dict[str, Any], held: dict[str, str], image: Image) -> None:
    """What one image has after a retag of what it had."""
    links = ImageTag.objects.filter(image=image).values_list("tag__name", "value")
    wanted = {one: held.get(one, "") for one in asked.get("add", ())}
    for one, held_value in held.items():
        kept = one in asked["replace"] if "replace" in asked else one not in asked["remove"]
        if kept:
            wanted.setdefault(one, held_value)
    for one in asked.get("replace", ()):
        wanted.setdefault(one, "")
    assert dict(links) == wanted | asked["values"]


@pytest.mark.django_db(transaction=True)
@settings(
    max_examples=EXAMPLES, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate]
)
@given(
    first=st.lists(values, min_size=4, max_size=4),
    asked=operation,
    frozen=st.sets(number, min_size=1),
    amid=edits,
    since=edits,
)
def test_changes_and_their_undos(first, asked, frozen, amid, since):
    images = [make_image() for _ in range(4)]
    for image, given_values in zip(images, first, strict=True):
        tagging.set_values(image, given_values, TESTS)
    before = identities()
    change = change_of(asked, [images[one] for one in frozen])
    change = applied_amid(change, images, amid)
    assert_adds_up(change)
    if not amid and "from" not in asked:
        for one in frozen:
            assert_links_as_wanted(asked, first[one], images[one])
    edited(images, since)

    whole, held = identities(), present()
    undo = undone(change)
    assert_adds_up(undo)
    assert_undone_where_nobody_has_been(change, undo, held)
    if not amid and not since:
        assert identities() == before
    part = identities()
    second = undone(undo)
    assert identities() == whole
    undone(second)
    assert identities() == part
    undone(undo)
    assert identities() == whole
    assert verify().right
    for alias in Tag.objects.exclude(alias_of=None):
        vocabulary.unalias(alias, TESTS)


def assert_undone_where_nobody_has_been(
    change: Change, undo: Change, held: dict[tuple[int, int], str]
) -> None:
    """`held` is what links there were before the undo."""
    others = {}
    for line in TagChange.objects.exclude(bulk=change.pk).exclude(bulk=undo.pk):
        others[line.image_id, line.tag_id] = line.pk
    removed = {(one.image_id, one.tag_id): one for one in RemovedLink.objects.filter(change=change)}
    wanted, left_alone = dict(held), set()
    for line in TagChange.objects.filter(bulk=change.pk):
        pair = line.image_id, line.tag_id
        if others.get(pair, 0) > line.pk:
            left_alone.add(line.image_id)
        elif line.old_value is None:
            wanted.pop(pair)
        else:
            wanted[pair] = line.old_value
            assert removed[pair].value == line.old_value
    assert present() == wanted
    assert undo.plan
    assert undo.plan["left_alone"]["changed_since"] == len(left_alone)
    assert set(of_outcome(undo, Outcome.CHANGED)) == {
        image for (image, _), _ in wanted.items() ^ held.items()
    }
