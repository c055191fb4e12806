"""Changes that are done while somebody waits, beside workers and whatever ends the process."""

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from images.models import Image
from taggedimages.changes import batches, immediate, lifecycle, worker
from taggedimages.changes.immediate import MOST_IMAGES, at_once, undo_at_once
from taggedimages.changes.models import Change, Kind, State
from taggedimages.changes.operations import Operation
from taggedimages.changes.refusals import BadOperation, NeedsSomebodyElse, WrongState
from taggedimages.changes.tests.corpora import (
    applied,
    assert_adds_up,
    identities,
    make_change,
    refs,
)
from taggedimages.factories import TESTS, make_image, make_user
from taggedimages.identity.authors import ADMIN, Author
from tags import restriction, tagging
from tags.models import ImageTag, Tag, TagChange

pytestmark = [pytest.mark.django_db(transaction=True)]
# BEGIN and COMMIT included.
MOST_STATEMENTS = 40


def adding(*names: str) -> Operation:
    return Operation.from_json({"add": refs(*names)})


def ids(*images: Image) -> list[int]:
    return [image.pk for image in images]


def tags_of(image: Image) -> set[str]:
    return set(ImageTag.objects.filter(image=image).values_list("tag__name", flat=True))


def test_it_is_done_when_it_returns_and_is_a_change_like_any_other():
    images = [make_image("old"), make_image("knee"), make_image()]
    operation = Operation.from_json({"add": refs("knee"), "remove": refs("old")})
    with CaptureQueriesContext(connection) as statements:
        change = at_once(operation, ids(*images, images[0]), TESTS, note="seen")
    assert len(statements) <= MOST_STATEMENTS
    assert (change.state, change.kind, change.note) == (State.APPLIED, Kind.RETAG, "seen")
    assert change.outcomes == {"changed": 2, "already": 1}
    assert change.plan
    assert (change.plan["links_added"], change.plan["links_removed"]) == (2, 1)
    assert change.query == {"ids": ids(*images)}
    assert [tags_of(image) for image in images] == [{"knee"}] * 3
    assert set(TagChange.objects.filter(bulk=change.pk).values_list("change_id", flat=True)) == {
        change.uuid
    }
    assert change.lease_owner is None
    assert_adds_up(change)


def test_a_tag_that_was_not_there_is_made():
    image = make_image()
    change = at_once(
        Operation.from_json({"add": [{"id": None, "name": "brand new"}]}), ids(image), TESTS
    )
    assert change.state == State.APPLIED
    assert tags_of(image) == {"brand new"}
    assert change.operation["add"][0]["id"] == Tag.objects.get(name="brand new").pk


def test_only_what_is_the_authors_to_change_is_changed():
    mira = make_user("mira", project_id="lab", staff=True)
    own, other = make_image(by=make_user(project_id="lab")), make_image(by=make_user())
    change = at_once(adding("knee"), ids(own, other), Author(mira, ADMIN))
    assert (change.images, change.outcomes) == (1, {"changed": 1})
    assert not tags_of(other)


def test_it_is_taken_back_at_once_and_what_others_touched_stays():
    images = [make_image("old", "a"), make_image("old")]
    before = identities()
    change = at_once(Operation.from_json({"replace": refs("new")}), ids(*images), TESTS)
    with CaptureQueriesContext(connection) as statements:
        undo = undo_at_once(change, TESTS)
    assert len(statements) <= MOST_STATEMENTS + 8
    assert (undo.state, undo.outcomes) == (State.APPLIED, {"changed": 2})
    assert identities() == before
    again = undo_at_once(undo, TESTS)
    tagging.untag(images[0], [Tag.objects.get(name="new").pk], TESTS)
    undo = undo_at_once(again, TESTS)
    assert undo.state == State.APPLIED
    assert tags_of(images[1]) == {"old"}
    assert_adds_up(undo)


def test_what_is_too_much_or_a_merge_is_refused_and_leaves_no_change(settings):
    image = make_image("a", "b")
    many = range(1, MOST_IMAGES + 2)
    with pytest.raises(BadOperation, match="At most 60"):
        at_once(adding("new"), many, TESTS)
    merging = Operation.from_json({"merge": {"from": refs("a"), "into": refs("b")[0]}})
    with pytest.raises(BadOperation):
        at_once(merging, ids(image), TESTS)
    settings.CHANGE_CONFIRM = 1
    by = Author(make_user(), ADMIN)
    with pytest.raises(NeedsSomebodyElse):
        at_once(adding("new"), [image.pk, image.pk + 1], by)
    Tag.objects.filter(name="a").update(status=Tag.Status.DEPRECATED)
    with pytest.raises(restriction.Deprecated):
        at_once(adding("a"), ids(image), by)
    assert not Change.objects.exists()
    large = make_change({"add": refs("c")}, many)
    applied(large)
    with pytest.raises(BadOperation, match="At most 60"):
        undo_at_once(large, TESTS)
    assert Change.objects.count() == 1


def test_it_waits_for_what_was_asked_for_before_and_the_worker_does_it_then():
    image = make_image()
    before = make_change({"add": refs("first")}, [image])
    change = at_once(adding("second"), ids(image), TESTS)
    assert (change.state, change.done, change.lease_owner) == (State.APPLYING, 0, None)
    assert not tags_of(image)
    with pytest.raises(WrongState):
        undo_at_once(change, TESTS)
    assert applied(before).state == State.APPLIED
    change.refresh_from_db()
    assert change.state == State.APPLIED
    assert list(TagChange.objects.order_by("id").values_list("bulk", flat=True)) == [
        before.pk,
        change.pk,
    ]


