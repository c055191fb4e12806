"""Applying a change: what it does to links, and what becomes of each image."""

import uuid
from collections.abc import Callable

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext

from images.models import Image
from search.models import PendingChange
from search.query import Query
from taggedimages.changes import batches, lifecycle, worker
from taggedimages.changes.models import Change, Kind, Outcome, RemovedLink, State
from taggedimages.changes.operations import Operation, TagRef
from taggedimages.changes.tests.corpora import (
    applied,
    assert_adds_up,
    make_change,
    of_outcome,
    present,
    refs,
)
from taggedimages.factories import TESTS, make_image, make_user
from tags import curation, resolving, tagging, vocabulary
from tags.models import ImageTag, Tag, TagChange

pytestmark = [pytest.mark.django_db(transaction=True)]


def tags_of(image) -> dict[str, str]:
    return dict(ImageTag.objects.filter(image=image).values_list("tag__name", "value"))


def test_tags_come_and_go_and_values_are_set():
    images = [make_image("knee", "old"), make_image("old"), make_image("knee", "new")]
    tagging.set_values(images[2], {"side": "left"}, TESTS)
    (value,) = refs("side")
    change = make_change(
        {"add": refs("new"), "remove": refs("old"), "values": [{**value, "value": "right"}]}, images
    )
    assert applied(change).state == State.APPLIED
    assert tags_of(images[0]) == {"knee": "", "new": "", "side": "right"}
    assert tags_of(images[1]) == {"new": "", "side": "right"}
    assert tags_of(images[2]) == {"knee": "", "new": "", "side": "right"}
    assert change.outcomes == {"changed": 3}
    assert_adds_up(change)


def test_replacing_leaves_nothing_but_what_is_named():
    images = [make_image("knee", "a", "b"), make_image("knee"), make_image("c")]
    kept = ImageTag.objects.get(image=images[0], tag__name="knee").pk
    change = applied(make_change({"replace": refs("knee")}, images))
    assert [tags_of(image) for image in images] == [{"knee": ""}] * 3
    assert ImageTag.objects.get(image=images[0]).pk == kept
    assert change.outcomes == {"changed": 2, "already": 1}
    assert_adds_up(change)


def test_a_tag_that_was_not_there_is_made_once():
    images = [make_image() for _ in range(3)]
    change = applied(make_change({"add": [{"id": None, "name": "brand new"}]}, images))
    assert [tags_of(image) for image in images] == [{"brand new": ""}] * 3
    (ref,) = change.operation["add"]
    assert ref == refs("brand new")[0]


def test_every_line_carries_the_change_and_its_author():
    mira = make_user("mira")
    image = make_image("old", by=mira)
    change = applied(make_change({"add": refs("new"), "remove": refs("old")}, [image], mira))
    lines = TagChange.objects.filter(bulk=change.pk)
    assert {line.tag_name for line in lines} == {"old", "new"}
    assert {(line.user_name, line.through, line.change_id) for line in lines} == {
        ("mira", "tests", change.uuid)
    }
    assert len({line.changed_at for line in lines}) == 1


def test_what_is_taken_away_is_kept_with_its_whole_identity():
    image = make_image()
    tagging.set_values(image, {"old": "x", "side": "left"}, TESTS)
    before = {link.tag_id: link for link in ImageTag.objects.filter(image=image)}
    (old,), (side,) = refs("old"), refs("side")
    change = applied(
        make_change({"remove": [old], "values": [{**side, "value": "right"}]}, [image])
    )
    for tag in (old["id"], side["id"]):
        kept = RemovedLink.objects.get(change=change, image_id=image.pk, tag_id=tag)
        link = before[tag]
        assert (kept.link_id, kept.link_uuid, kept.value) == (link.pk, link.uuid, link.value)
        assert (kept.user_id, kept.created_at) == (link.user_id, link.created_at)


