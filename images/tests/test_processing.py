"""From a file that has arrived to `ready` or `failed`, whatever happens on the way."""

import hashlib
import tempfile
from collections import Counter
from typing import Any

import pytest
from django.utils import timezone

from images import (
    deletion,
    inspection_jobs,
    previews,
    processing,
    storage,
    uploads,
)
from images.inspection import sandbox
from images.models import Facts, Image
from images.tests import misbehaviour
from images.tests.files import encoded, photo
from taggedimages.factories import TESTS, make_image, make_pending
from taggedimages.monitoring import series

pytestmark = pytest.mark.django_db

PHOTO = encoded(photo(), "PNG")


def uploaded(body: bytes = PHOTO, **fields) -> Image:
    return make_image(body=body, check_at=timezone.now(), **fields)


def fresh(image: Image) -> Image:
    return Image.objects.select_related("facts").get(pk=image.pk)


def is_due(image: Image) -> bool:
    return Image.objects.filter(pk=image.pk, check_at__lte=timezone.now()).exists()


def work_until_done(image: Image, work=None, rounds: int = 12) -> Image:
    """Inspect as often as it takes, as if every wait was over."""
    for _ in range(rounds):
        image = fresh(image)
        if image.processed_at:
            break
        inspection_jobs.inspect(image, **({"work": work} if work else {}))
    return fresh(image)


def test_a_file_that_arrives_is_ready_after_one_look():
    image = make_pending(check_at=timezone.now())
    storage.put(image.key, PHOTO)
    assert image.state == "pending"
    assert processing.sweep(limit=1) == 1
    ready = fresh(image)
    assert (ready.state, ready.reason, ready.attempts) == ("ready", "", 1)
    assert ready.facts.sha256_hex == hashlib.sha256(PHOTO).hexdigest()
    assert ready.facts.md5_hex == hashlib.md5(PHOTO).hexdigest()
    assert (ready.facts.format, ready.facts.width, ready.facts.height) == ("png", 120, 80)


@pytest.fixture
def asked(monkeypatch):
    """How often the store was asked for what."""
    counts: Counter[str] = Counter()
    monkeypatch.setattr(series, "s3_took", lambda operation, *_, **__: counts.update([operation]))
    return counts


def test_a_file_is_read_once_and_its_size_is_never_asked_for(asked, django_assert_max_num_queries):
    image = make_pending(check_at=timezone.now())
    storage.put(image.key, PHOTO)
    asked.clear()
    # With savepoints in place of transactions.
    with django_assert_max_num_queries(12):
        assert processing.sweep(limit=1) == 1
    assert fresh(image).state == "ready"
    assert asked == {"GetObject": 1, "CopyObject": 1, "DeleteObject": 1, "PutObject": 3}


def test_saying_that_a_file_is_there_asks_for_it_once(asked):
    image = make_pending()
    storage.put(image.key, PHOTO)
    asked.clear()
    assert uploads.confirm(image).uploaded_at
    assert asked == {"HeadObject": 1, "CopyObject": 1, "DeleteObject": 1}


def test_a_file_that_is_replaced_while_it_is_read_is_taken_as_it_then_is(monkeypatch):
    image = make_pending(check_at=timezone.now())
    storage.put(image.key, PHOTO)
    other, copy = encoded(photo(seed=2), "PNG"), storage.copy

    def replaced(*of):
        storage.put(image.key, other)
        return copy(*of)

    with monkeypatch.context() as patched:
        patched.setattr(storage, "copy", replaced)
        processing.sweep(limit=1)
    assert (fresh(image).state, is_due(image)) == ("pending", False)
    inspection_jobs.inspect_arrived(fresh(image))
    ready = fresh(image)
    assert (ready.state, ready.attempts) == ("ready", 1)
    assert ready.facts.sha256_hex == hashlib.sha256(other).hexdigest()
    assert storage.read(ready.key) == other


