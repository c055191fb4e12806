"""Keys that come at once, or whose requests die on the way: one is carried out, nothing sticks."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from typing import Any

import psycopg2
import pytest
from django.db import InternalError, OperationalError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from images import storage, uploads
from images.models import Image
from taggedimages.dialects.tests.doors import Tim
from taggedimages.dialects.tests.keyed import POSTS
from taggedimages.engines.tests.conftest import eventually
from taggedimages.identity import forgetting, kept_answers
from taggedimages.identity.kept_answers import Answer, Keyed
from taggedimages.identity.models import KeptAnswer
from tags import tagging
from tags.models import ImageTag, Tag

pytestmark = pytest.mark.django_db(transaction=True)

AT_ONCE = 8
PLAIN = ("/v1/images", {"filename": "a.png", "tags": ["knee"]})
KEYED = Keyed(b"s" * 32, b"f" * 32)
# Those of other databases are of other test processes.
ADVISORY_LOCKS = """
SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database
WHERE locktype = 'advisory' AND datname = current_database()
"""
ANSWER = Answer(201, {"Location": "/here"}, b"{}")


def post(door: Any, path: str, body: Any, key: str = "k") -> Any:
    return door.http.post(path, body, headers={"Idempotency-Key": key})


def upload() -> tuple[str, Any]:
    asked = POSTS["POST /v1/upload"](Image())
    return asked.path, asked.body


def advisory_locks() -> int:
    with connection.cursor() as cursor:
        cursor.execute(ADVISORY_LOCKS)
        return int(cursor.fetchone()[0])


def stored() -> int:
    return len(list(storage.objects("")))


@pytest.mark.parametrize("route", POSTS)
def test_of_those_at_once_one_is_carried_out(ada, image, route):
    asked = POSTS[route](image)
    before = Image.objects.count(), Tag.objects.count(), ImageTag.objects.count()
    barrier = threading.Barrier(AT_ONCE)

    def ask(_: int) -> Any:
        door = asked.door(ada)
        barrier.wait(timeout=30)
        try:
            return post(door, asked.path, asked.body)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = list(threads.map(ask, range(AT_ONCE)))
    refused = [answer for answer in answers if answer.status_code == 409]
    good = [answer for answer in answers if 200 <= answer.status_code < 300]
    assert len(refused) + len(good) == AT_ONCE
    assert all(answer["Retry-After"] == "1" for answer in refused)
    assert len({answer.content for answer in good}) == 1
    assert sum("Idempotency-Replayed" not in answer for answer in good) == 1
    again = post(asked.door(ada), asked.path, asked.body)
    assert again.content == good[0].content
    made = Image.objects.count(), Tag.objects.count(), ImageTag.objects.count()
    assert all(now - then <= 1 for now, then in zip(made, before, strict=True))


def test_who_dies_amid_a_transaction_holds_nothing(doors, monkeypatch):
    """The connection of the first is ended while it works, as by kill -9."""
    tim, carried_out = doors[Tim], tagging.tag_new

    def dies(*args: Any, **options: Any) -> Any:
        carried_out(*args, **options)
        monkeypatch.setattr(tagging, "tag_new", carried_out)
        with closing(psycopg2.connect(**connection.get_connection_params())) as other, other:
            other.cursor().execute(
                "SELECT pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid]
            )

    monkeypatch.setattr(tagging, "tag_new", dies)
    assert post(tim, *PLAIN).status_code == 503
    connection.close()
    assert not Image.objects.exists()
    assert post(tim, *PLAIN).status_code == 201
    assert Image.objects.count() == 1


def test_a_key_that_is_held_is_free_when_its_holder_is_gone(doors, monkeypatch):
    asked: list[Keyed] = []
    held = kept_answers.held

    def note(keyed: Keyed) -> Answer | None:
        asked.append(keyed)
        return held(keyed)

    monkeypatch.setattr(kept_answers, "held", note)
    tim = doors[Tim]
    with closing(psycopg2.connect(**connection.get_connection_params())) as other:
        post(tim, "/v1/tags", {"name": "first"}, "k")
        KeptAnswer.objects.all().delete()
        other.cursor().execute("SELECT pg_advisory_xact_lock(%s)", [asked[0].lock])
        refused = post(tim, "/v1/tags", {"name": "second"}, "k")
        assert (refused.status_code, refused["Retry-After"]) == (409, "1")
    # The server takes some time to notice.
    assert eventually(lambda: not advisory_locks())
    assert post(tim, "/v1/tags", {"name": "second"}, "k").status_code == 201


def test_nothing_is_left_in_the_session(doors):
    """Behind a pooler in transaction mode it is another's by the next statement."""
    post(doors[Tim], *PLAIN)
    assert advisory_locks() == 0


def test_what_concurrent_writers_cause_is_tried_again(doors, monkeypatch):
    carried_out, tries = tagging.tag_new, []

    def deadlocked(*args: Any, **options: Any) -> Any:
        tries.append(Image.objects.count())
        if len(tries) < 3:
            with connection.cursor() as cursor:
                cursor.execute("DO $$BEGIN RAISE 'no' USING ERRCODE = '40P01'; END$$")
        return carried_out(*args, **options)

    monkeypatch.setattr(tagging, "tag_new", deadlocked)
    assert post(doors[Tim], *PLAIN).status_code == 201
    assert (tries, Image.objects.count(), KeptAnswer.objects.count()) == ([1, 1, 1], 1, 1)