def test_each_image_is_judged_anew(settings):
    settings.ANONYMOUS = "read-only"
    mira, other = make_user("mira"), make_user("other", project_id="elsewhere")
    mine, gone, hidden, not_mine = (
        make_image("a", by=mira),
        make_image("a", by=mira),
        make_image("a", by=other, private=True),
        make_image("a", by=other),
    )
    change = make_change({"add": refs("b")}, [mine, gone, hidden, not_mine, 10**6], mira)
    gone_id = gone.pk
    gone.delete()
    applied(change)
    assert of_outcome(change, Outcome.CHANGED) == [mine.pk]
    assert of_outcome(change, Outcome.GONE) == [gone_id, hidden.pk, 10**6]
    assert of_outcome(change, Outcome.FORBIDDEN) == [not_mine.pk]
    assert_adds_up(change)


def test_restricted_tags_stay_restricted(settings):
    settings.RESTRICTED_TAGS = ["approved"]
    mira = make_user("mira")
    with_it, without = make_image("approved", by=mira), make_image("a", by=mira)
    change = applied(make_change({"replace": refs("a")}, [with_it, without], mira))
    assert of_outcome(change, Outcome.FORBIDDEN) == [with_it.pk]
    assert tags_of(with_it) == {"approved": ""}
    boss = make_user("boss", staff=True)
    change = applied(make_change({"replace": refs("a")}, [with_it, without], boss))
    assert tags_of(with_it) == {"a": ""}


def test_a_change_whose_tag_was_deleted_fails_and_says_so():
    image = make_image()
    tag = resolving.resolve(["doomed"])[0]
    change = make_change({"add": refs("doomed")}, [image])
    tag.delete()
    assert applied(change).state == State.FAILED
    assert "doomed" in change.problem
    assert change.done == 0


def test_a_change_whose_author_is_gone_fails():
    mira = make_user("mira")
    change = make_change({"add": refs("a")}, [make_image(by=mira)], mira)
    mira.delete()
    assert applied(change).state == State.FAILED
    assert "mira" in change.problem


def test_links_under_an_alias_count_as_its_targets():
    images = [make_image("kne"), make_image("kne", "left"), make_image()]
    tags = {tag.name: tag for tag in resolving.resolve(["kne", "knee"])}
    vocabulary.alias(tags["kne"], tags["knee"], TESTS)
    change = applied(make_change({"add": refs("knee"), "remove": refs("left")}, images))
    assert [tags_of(image) for image in images] == [{"kne": ""}, {"kne": ""}, {"knee": ""}]
    assert change.outcomes == {"already": 1, "changed": 2}
    applied(make_change({"remove": refs("knee")}, images))
    assert [tags_of(image) for image in images] == [{}] * 3


def test_a_question_is_asked_again_of_each_image_by_the_tags_that_were_meant():
    images = [make_image("knee"), make_image("knee"), make_image("knee")]
    query = Query(exact_tags=("knee",))
    change = lifecycle.propose(
        Operation(add=(TagRef(None, "new"),)), query, TESTS, asked={"exact_tags": ["knee"]}
    )
    tagging.retag(images[1], ["hand"], TESTS)
    curation.rename(Tag.objects.get(name="knee"), "genou", TESTS)
    tagging.tag(images[1], ["knee"], TESTS)
    applied(lifecycle.apply(change.pk, change.digest, TESTS))
    change.refresh_from_db()
    assert of_outcome(change, Outcome.CHANGED) == [images[0].pk, images[2].pk]
    assert of_outcome(change, Outcome.CHANGED_SINCE) == [images[1].pk]
    assert_adds_up(change)


def statements_of(sizes: list[int], make: Callable[[list[Image]], Change]) -> list[int]:
    """How many statements a batch takes, of so many images."""
    counts = []
    for size in sizes:
        make([make_image("old", "knee") for _ in range(size)])
        claimed = worker.claim(worker.WORKER)
        assert claimed is not None
        with CaptureQueriesContext(connection) as captured:
            assert batches.apply_next(claimed, size) == size
        counts.append(len(captured))
        batches.finish(claimed)
    return counts