def test_a_file_received_in_a_request_is_due_at_once():
    image = uploads.receive("a.png", PHOTO, TESTS)
    image.save()
    processing.sweep()
    assert fresh(image).state == "ready"


def test_what_was_inspected_is_looked_at_again_when_its_upload_url_ends():
    image = uploaded()
    processing.sweep()
    assert fresh(image).check_at == image.upload_expires_at + uploads.LAST_CHECK
    storage.put(image.key.removeprefix("archive/"), b"late")
    processing.look_after(fresh(image))
    assert storage.head(image.key.removeprefix("archive/")) is None


def test_a_received_file_that_is_written_again_is_inspected_again():
    image = uploads.receive("a.png", PHOTO, TESTS)
    image.save()
    processing.sweep()
    other = encoded(photo(seed=2), "PNG")
    storage.put(image.key, other)
    processing.look_after(fresh(image))
    assert fresh(image).state == "uploaded"
    processing.sweep()
    assert fresh(image).facts.sha256_hex == hashlib.sha256(other).hexdigest()


def test_content_that_is_no_image_fails_at_once_and_stays():
    image = work_until_done(uploaded(b"<html>"))
    assert (image.state, image.attempts) == ("failed", 1)
    assert image.reason == "not_an_image: the content is of no known image format"
    assert storage.read(image.key) == b"<html>"
    assert previews.urls(image) is None


def test_a_crash_costs_a_try_and_three_are_final():
    image = uploaded()
    inspection_jobs.inspect(image, work=misbehaviour.crash)
    assert (fresh(image).state, fresh(image).attempts) == ("uploaded", 1)
    assert not is_due(image)
    failed = work_until_done(image, misbehaviour.crash)
    assert (failed.state, failed.attempts) == ("failed", 3)
    assert failed.reason == "unreadable: the decoder crashed (SIGSEGV)"
    assert failed.facts.sha256_hex == hashlib.sha256(PHOTO).hexdigest()


def test_a_crash_that_does_not_come_again_is_forgiven():
    image = uploaded()
    inspection_jobs.inspect(image, work=misbehaviour.crash)
    assert work_until_done(image).state == "ready"


def test_the_number_of_tries_is_a_setting(settings):
    settings.INSPECTION_TRIES = 1
    image = uploaded()
    inspection_jobs.inspect(image, work=misbehaviour.crash)
    assert fresh(image).state == "failed"


def test_a_time_out_is_told(settings):
    settings.INSPECTION_TRIES, settings.INSPECTION_SECONDS = 1, 0.2
    image = uploaded()
    inspection_jobs.inspect(image, work=misbehaviour.sleep)
    assert fresh(image).reason == "timeout: reading it took more than 0.2 seconds"


def test_workers_that_die_are_forgiven_longer_but_not_for_ever():
    image = uploaded(attempts=9)
    assert work_until_done(image).state == "ready"
    image = uploaded(attempts=10)
    assert work_until_done(image).reason == "unreadable: no worker lived to tell what is in it"


@pytest.mark.parametrize("work", [misbehaviour.be_ended, misbehaviour.be_killed])
def test_a_child_that_is_ended_from_outside_is_tried_again(work):
    image = uploaded()
    for _ in range(4):
        inspection_jobs.inspect(fresh(image), work=work)
    assert (fresh(image).state, is_due(image)) == ("uploaded", False)
    assert work_until_done(image).state == "ready"
    image = uploaded()
    assert work_until_done(image, work).reason == (
        "unreadable: no worker lived to tell what is in it"
    )


def test_a_worker_that_stops_hands_back_what_it_holds(monkeypatch):
    monkeypatch.setattr(sandbox, "RENEWAL_SECONDS", 0.1)
    image = uploaded()
    answers = iter([False])
    inspection_jobs.inspect(image, stopping=lambda: next(answers, True), work=misbehaviour.sleep)
    back = fresh(image)
    assert (back.state, back.attempts) == ("uploaded", 0)
    assert is_due(image)


