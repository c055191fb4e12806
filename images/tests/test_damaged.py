"""Bytes that change between service and store, in either direction, or in the store itself: they
are never taken for the file, and all is well once they come as they were sent."""

import contextlib
import hashlib
import io
import logging
import os
import re
import uuid
from base64 import b64encode
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from boto3.s3.transfer import TransferConfig
from django.utils import timezone

from images import inspection_jobs, previews, processing, purging, storage, uploads
from images.inspection.sizes import SIZES
from images.models import Facts, Image
from images.storage import bucket, client, content
from images.tests.files import encoded, photo
from taggedimages.factories import TESTS, make_image, make_png
from taggedimages.tests.flips import ANSWERS, REQUESTS, Flips

pytestmark = pytest.mark.django_db

MIB = 1024**2


@pytest.fixture
def network(settings):
    """What lies between this process and the store."""
    store = urlsplit(settings.S3_ENDPOINT_URL)
    flips = Flips(store.hostname, store.port)
    # Where files are sent to by clients, and read by them, stays as it is.
    settings.S3_PUBLIC_ENDPOINT_URL = settings.S3_ENDPOINT_URL
    settings.S3_ENDPOINT_URL = f"http://127.0.0.1:{flips.port}"
    yield flips
    flips.close()


@pytest.fixture
def key():
    key = f"damaged/{uuid.uuid4()}"
    yield key
    storage.delete(key)


def look(image, times=1):
    """Let the worker look at an image so often, without waiting in between."""
    for _ in range(times):
        Image.objects.filter(pk=image.pk).update(check_at=timezone.now())
        processing.sweep(1)
    return Image.objects.select_related("facts").get(pk=image.pk)


@contextmanager
def rotten(body):
    """A bit of these bytes is flipped where the store keeps them, for a while."""
    volumes = (Path(os.environ["TAGGEDIMAGES_DATA"]) / "seaweedfs").rglob("*.dat")
    places = [(path, at) for path in volumes if (at := path.read_bytes().find(body)) >= 0]
    assert places
    flip(places, len(body) // 2)
    try:
        yield
    finally:
        flip(places, len(body) // 2)


def flip(places, offset):
    for path, at in places:
        with path.open("r+b") as volume:
            volume.seek(at + offset)
            bit = volume.read(1)[0] ^ 1
            volume.seek(at + offset)
            volume.write(bytes([bit]))


def assert_ready(image, body):
    assert image.state == "ready"
    assert image.facts.md5_hex == hashlib.md5(body).hexdigest()
    assert image.facts.sha256_hex == hashlib.sha256(body).hexdigest()
    assert (image.facts.width, image.facts.height) == (48, 32)


class TestInspection:
    def test_flipped_bytes_make_no_facts_and_whole_ones_do(self, network):
        body = make_png()
        images = [make_image(body=body, check_at=timezone.now()) for _ in range(5)]
        with network.of(ANSWERS):
            for image in images:
                assert look(image, 2).state == "uploaded"
        assert network.flipped[ANSWERS] >= 20
        assert not Facts.objects.exists()
        for image in images:
            assert_ready(look(image), body)

    def test_what_comes_damaged_again_and_again_is_told_and_still_tried(self, network, caplog):
        image = make_image(body=make_png())
        with network.of(ANSWERS):
            told = look(image, inspection_jobs.DOUBTS)
            assert told.state == "failed"
            assert told.reason.startswith("damaged: ")
            assert told.facts.md5 is told.facts.sha256 is None
            assert told.check_at > timezone.now() + timedelta(seconds=50)
            assert look(image).reason.startswith("damaged: ")
        assert f"Image {image.pk}: damaged" in caplog.text
        assert logging.ERROR in [record.levelno for record in caplog.records]
        assert_ready(look(image), make_png())

    def test_facts_and_previews_of_before_stay(self, network):
        image = look(make_image(body=make_png()))
        processing.reprocess(Image.objects.filter(pk=image.pk))
        with network.of(ANSWERS):
            kept = look(image, inspection_jobs.DOUBTS + 2)
        assert kept.facts.md5_hex == hashlib.md5(make_png()).hexdigest()
        assert kept.facts.has_previews
        assert kept.reason == ""
        assert_ready(look(image), make_png())

    def test_bytes_that_rot_on_the_disk_of_the_store_make_no_facts(self):
        """The embedded store knows by a sum of its own, and refuses to hand them out."""
        # Bytes that no other test has.
        body = encoded(photo(seed=uuid.uuid4().int % 2**32), "PNG")
        image = make_image(body=body)
        with rotten(body):
            assert look(image).state == "uploaded"
        assert not Facts.objects.exists()
        kept = look(image)
        assert (kept.state, kept.facts.md5_hex) == ("ready", hashlib.md5(body).hexdigest())

    def test_previews_that_arrive_damaged_are_made_again(self, network):
        image = make_image(body=make_png())
        with network.of(REQUESTS):
            assert look(image).state == "uploaded"
        assert network.flipped[REQUESTS]
        ready = look(image)
        assert_ready(ready, make_png())
        assert all(storage.read(previews._key(ready.uuid, name)) for name in SIZES)


class TestUploads:
    def test_a_one_shot_upload_is_not_acknowledged_where_other_bytes_arrive(self, api, network):
        body = {"filename": "sun.png", "image_data": b64encode(make_png()).decode()}
        with network.of(REQUESTS):
            assert api.post("/v1/upload", body).status_code == 503
        assert network.flipped[REQUESTS]
        assert not Image.objects.exists()
        created = api.post("/v1/upload", body)
        assert created.status_code == 201
        assert_ready(look(Image.objects.get()), make_png())

    def test_a_copy_that_is_another_leaves_the_source(self, monkeypatch, key):
        image = uploads.begin("sun.png", None, TESTS)
        storage.put(image.key, make_png())
        head = bucket.head

        def wrong(name, *where):
            found = head(name, *where)
            if found and name.startswith("archive/"):
                return bucket.StoredObject(found.size, f'"{"0" * 32}"', found.modified_at)
            return found

        with monkeypatch.context() as patched:
            # The answer to the copy tells nothing, so that it is looked up.
            patched.setattr(bucket, "COPIED", re.compile(b"(nothing)"))
            patched.setattr(bucket, "head", wrong)
            with pytest.raises(storage.Damaged):
                uploads.confirm(image)
        image.refresh_from_db()
        assert image.uploaded_at is None
        assert storage.read(image.key) == make_png()
        assert storage.head(f"archive/{image.key}") is None
        assert uploads.confirm(image).uploaded_at

    def test_lists_that_make_no_sense_end_nothing(self, network, own_bucket):
        image = make_image(body=make_png())
        upload_id = storage.begin_parts("archive/other")
        with network.of(ANSWERS):
            for _ in range(3):
                for ask in (purging.abort_stale, lambda: list(storage.objects())):
                    with contextlib.suppress(storage.StorageUnavailable):
                        ask()
        assert [found for _, found, _ in storage.unfinished()] == [upload_id]
        assert storage.head(image.key)


class TestParts:
    def test_a_copy_in_parts_is_compared_with_what_was_copied(self, network, key, monkeypatch):
        monkeypatch.setattr(bucket, "MAX_SINGLE_COPY_BYTES", 5 * MIB)
        parts = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB)
        monkeypatch.setattr(bucket, "IN_PARTS", parts)
        body = os.urandom(6 * MIB)
        assert storage.copy(key, f"{key}/copy", storage.put(key, body))
        assert storage.read(f"{key}/copy") == body
        with network.of(ANSWERS), pytest.raises(storage.Damaged):
            storage.read(f"{key}/copy")
        storage.delete(f"{key}/copy")

    @pytest.mark.parametrize("sizes", [[5 * MIB, 5 * MIB, 7], [5 * MIB, 6 * MIB, 7], [9]])
    def test_what_came_in_parts_is_compared_by_its_parts(self, network, key, sizes, settings):
        parts = [os.urandom(size) for size in sizes]
        upload = storage.begin_parts(key)
        sent = [
            client.store().upload_part(
                Bucket=settings.S3_BUCKET,
                Key=key,
                UploadId=upload,
                PartNumber=number,
                Body=part,
            )["ETag"]
            for number, part in enumerate(parts, 1)
        ]
        assert storage.complete_parts(key, upload, list(enumerate(sent, 1)))
        assert storage.read(key) == b"".join(parts)
        with network.of(ANSWERS), pytest.raises(storage.Damaged):
            storage.read(key)

    def test_a_file_in_parts_is_sent_until_it_arrives(self, network, key, tmp_path, monkeypatch):
        parts = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB)
        monkeypatch.setattr(bucket, "IN_PARTS", parts)
        for size in (6 * MIB, MIB):
            path = tmp_path / "file"
            path.write_bytes(os.urandom(size))
            with network.of(REQUESTS), pytest.raises(storage.StorageUnavailable):
                storage.put_file(key, path)
            storage.put_file(key, path)
            assert storage.read(key) == path.read_bytes()