def test_a_batch_takes_as_many_statements_however_many_images_it_has():
    (side,) = refs("side")
    operation = {
        "add": refs("new", "other"),
        "remove": refs("old"),
        "values": [{**side, "value": "right"}],
    }
    few, many = statements_of([2, 200], lambda images: make_change(operation, images))
    assert few == many <= 25
    merge = {"merge": {"from": refs("old"), "into": refs("knee")[0]}}
    few, many = statements_of([2, 200], lambda images: make_change(merge, images, kind=Kind.MERGE))
    assert few == many <= 25


def test_a_bad_image_ends_as_failed_and_the_rest_goes_on():
    images = [make_image() for _ in range(20)]
    (bad,) = refs("bad")
    change = make_change({"add": [bad]}, images)
    sql(
        f"ALTER TABLE tags_imagetag ADD CONSTRAINT poisoned"
        f" CHECK (NOT (image_id = {images[7].pk} AND tag_id = {bad['id']}))"
    )
    try:
        applied(change)
    finally:
        sql("ALTER TABLE tags_imagetag DROP CONSTRAINT poisoned")
    assert change.state == State.APPLIED
    assert of_outcome(change, Outcome.FAILED) == [images[7].pk]
    assert change.outcomes == {"changed": 19, "failed": 1}
    assert_adds_up(change)


def test_a_database_that_fails_is_written_down_and_after_many_tries_the_change_has_failed(
    monkeypatch,
):
    monkeypatch.setattr(worker, "TRIES", 3)
    monkeypatch.setattr(worker, "MOST_REST_SECONDS", 0)
    change = make_change({"add": refs("a")}, [make_image()])
    monkeypatch.setattr("taggedimages.changes.edits.ADD", "SELECT no_such_function()")
    for _ in range(3):
        with pytest.raises(DatabaseError):
            worker.sweep()
        change.refresh_from_db()
        assert change.state == State.APPLYING
        assert "no_such_function" in change.problem
    assert applied(change).state == State.FAILED
    assert "no_such_function" in change.problem
    monkeypatch.undo()
    assert applied(lifecycle.resume(change.pk)).state == State.APPLIED
    assert_adds_up(change)


def test_one_change_of_a_project_is_applied_at_a_time_the_oldest_first():
    images = [make_image()]
    first, second = (make_change({"add": refs(name)}, images) for name in ("a", "b"))
    elsewhere = make_user("elsewhere", project_id="elsewhere")
    third = make_change({"add": refs("c")}, images, elsewhere)
    one, other = uuid.uuid4(), uuid.uuid4()
    assert worker.claim(one) == first
    assert worker.claim(other) == third
    assert worker.claim(uuid.uuid4()) is None
    lifecycle.stop(first.pk)
    assert worker.claim(other) == second
    lifecycle.resume(first.pk)
    # The second has begun; the first, though older, waits for it.
    assert worker.claim(one) is None


def test_who_is_stopped_meanwhile_does_nothing():
    images = [make_image() for _ in range(4)]
    change = make_change({"add": refs("a")}, images)
    claimed = worker.claim(worker.WORKER)
    assert claimed is not None
    assert batches.apply_next(claimed, 2) == 2
    lifecycle.stop(change.pk)
    with pytest.raises(batches.LeaseLost):
        batches.apply_next(claimed, 2)
    change.refresh_from_db()
    assert (change.done, change.state, len(present())) == (2, State.STOPPED, 2)
    lifecycle.resume(change.pk)
    applied(change)
    assert_adds_up(change)


def test_the_index_is_merged_where_much_is_not_in_it(monkeypatch):
    monkeypatch.setattr(worker, "UNINDEXED_MOST", 10)
    monkeypatch.setattr(worker, "MOST_SIZE", 5)
    images = [make_image() for _ in range(30)]
    applied(make_change({"add": refs("a")}, images))
    assert PendingChange.objects.count() <= 10 + 5


def sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