def test_a_worker_that_stops_takes_nothing_new():
    uploaded()
    assert processing.sweep(stopping=lambda: True) == 0


def test_a_claim_is_renewed_while_the_inspection_goes_on(monkeypatch, settings):
    monkeypatch.setattr(sandbox, "RENEWAL_SECONDS", 0.1)
    settings.INSPECTION_SECONDS, settings.INSPECTION_TRIES = 1, 3
    image = uploaded()
    seen: list[Any] = []

    def stopping() -> bool:
        seen.append(fresh(image).check_at)
        return False

    inspection_jobs.inspect(image, stopping=stopping, work=misbehaviour.sleep)
    assert len(set(seen)) > 2
    assert seen == sorted(seen)


def test_a_file_beyond_the_size_that_is_inspected_is_left_alone(settings):
    settings.MAX_INSPECTED_BYTES = 100
    image = work_until_done(uploaded(b"x" * 101))
    assert image.reason == "too_large: 101 bytes, 100 are inspected"
    assert (image.facts.sha256, image.attempts) == (None, 0)


def test_an_object_that_has_gone_is_told():
    image = work_until_done(make_image(check_at=timezone.now()))
    assert (image.reason, image.attempts) == ("missing: the file is not in the store", 3)


def test_a_deleted_image_gets_no_facts_and_leaves_no_previews():
    image = uploaded()
    stale = fresh(image)
    deletion.delete(image)
    inspection_jobs.inspect(stale)
    assert not Facts.objects.filter(image=image).exists()
    assert storage.head(f"previews/{image.uuid}/mini.webp") is None


def test_previews_go_with_their_image():
    image = work_until_done(uploaded())
    assert storage.head(f"previews/{image.uuid}/full.webp") is not None
    deletion.delete(image)
    processing.look_after(fresh(image))
    assert storage.head(f"previews/{image.uuid}/full.webp") is None


def test_a_store_that_is_away_costs_no_try(settings, monkeypatch):
    image = uploaded()
    monkeypatch.setattr(settings, "S3_BUCKET", "nosuchbucket")
    with pytest.raises(storage.StorageUnavailable):
        inspection_jobs.inspect(image)
    monkeypatch.undo()
    assert (fresh(image).state, fresh(image).attempts) == ("uploaded", 0)


def test_a_disk_that_is_full_is_waited_for_but_not_for_ever(monkeypatch):
    image = uploaded()
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    inspection_jobs.inspect(image)
    assert fresh(image).state == "uploaded"
    failed = work_until_done(image)
    assert (failed.attempts, failed.reason) == (
        10,
        "unreadable: no room to read it: No such file or directory",
    )


def test_a_worker_that_was_halted_does_not_undo_what_another_found(settings):
    settings.INSPECTION_TRIES = 1
    image = uploaded()
    halted = fresh(image)
    inspection_jobs.inspect(image)
    inspection_jobs.inspect(halted, work=misbehaviour.crash)
    assert fresh(image).state == "ready"
    assert storage.head(f"previews/{image.uuid}/mini.webp") is not None


def test_reprocessing_keeps_the_facts_until_there_are_new_ones():
    image = work_until_done(uploaded())
    storage.delete(f"previews/{image.uuid}/mini.webp")
    assert processing.reprocess(Image.objects.filter(pk=image.pk)) == 1
    again = fresh(image)
    assert (again.state, again.attempts, again.facts.format) == ("uploaded", 0, "png")
    processing.sweep()
    assert fresh(image).state == "ready"
    assert storage.head(f"previews/{image.uuid}/mini.webp") is not None


def test_images_without_a_file_are_not_reprocessed():
    make_pending()
    deleted = uploaded()
    deletion.delete(deleted)
    assert processing.reprocess(Image.objects.all()) == 0