def test_what_is_as_small_and_comes_first_is_waited_for(monkeypatch):
    monkeypatch.setattr(immediate, "PATIENCE_SECONDS", 20)
    image = make_image()
    before = make_change({"add": refs("first")}, [image])
    operation = adding("second")

    def finish() -> None:
        try:
            held = worker.claim(uuid.uuid4())
            assert held == before
            batches.apply_next(held, 1)
            batches.finish(held)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        finishing = threading.Timer(0.1, lambda: pool.submit(finish).result())
        finishing.start()
        change = at_once(operation, ids(image), TESTS)
        finishing.join()
    assert change.state == State.APPLIED
    assert tags_of(image) == {"first", "second"}


def test_what_is_large_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(immediate, "PATIENCE_SECONDS", 3600)
    image = make_image()
    make_change({"add": refs("first")}, range(image.pk, image.pk + MOST_IMAGES + 1))
    change = at_once(adding("second"), ids(image), TESTS)
    assert (change.state, change.lease_owner) == (State.APPLYING, None)


def test_it_waits_for_no_change_that_has_none_of_its_images_yet_to_do():
    done, to_do, other = (make_image() for _ in range(3))
    large = make_change({"add": refs("first")}, [done, to_do])
    held = worker.claim(uuid.uuid4())
    assert held == large
    batches.apply_next(held, 1)
    change = at_once(adding("second"), ids(done, other), TESTS)
    assert change.state == State.APPLIED
    assert at_once(adding("third"), ids(other, to_do), TESTS).state == State.APPLYING
    batches.apply_next(held, 1)
    batches.finish(held)
    applied(large)
    assert tags_of(done) == {"first", "second"}
    assert tags_of(to_do) == {"first", "third"}


def test_it_waits_for_no_other_project():
    make_change({"add": refs("first")}, [make_image()])
    user = make_user(project_id="lab", staff=True)
    change = at_once(adding("second"), ids(make_image(by=user)), Author(user, ADMIN))
    assert change.state == State.APPLIED


def test_an_image_that_somebody_holds_is_left_to_the_worker(monkeypatch):
    monkeypatch.setattr(batches, "LOCK_MS", 100)
    image = make_image()
    held, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                Image.objects.select_for_update().get(pk=image.pk)
                held.set()
                let_go.wait(10)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(hold)
        assert held.wait(10)
        change = at_once(adding("knee"), ids(image), TESTS)
        let_go.set()
        holding.result()
    assert change.state == State.APPLYING
    assert "lock timeout" in change.problem
    Change.objects.update(lease_until=None)
    assert applied(change).outcomes == {"changed": 1}
    assert change.problem == ""


def test_a_tag_that_is_gone_fails_it_with_the_reason():
    image, operation = make_image(), adding("knee")
    Tag.objects.get(name="knee").delete()
    change = at_once(operation, ids(image), TESTS)
    assert (change.state, change.problem) == (State.FAILED, "The tag 'knee' has been deleted.")
    assert change.lease_owner is None


class Killed(BaseException):
    """Nobody catches it."""


def killed_before(number: int, call: Callable[[], Any]) -> bool:
    """Whether a process would have been killed before its statement of this number."""
    left = number

    def counted(execute: Callable[..., Any], *statement: Any) -> Any:
        nonlocal left
        left -= 1
        if not left:
            # As if its end of the connection were gone.
            connection.connection.close()
            raise Killed
        return execute(*statement)

    with suppress(Killed), connection.execute_wrapper(counted):
        call()
    connection.close()
    return left <= 0


def test_whenever_its_process_is_killed_the_worker_finishes_it(monkeypatch):
    monkeypatch.setattr(batches, "LEASE", timedelta(milliseconds=1))
    image = make_image("old")
    before = identities()
    operation = Operation.from_json({"add": refs("new"), "remove": refs("old")})
    number = killed = 0
    for number in range(1, 2 * MOST_STATEMENTS):
        known = Change.objects.count()
        if not killed_before(number, lambda: at_once(operation, ids(image), TESTS)):
            break
        killed += 1
        if Change.objects.count() == known:
            assert identities() == before
            continue
        change = applied(Change.objects.latest("id"))
        assert (change.state, change.outcomes) == (State.APPLIED, {"changed": 1}), number
        assert_adds_up(change)
        assert tags_of(image) == {"new"}
        assert undo_at_once(change, TESTS).state == State.APPLIED
        assert identities() == before
    assert 20 < killed < MOST_STATEMENTS


def test_beside_workers_and_each_other_each_is_done_once():
    images = [make_image() for _ in range(6)]
    names = [f"tag {number}" for number in range(12)]
    operations = {name: adding(name) for name in names}
    over = threading.Event()

    def work() -> None:
        try:
            while not over.is_set():
                worker.sweep(worker=uuid.uuid4())
        finally:
            connection.close()

    def do(name: str) -> Change:
        try:
            return at_once(operations[name], ids(*images), TESTS)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        workers = [pool.submit(work) for _ in range(2)]
        changes = list(pool.map(do, names))
        over.set()
        for each in workers:
            each.result()
    assert {change.state for change in changes} <= {State.APPLYING, State.APPLIED}
    for change in changes:
        assert applied(change).outcomes == {"changed": len(images)}
        assert_adds_up(change)
    assert all(tags_of(image) == set(names) for image in images)
    assert TagChange.objects.count() == len(images) * len(names)


def test_stopping_what_waits_keeps_it_from_being_done():
    image = make_image()
    before = make_change({"add": refs("first")}, [image])
    change = at_once(adding("second"), ids(image), TESTS)
    lifecycle.stop(change.pk)
    applied(before)
    assert tags_of(image) == {"first"}
