"""`manage.py erase`: nothing of an image is left but the leaf that releases verify by."""

import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from images import keys, part_uploads, previews, purging, storage
from images.models import Facts, Image
from taggedimages.changes.models import RemovedLink
from taggedimages.changes.tests.corpora import applied, make_change, refs
from taggedimages.datasets import chunks, erasing, holding
from taggedimages.datasets.lines import chunk_digest, leaf, release_digest
from taggedimages.datasets.models import Chunk, Erasure
from taggedimages.datasets.tests.releases import make_dataset, ready_image, ready_images, released
from taggedimages.factories import TESTS, make_image, make_pending
from tags.models import ImageTag, TagChange

pytestmark = pytest.mark.django_db
LONG_AGO = timedelta(days=40)
# RFC 8785, of what lines have.
CANONICAL: Any = {"sort_keys": True, "separators": (",", ":"), "ensure_ascii": False}


def erase(image_id, reason="asked for by the patient", *options):
    out = io.StringIO()
    options = ("--reason", reason, *options)
    call_command("erase", str(image_id), *options, stdout=out)
    return out.getvalue()


def lines_of(release):
    return [json.loads(line) for chunk in chunks.of(release.pk) for line in chunks.lines_in(chunk)]


def recomputed(release):
    """The digest of a release by its lines as they are now served."""
    digests = []
    for chunk in chunks.of(release.pk):
        lines = chunks.lines_in(chunk)
        told = map(json.loads, lines)
        leaves = [
            bytes.fromhex(one["leaf"]) if "withheld" in one else leaf(line)
            for one, line in zip(told, lines, strict=True)
        ]
        digests.append(chunk_digest(b"".join(leaves)))
    return release_digest(digests)