@pytest.mark.parametrize("way", ["keep", "finish"])
def test_an_answer_that_cannot_be_kept_leaves_no_record(doors, monkeypatch, way):
    def fails(*args: Any) -> None:
        raise InternalError("no")

    before = stored()
    monkeypatch.setattr(kept_answers, way, fails)
    asked = PLAIN if way == "keep" else upload()
    assert post(doors[Tim], *asked).status_code == 503
    assert not Image.objects.exists()
    assert not KeptAnswer.objects.exists()
    assert stored() == before
    monkeypatch.undo()
    assert post(doors[Tim], *asked).status_code == 201


def test_a_file_stays_whose_record_may_have_been_made(doors, monkeypatch):
    """The connection is lost while the transaction is being committed."""
    tim, asked, before = doors[Tim], upload(), stored()
    of_django: Any = BaseDatabaseWrapper
    commit = of_django._commit

    asking = threading.current_thread()

    def lost(wrapper: BaseDatabaseWrapper) -> None:
        commit(wrapper)
        if threading.current_thread() is not asking:
            return
        monkeypatch.setattr(of_django, "_commit", commit)
        raise OperationalError("nobody answers")

    monkeypatch.setattr(of_django, "_commit", lost)
    assert post(tim, *asked).status_code == 503
    again = post(tim, *asked)
    assert (again.status_code, again["Idempotency-Replayed"]) == (201, "true")
    assert (Image.objects.count(), stored()) == (1, before + 1)


def test_a_claim_whose_owner_died_is_taken_over_when_its_time_is_up(doors):
    tim, asked = doors[Tim], upload()
    first = post(tim, *asked)
    Image.objects.all().delete()
    left = {"status": 0, "claim": "00000000-0000-4000-8000-000000000000", "answer": b""}
    KeptAnswer.objects.update(**left, expires_at=timezone.now() + timedelta(seconds=50))
    refused = post(tim, *asked)
    assert (refused.status_code, refused["Retry-After"]) == (409, "1")
    assert not Image.objects.exists()
    KeptAnswer.objects.update(expires_at=timezone.now())
    second = post(tim, *asked)
    assert second.status_code == 201
    assert second.content != first.content
    assert Image.objects.count() == 1


def test_a_claim_lives_for_a_minute(doors, monkeypatch):
    def look(*args: Any) -> Image:
        claim = KeptAnswer.objects.get()
        left = (claim.expires_at - timezone.now()).total_seconds()
        assert claim.status == 0
        assert 50 < left <= 60
        raise storage.StorageUnavailable

    monkeypatch.setattr(uploads, "receive", look)
    assert post(doors[Tim], *upload()).status_code == 503
    assert not KeptAnswer.objects.exists()


def test_who_comes_back_after_the_time_was_up_makes_nothing(doors, monkeypatch):
    tim, asked, receive, before = doors[Tim], upload(), uploads.receive, stored()
    overtaking: list[Any] = []

    def slowly(*args: Any) -> Image:
        image = receive(*args)
        if not overtaking:
            KeptAnswer.objects.update(expires_at=timezone.now())
            overtaking.append(None)
            overtaking[0] = post(tim, *asked)
        return image

    monkeypatch.setattr(uploads, "receive", slowly)
    late = post(tim, *asked)
    assert (overtaking[0].status_code, late.status_code) == (201, 409)
    assert (Image.objects.count(), stored()) == (1, before + 1)
    assert post(tim, *asked).content == overtaking[0].content


def test_a_claim_does_not_undo_an_answer():
    claim = kept_answers.claim(KEYED)
    assert isinstance(claim, kept_answers.Claim)
    with pytest.raises(kept_answers.InUse):
        kept_answers.claim(KEYED)
    kept_answers.finish(claim, ANSWER)
    assert kept_answers.claim(KEYED) == ANSWER
    kept_answers.release(claim)
    assert kept_answers.find(KEYED) == ANSWER
    with pytest.raises(kept_answers.InUse):
        kept_answers.keep(KEYED, ANSWER)
    with pytest.raises(kept_answers.InUse):
        kept_answers.finish(claim, ANSWER)


def test_what_is_swept_between_two_statements_is_asked_for_again(monkeypatch):
    claim = kept_answers.claim(KEYED)
    assert isinstance(claim, kept_answers.Claim)
    find = kept_answers.find

    def swept(keyed: Keyed) -> Answer | None:
        KeptAnswer.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        assert forgetting.forget_callers() == 1
        return find(keyed)

    monkeypatch.setattr(kept_answers, "find", swept)
    with pytest.raises(kept_answers.InUse):
        kept_answers.claim(KEYED)
    monkeypatch.undo()
    assert isinstance(kept_answers.claim(KEYED), kept_answers.Claim)


def test_sweeping_waits_for_nobody(doors):
    post(doors[Tim], *PLAIN)
    KeptAnswer.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with closing(psycopg2.connect(**connection.get_connection_params())) as other:
        other.cursor().execute("SELECT FROM identity_keptanswer FOR UPDATE")
        assert forgetting.forget_callers() == 0
        # A server notices later that a connection was closed.
        other.rollback()
    assert forgetting.forget_callers() == 1
