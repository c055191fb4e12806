"""What a plan counts: just what applying does, against a model in plain Python."""

from dataclasses import dataclass
from threading import Thread
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from images.visibility import Viewer
from search.executor.blocks import Blocks, union
from search.models import BLOCK
from search.query import Query
from search.tests.indexes import give_bitmaps
from taggedimages.changes import holdings, lifecycle, operations, planning, samples, sets
from taggedimages.changes.models import Change, State
from taggedimages.changes.operations import Operation
from taggedimages.changes.refusals import BadOperation
from taggedimages.changes.tests.corpora import applied
from taggedimages.factories import TESTS, make_image, make_tag, make_user
from taggedimages.identity.authors import Author
from tags import restriction, tagging, vocabulary
from tags.models import Tag, TagChange

pytestmark = pytest.mark.django_db

OPERATOR = Author(None, "tests", is_operator=True)
EVERYBODY = Viewer(audiences=None)


def plan(given, query=None, by=OPERATOR):
    """The change that names say, planned."""
    operation = operations.proposed(given, EVERYBODY)
    if query is None and not operation.merge:
        query = Query()
    return lifecycle.propose(operation, query, by)


# --- Sets ----------------------------------------------------------------------------------------

IDS = st.sets(st.integers(1, 3 * BLOCK), max_size=20)


@given(IDS, IDS, st.integers(0, 3 * BLOCK), st.integers(0, 25))
def test_sets_of_bits_are_sets(some, others, image, offset):
    first, second = Blocks.of(some), Blocks.of(others)
    assert list(first) == sorted(some)
    assert list(first & second) == sorted(some & others)
    assert list(first | second) == list(union([first, second])) == sorted(some | others)
    assert list(first - second) == sorted(some - others)
    assert (len(first), image in first) == (len(some), image in some)
    assert list(first.after(image)) == sorted(one for one in some if one > image)
    assert list(first.from_place(offset)) == sorted(some)[offset:]
    assert Blocks.read(first.rows()) == first


def test_frozen_images_are_read_from_any_place():
    change = plan({"add": ["x"]})
    ids = [1, 5, BLOCK - 1, BLOCK, 3 * BLOCK + 2]
    sets.freeze(change.pk, Blocks.of(ids))
    assert sets.ids_after(change.pk, 0, 3) == ids[:3]
    assert sets.ids_after(change.pk, BLOCK - 1, 9) == ids[3:]
    assert sets.ids_after(change.pk, 3 * BLOCK + 2, 9) == []
    sets.freeze(change.pk, Blocks.of([7]))
    assert list(sets.of(change.pk)) == [7]


# --- Against a model -----------------------------------------------------------------------------

NAMES = ["a", "b", "c", "d"]
SOME = st.lists(st.sampled_from(NAMES), unique=True, max_size=2)
VALUES = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(["", "1", "2"]), max_size=2)
RETAGS = st.fixed_dictionaries(
    {}, optional={"add": SOME, "remove": SOME, "replace": SOME, "values": VALUES}
)
MERGES = st.permutations(NAMES).flatmap(
    lambda names: st.integers(1, 3).map(
        lambda count: {"merge": {"from": names[:count], "into": names[-1]}}
    )
)
IMAGES = st.lists(
    st.dictionaries(st.sampled_from(NAMES), st.sampled_from(["", "1", "2"]), max_size=4),
    min_size=1,
    max_size=5,
)


@dataclass
class Counted:
    """What the model counts."""

    images: int = 0
    already: int = 0
    links_added: int = 0
    links_removed: int = 0
    values_changed: int = 0
    values_dropped: int = 0


def retagged(tags, given):
    """The tags of an image, after what a retag says."""
    wanted = dict.fromkeys((*given.get("replace", ()), *given.get("add", ())))
    wanted |= given.get("values", {})
    kept = {
        name: value
        for name, value in tags.items()
        if name not in given.get("remove", ()) and ("replace" not in given or name in wanted)
    }
    for name, value in wanted.items():
        kept[name] = kept.get(name, "") if value is None else value
    return kept


def merged(tags, merge):
    """The tags of an image, whose links are in their order, after a merge."""
    sources = [name for name in tags if name in merge["from"]]
    if not sources:
        return dict(tags)
    into = merge["into"]
    values = [tags[name] for name in ([into] if into in tags else []) + sources if tags[name]]
    kept = {name: value for name, value in tags.items() if name not in sources}
    return kept | {into: values[0] if values else ""}