class TestWhatAStoreTells:
    BODY = b"sun"
    MD5 = hashlib.md5(BODY).hexdigest()

    @pytest.mark.parametrize(
        "answer",
        [
            {"ETag": f'"{MD5}"'},
            {"ETag": f'"{MD5.upper()}"', "ContentLength": 3},
            {"ETag": '"0x8D"'},
            {"ETag": f'"{"0" * 32}"', "ServerSideEncryption": "aws:kms"},
            {"ETag": f'"{"0" * 32}"', "SSECustomerAlgorithm": "AES256"},
            {"ETag": f'"{"0" * 32}-2"'},
            {
                "ETag": f'"{"0" * 32}"',
                "ChecksumSHA256": b64encode(hashlib.sha256(BODY).digest()).decode(),
            },
            {},
        ],
    )
    def test_good_files_are_taken(self, answer):
        content.check(self.found(), answer, lambda number: None)

    @pytest.mark.parametrize(
        "answer",
        [
            {"ETag": f'"{"0" * 32}"'},
            {"ETag": f'"{"0" * 32}"', "ServerSideEncryption": "AES256"},
            {"ETag": '"0x8D"', "ContentLength": 4},
            {"ETag": f'"{MD5}"', "ContentLength": 4, "ServerSideEncryption": "aws:kms"},
            {
                "ETag": '"0x8D"',
                "ChecksumSHA256": b64encode(hashlib.sha256(b"moon").digest()).decode(),
            },
            {"ETag": f'"{MD5}-1"'},
        ],
    )
    def test_others_are_not(self, answer):
        with pytest.raises(storage.Damaged):
            content.check(self.found(), answer, lambda number: None)

    def test_a_store_whose_tags_only_look_like_md5s(self, settings):
        settings.S3_ETAGS_ARE_MD5 = False
        content.check(self.found(), {"ETag": f'"{"0" * 32}"'}, lambda number: None)

    def found(self):
        found = content.Content(io.BytesIO())
        found.take(self.BODY)
        return found
