"""`manage.py reconcile`: what bucket and database do not agree on, told and mended."""

import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from images import (
    deletion,
    keys,
    reconciliation,
    storage,
)
from images.models import Image
from taggedimages.factories import make_image, make_pending

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own(own_bucket, settings):
    settings.ORPHAN_SECONDS = 0


def reconcile(*options):
    """What the command prints, by line, its findings as pairs; the last is the totals."""
    out = io.StringIO()
    try:
        call_command("reconcile", "--json", *options, stdout=out)
    except CommandError as error:
        assert "--apply mends them" in str(error)  # noqa: PT017
    *found, totals = map(json.loads, out.getvalue().splitlines())
    return [(line["kind"], line["key"]) for line in found], totals


def is_there(key):
    return storage.head(key) is not None


def test_where_all_is_well_there_is_nothing_to_tell():
    make_image(body=b"one")
    make_image(body=b"three")
    make_pending()

    assert reconcile("--apply") == (
        [],
        {"objects": 2, "bytes": 8, "records": 3, "lost": 0, "findings": {}, "repaired": 0},
    )


def test_an_orphan_is_told_then_deleted():
    storage.put("somebody/left/this.png", b"?")

    assert reconcile()[0] == [("orphan", "somebody/left/this.png")]
    assert is_there("somebody/left/this.png")
    assert reconcile("--apply")[1]["repaired"] == 1
    assert not is_there("somebody/left/this.png")
    assert reconcile()[0] == []


def test_a_young_orphan_is_left_alone(settings):
    settings.ORPHAN_SECONDS = 3600
    storage.put("archive/just/now.png", b"?")

    assert reconcile("--apply")[0] == []
    assert is_there("archive/just/now.png")


def test_a_lost_object_is_said_of_its_record_which_is_taken_again_when_it_returns():
    image = make_image("knee", body=b"bytes")
    storage.delete(image.key)

    assert reconcile("--apply")[0] == [("lost", image.key)]
    image.refresh_from_db()
    assert image.uploaded_at is None
    assert image.upload_error.startswith("lost: the file of ")
    assert [tag.name for tag in image.tags.all()] == ["knee"]
    assert reconcile()[0] == []

    storage.put(image.key, b"bytes")
    assert reconcile("--apply")[0] == [("arrived", image.key)]
    image.refresh_from_db()
    assert image.uploaded_at
    assert image.upload_error == ""


def test_another_size_is_told_and_taken_from_the_store():
    image = make_image(body=b"bytes")
    storage.put(image.key, b"more bytes")

    assert reconcile("--apply")[0] == [("resized", image.key)]
    image.refresh_from_db()
    assert image.size == 10
    # It is inspected anew.
    assert image.check_at


def test_a_pending_record_whose_object_is_there_is_confirmed():
    image = make_pending(size=5)
    storage.put(image.key, b"bytes")

    assert reconcile()[0] == [("arrived", image.key)]
    reconcile("--apply")
    image.refresh_from_db()
    assert image.uploaded_at
    assert reconcile()[0] == []


def test_a_record_that_was_refused_for_its_size_is_no_finding():
    image = make_pending(upload_error="size_mismatch: 3 bytes were declared and 5 arrived")
    storage.put(image.key, b"bytes")

    assert reconcile()[0] == []


def test_a_deleted_image_whose_object_is_there_after_all_is_told():
    image = make_image(body=b"bytes")
    deletion.delete(image)
    assert reconcile()[0] == []

    Image.objects.filter(pk=image.pk).update(check_at=None)
    assert reconcile("--apply")[0] == [("undeleted", image.key)]
    assert not is_there(image.key)


class TestPreviews:
    """They belong to the image whose uuid their key holds."""

    def test_of_a_living_image_stay(self):
        image = make_image(body=b"bytes")
        storage.put(f"previews/{image.uuid}/mini.webp", b"small")
        assert reconcile()[0] == []

    def test_of_no_image_or_a_purged_one_are_orphans(self):
        image = make_image(ended_at=timezone.now(), deleted_at=timezone.now())
        gone = f"previews/{image.uuid}/mini.webp"
        unknown = "previews/0b0c7f0e-6a1c-4f0e-9f7b-2f6c1d2a9e55/mini.webp"
        for key in (gone, unknown, "previews/odd"):
            storage.put(key, b"small")

        found, _ = reconcile("--apply")
        assert sorted(found) == sorted(("orphan", key) for key in (gone, unknown, "previews/odd"))


class TestAStaleListing:
    """What changes after the listing is looked at again right before."""

    def test_an_orphan_that_got_its_record_stays(self):
        key = keys.archived(keys.new_key("late.png", timezone.now()))
        storage.put(key, b"bytes")
        report = reconciliation.take_stock()
        make_image(key=key, size=5)

        assert list(reconciliation.findings(report, repair=True)) == []
        assert is_there(key)

    def test_a_lost_object_that_came_back_is_not_lost(self):
        image = make_image()
        report = reconciliation.take_stock()
        storage.put(image.key, b"bytes")

        assert list(reconciliation.findings(report, repair=True)) == []
        image.refresh_from_db()
        assert image.uploaded_at

    def test_a_record_that_moved_on_meanwhile_is_left_alone(self):
        image = make_image()
        report = reconciliation.take_stock()
        deletion.delete(image)

        assert list(reconciliation.findings(report, repair=True)) == []


def test_a_bucket_where_nearly_all_is_missing_is_not_believed(monkeypatch):
    monkeypatch.setattr(reconciliation, "SUSPICIOUS_NUMBER", 2)
    for _ in range(3):
        make_image()

    with pytest.raises(CommandError, match="Is it the right bucket"):
        call_command("reconcile", "--apply", stdout=io.StringIO())
    assert Image.objects.uploaded().count() == 3
    assert len(reconcile("--apply", "--force")[0]) == 3


def test_keys_that_stores_sort_in_different_ways_are_matched():
    # SeaweedFS lists folder by folder, S3 byte by byte.
    for key in ("a/b", "a.b", "a-b/c", "a b/c", "ab", "é/1", "💥/1"):
        storage.put(key, b"bytes")
        make_image(key=key, size=5)

    assert reconcile()[0] == []


def test_a_store_that_is_away_ends_it_without_a_change(outage):
    make_image()
    with outage(), pytest.raises(CommandError, match="run it again"):
        call_command("reconcile", "--apply", stdout=io.StringIO())
    assert Image.objects.uploaded().count() == 1