def counted(before, after, merge):
    found = Counted()
    for tags, then in zip(before, after, strict=True):
        if merge and not set(merge["from"]) & tags.keys():
            continue
        found.images += 1
        found.already += tags == then
        found.links_added += len(then.keys() - tags.keys())
        found.links_removed += len(tags.keys() - then.keys())
        found.values_changed += sum(tags[name] != then[name] for name in tags.keys() & then.keys())
        if merge:
            lost = [tags[name] for name in merge["from"] if tags.get(name)]
            found.values_dropped += sum(value != then[merge["into"]] for value in lost)
    return found


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(IMAGES, RETAGS | MERGES, st.booleans(), st.sampled_from(["rows", "pending", "bitmaps"]))
def test_a_plan_counts_what_applying_does(db, monkeypatch, corpus, given, is_large, index):
    monkeypatch.setattr(holdings, "FEW", 0 if is_large else 100)
    with transaction.atomic():
        for name in NAMES:
            make_tag(name)
        made = [make_image() for _ in corpus]
        if index == "pending":
            give_bitmaps(NAMES)
        for image, tags in zip(made, corpus, strict=True):
            for name, value in tags.items():
                tagging.set_values(image, {name: value}, TESTS)
        if index == "bitmaps":
            give_bitmaps(NAMES)
        try:
            change = plan(given)
            if change.state == State.PLANNING:
                planning.plan(change.pk)
                change.refresh_from_db()
        except BadOperation:
            transaction.set_rollback(True)
            return
        merge = given.get("merge")
        after = [merged(tags, merge) if merge else retagged(tags, given) for tags in corpus]
        wanted = counted(corpus, after, merge)
        assert {name: planned_of(change)[name] for name in vars(wanted)} == vars(wanted)
        by_tag = {tag["name"]: (tag["added"], tag["removed"]) for tag in planned_of(change)["tags"]}
        assert by_tag == by_tag | {
            name: links for name, links in links_of(corpus, after).items() if any(links)
        }
        assert sum(added for added, _ in by_tag.values()) == wanted.links_added
        sample = planned_of(change)["sample"]
        shown = {one["id"]: (set(one["before"]), set(one["after"])) for one in sample}
        assert shown == {
            image.pk: (set(tags), set(then))
            for image, tags, then in zip(made, corpus, after, strict=True)
            if tags != then
        }
        transaction.set_rollback(True)


def planned_of(change):
    """The plan, which is there."""
    assert change.plan
    return change.plan


def links_of(before, after):
    """How many links of each tag come and go."""
    pairs = list(zip(before, after, strict=True))
    return {
        name: (
            sum(name in then and name not in tags for tags, then in pairs),
            sum(name in tags and name not in then for tags, then in pairs),
        )
        for name in NAMES
    }


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "given",
    [
        {"add": ["x"], "remove": ["a"], "values": {"b": "2"}},
        {"replace": ["a", "x"]},
        {"merge": {"from": ["a", "b"], "into": "c"}},
    ],
    ids=lambda given: "-".join(given),
)
def test_the_worker_does_just_what_was_planned(given):
    for tags in ({"a": "1"}, {"a": "1", "b": "2"}, {"b": "1", "c": "2"}, {"c": ""}, {"b": ""}):
        tagging.set_values(make_image(), tags, TESTS)
    change = plan(given)
    assert change.state == State.PLANNED
    lifecycle.apply(change.pk, change.digest, OPERATOR)
    change = applied(Change.objects.get())
    lines, planned = TagChange.objects.filter(bulk=change.pk), planned_of(change)
    assert change.state == State.APPLIED
    assert (
        lines.filter(old_value=None).count(),
        lines.filter(new_value=None).count(),
        lines.exclude(old_value=None).exclude(new_value=None).count(),
    ) == tuple(planned[key] for key in ("links_added", "links_removed", "values_changed"))
    assert change.outcomes.get("already", 0) == planned["already"]
    assert sum(change.outcomes.values()) == planned["images"]


# --- What a plan is of ---------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_plan_is_of_one_state(monkeypatch):
    """Whoever tags in the midst of planning is in none of its counts."""
    image = make_image("knee")
    find = planning.found

    def found_while_others_write(*args):
        found = find(*args)
        connection_of_others(image)
        return found

    monkeypatch.setattr(planning, "found", found_while_others_write)
    change = plan({"add": ["new"]})
    assert (planned_of(change)["links_added"], planned_of(change)["already"]) == (1, 0)


def connection_of_others(image):
    """Tags an image by another connection, in a transaction of its own."""

    def work():
        tagging.tag(image, ["new"], TESTS)
        connection.close()

    others = Thread(target=work)
    others.start()
    others.join()


def test_the_digest_is_of_operation_and_images():
    image = make_image("knee")
    first, same = plan({"add": ["x"]}), plan({"add": ["x"]})
    other = plan({"add": ["y"]})
    make_image()
    more = plan({"add": ["x"]})
    assert first.digest == same.digest
    assert len({first.digest, other.digest, more.digest}) == 3
    assert first.digest.startswith("sha256:")
    assert image.pk in sets.of(first.pk)


def test_names_that_a_query_had_mean_the_tags_that_they_meant():
    image = make_image("knee")
    change = plan({"add": ["x"]}, Query(exact_tags=("knee",)))
    Tag.objects.filter(name="knee").update(name="joint", folded="joint")
    make_image("knee")
    found = planning.found(change, OPERATOR)
    assert list(found.images) == [image.pk]