def everything():
    """All that the database keeps, as text, but the leaves, which are to stay."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        )
        tables = [name for (name,) in cursor.fetchall()]
        found = []
        for table in tables:
            cursor.execute(f"SELECT t::text FROM {table} t")
            found += [f"{table}: {row}" for (row,) in cursor.fetchall()]
    kept = [chunks.lines_in(chunk) for chunk in Chunk.objects.all()]
    return "\n".join(found) + str(kept)


class TestBytes:
    def test_file_previews_and_what_was_sent_are_removed(self):
        image = ready_image(stored=True)
        sent = keys.upload_key(image.key)
        storage.put(sent, b"late")
        previews.store(image, {"mini": b"small", "large": b"large", "full": b"full"})
        erase(image.pk)
        for key in (image.key, sent, *previews.keys(image.uuid)):
            assert storage.head(key) is None

    def test_parts_that_have_arrived_are_freed(self):
        upload = part_uploads.plan("slide.tiff", 6, 1, TESTS)
        part_uploads.save(upload)
        erase(upload.image.pk)
        assert storage.parts(upload.image.key, upload.upload_id) is None

    def test_what_comes_by_an_upload_url_until_it_ends_is_removed_too(self):
        image = make_pending()
        told = erase(image.pk)
        assert "looks once more" in told
        storage.put(image.key, b"came late")
        assert erasing.sweep() == 0
        Erasure.objects.update(due_at=timezone.now(), last_at=timezone.now())
        assert erasing.sweep() == 1
        assert storage.head(image.key) is None
        erasure = Erasure.objects.get()
        assert (erasure.keys, erasure.uploads) == ([], [])
        assert erasure.done_at
        assert erasing.sweep() == 0

    def test_while_the_store_is_away_the_worker_takes_over(self, outage):
        image = ready_image(stored=True, created_at=timezone.now() - LONG_AGO)
        with outage():
            erase(image.pk)
            assert not Image.objects.exists()
            Erasure.objects.update(due_at=timezone.now())
            assert erasing.sweep() == 1
        assert storage.head(image.key)
        Erasure.objects.update(due_at=timezone.now())
        assert erasing.sweep() == 1
        assert storage.head(image.key) is None

    def test_held_ones_too(self):
        image = ready_image(stored=True)
        release = released()
        erase(image.pk)
        assert storage.head(image.key) is None
        assert holding.retire(release).erased == 1


class TestRecords:
    def test_nothing_is_left_of_it_but_what_the_ledger_says(self):
        image = ready_image(
            "knee",
            "left",
            filename="Jane Doe.png",
            title="of Jane Doe",
            description="Jane Doe's knee",
            facts__exif={"Artist": "Jane Doe"},
            created_at=timezone.now() - LONG_AGO,
        )
        ImageTag.objects.filter(image=image, tag__name="knee").update(value="Doe")
        release = released()
        applied(make_change({"remove": refs("knee")}, [image]))
        assert RemovedLink.objects.get().value == "Doe"
        assert everything().count("Jane Doe") > 3
        erase(image.pk)
        # The last time that something may come has not passed: keys are known until then.
        Erasure.objects.update(due_at=timezone.now(), last_at=timezone.now())
        erasing.sweep()
        assert "Jane Doe" not in everything()
        assert not Facts.objects.exists()
        assert not ImageTag.objects.exists()
        assert not RemovedLink.objects.exists()
        lines = TagChange.objects.filter(image_id=image.pk).order_by("id")
        assert [line.through for line in lines][-1] == "command:erase"
        release.refresh_from_db()
        assert release.erased == 1

    def test_a_reason_and_who_did_it_are_kept(self):
        image = make_image(body=b"bytes")
        assert "by mira: asked for" in erase(image.pk, "asked for", "--by", "mira")
        erasure = Erasure.objects.get()
        assert (erasure.image_id, erasure.author_name) == (image.pk, "mira")

    def test_an_empty_reason_is_none(self):
        with pytest.raises(CommandError, match="Say why"):
            erase(make_image().pk, " ")
        assert Image.objects.current().exists()

    def test_what_is_not_there_cannot_be_erased(self):
        with pytest.raises(CommandError, match="There is no image 4711"):
            erase(4711)
        assert not Erasure.objects.exists()

    def test_twice_is_once(self):
        image = ready_image(stored=True)
        release = released()
        first = erase(image.pk)
        assert f"{release.dataset.name}@1 says `erased`" in first
        second = erase(image.pk, "another reason")
        assert "asked for by the patient" in second
        assert "says" not in second
        release.refresh_from_db()
        assert release.erased == 1
        assert Erasure.objects.count() == 1

    def test_a_deleted_image_that_waits_for_its_release(self):
        image = ready_image(stored=True)
        released()
        Image.objects.filter(pk=image.pk).update(deleted_at=timezone.now(), ended_at=timezone.now())
        Image.objects.filter(pk=image.pk).update(check_at=timezone.now())
        purging.purge()
        assert storage.head(image.key)
        erase(image.pk)
        assert storage.head(image.key) is None


class TestReleases:
    def test_keep_the_leaf_and_their_digest(self):
        first, gone, last = ready_images(3)
        release = released()
        before = lines_of(release)
        digest, statement = release.digest, release.statement
        erase(gone.pk)
        release.refresh_from_db()
        assert (release.digest, release.statement) == (digest, statement)
        after = lines_of(release)
        assert [after[0], after[2]] == [before[0], before[2]]
        assert after[1] == {
            "id": gone.pk,
            "leaf": leaf(json.dumps(before[1], **CANONICAL).encode()).hex(),
            "withheld": "erased",
        }
        assert recomputed(release) == digest
        assert (release.erased, release.members) == (1, 3)
        assert [line["id"] for line in after] == [first.pk, gone.pk, last.pk]

    def test_all_that_list_it_withhold_it_retired_ones_too(self):
        image, _ = ready_images(2)
        dataset = make_dataset()
        releases = [released(dataset), released(dataset), released()]
        holding.retire(releases[1])
        told = erase(image.pk)
        for release in releases:
            assert f"{release.dataset.name}@{release.number} says" in told
            release.refresh_from_db()
            assert release.erased == 1
            assert recomputed(release) == release.digest
            assert lines_of(release)[0]["withheld"] == "erased"

    def test_others_are_left_alone(self):
        image, other = ready_image("knee"), ready_image("hip")
        release = released(query={"exact_tags": ["hip"]})
        erase(image.pk)
        release.refresh_from_db()
        assert release.erased == 0
        assert [line["id"] for line in lines_of(release)] == [other.pk]

    def test_several_chunks(self, monkeypatch):
        monkeypatch.setattr(chunks, "CHUNK_MEMBERS", 2)
        images = ready_images(5)
        release = released()
        for image in (images[1], images[2], images[4]):
            erase(image.pk)
        assert [line.get("withheld") for line in lines_of(release)] == [
            None,
            "erased",
            "erased",
            None,
            "erased",
        ]
        assert recomputed(release) == release.digest
        with_files = holding.held([image.pk for image in images])
        assert with_files == {images[0].pk, images[3].pk}

    def test_later_ones_do_not_list_it(self):
        kept, gone = ready_images(2)
        erase(gone.pk)
        assert [line["id"] for line in lines_of(released())] == [kept.pk]