def test_large_changes_are_left_to_the_worker(monkeypatch):
    make_image("knee")
    monkeypatch.setattr(lifecycle, "FEW", 0)
    change = plan({"add": ["x"]})
    assert (change.state, change.plan) == (State.PLANNING, None)
    assert planning.plan_next()
    change.refresh_from_db()
    assert (change.state, change.images) == (State.PLANNED, 1)
    assert not planning.plan_next()


def test_what_cannot_be_planned_fails_and_can_be_resumed(monkeypatch):
    mira = make_user("mira")
    monkeypatch.setattr(lifecycle, "FEW", -1)
    change = plan({"add": ["x"]}, by=Author(mira, "tests"))
    mira.delete()
    assert planning.plan_next()
    change.refresh_from_db()
    assert change.state == State.FAILED
    assert "no user 'mira'" in change.problem
    assert lifecycle.resume(change.pk).state == State.PLANNING


def test_a_sample_is_spread_over_all(monkeypatch):
    monkeypatch.setattr(samples, "SAMPLE_IMAGES", 3)
    images = [make_image().pk for _ in range(9)]
    assert samples.chosen(Blocks.of(images)) == images[::3]
    assert samples.chosen(Blocks.of(images[:2])) == images[:2]


# --- Whose tags ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "fit"),
    [
        ({"add": ["Featured", "x"]}, ["with"]),
        ({"remove": ["featured", "Featured"], "add": ["x"]}, ["without"]),
        ({"replace": ["x"]}, ["without"]),
        ({"replace": ["x", "Featured"]}, ["with"]),
        ({"values": {"Featured": ""}}, ["with"]),
        ({"values": {"Featured": "1"}}, []),
    ],
    ids=str,
)
def test_restricted_tags_stay_where_they_are(settings, given, fit):
    settings.ANONYMOUS = "open"
    images = {"with": make_image("Featured", "knee").pk, "without": make_image("knee").pk}
    change = plan(given, by=Author(None, "tests"))
    assert list(sets.of(change.pk)) == [images[name] for name in fit]
    assert planned_of(change)["forbidden"] == 2 - len(fit)
    staff = plan(given, by=Author(make_user("boss", staff=True), "tests"))
    assert planned_of(staff)["images"] == 2


def test_a_locked_tag_stays_and_a_deprecated_one_does_not_come(settings):
    settings.ANONYMOUS = "open"
    make_tag("done", status="locked"), make_tag("old", status="deprecated")
    having, other = make_image("done"), make_image("knee")
    anybody = Author(None, "v1")
    assert list(sets.of(plan({"add": ["done"]}, by=anybody).pk)) == [having.pk]
    assert list(sets.of(plan({"remove": ["done"]}, by=anybody).pk)) == [other.pk]
    for said in ({"add": ["old"]}, {"replace": ["old"]}, {"values": {"old": "1"}}):
        with pytest.raises(restriction.Deprecated, match="'old'"):
            plan(said, by=anybody)
    assert planned_of(plan({"remove": ["old"]}, by=anybody))["images"] == 2


def test_an_alias_counts_as_its_target():
    joint, knee = make_tag("joint"), make_tag("knee")
    both, old = make_image("joint", "knee"), make_image("joint")
    neither = make_image()
    vocabulary.alias(joint, knee, TESTS)
    added = plan({"add": ["joint"]})
    assert added.operation["add"] == [{"id": knee.pk, "name": "knee"}]
    assert (planned_of(added)["links_added"], planned_of(added)["already"]) == (1, 2)
    removed = plan({"remove": ["knee"]})
    assert (planned_of(removed)["links_removed"], planned_of(removed)["already"]) == (3, 1)
    assert {both.pk, old.pk, neither.pk} == set(sets.of(added.pk))
    with pytest.raises(BadOperation):
        plan({"add": ["joint"], "remove": ["knee"]})


def test_an_operation_is_read_as_it_was_written():
    make_tag("knee")
    every: list[dict[str, Any]] = [
        {"add": ["knee", "x"], "remove": ["y"], "values": {"side": "left"}},
        {"replace": []},
        {"replace": ["knee"], "add": ["z"]},
    ]
    for said in every:
        operation = operations.proposed(said, EVERYBODY)
        assert Operation.from_json(operation.to_json()) == operation


@pytest.mark.django_db(transaction=True)
def test_what_counts_as_a_tag_goes_with_it():
    joint, knee = make_tag("joint"), make_tag("knee")
    images = [make_image("joint"), make_image("knee", "joint"), make_image()]
    vocabulary.alias(joint, knee, TESTS)
    change = plan({"remove": ["knee"], "add": ["x"]})
    lifecycle.apply(change.pk, change.digest, OPERATOR)
    change = applied(Change.objects.get())
    removed = TagChange.objects.filter(bulk=change.pk, new_value=None).count()
    assert removed == planned_of(change)["links_removed"] == 3
    assert [set(image.tags.values_list("name", flat=True)) for image in images] == [{"x"}] * 3
