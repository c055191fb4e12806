"""Small objects without boto3: what is told is what the store has, and nothing is else."""

from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from django.conf import settings

from images import storage
from images.storage import client, requests
from images.storage.requests import signer
from taggedimages.tests.flips import ANSWERS, REQUESTS, Flips

KEYS = ["quick/a.png", "quick/with space/and ü + % &?#.png", "quick/" + "a" * 255, "quick/empty"]


@pytest.fixture
def network(settings):
    """What lies between this process and the store."""
    store = urlsplit(settings.S3_ENDPOINT_URL)
    flips = Flips(store.hostname, store.port)
    settings.S3_ENDPOINT_URL = f"http://127.0.0.1:{flips.port}"
    yield flips
    flips.close()


@pytest.mark.parametrize("key", KEYS)
def test_what_is_put_is_read(key):
    body = b"" if key.endswith("empty") else key.encode() * 1000
    with storage.quick_puts(2) as put, storage.quick_reads(2) as read:
        assert put(key, body, "image/webp")
        assert read(key) == body == storage.read(key)
    found = client.store().head_object(Bucket=settings.S3_BUCKET, Key=key)
    assert found["ContentType"] == "image/webp"


def test_nothing_is_told_of_what_is_not_there():
    with storage.quick_reads(2) as read:
        assert read("quick/nowhere") is None


def test_bytes_that_change_on_their_way_are_not_taken(network):
    storage.put("quick/flipped", b"as it was" * 100)
    with storage.quick_reads(2) as read, network.of(ANSWERS):
        assert read("quick/flipped") is None
    with storage.quick_puts(2) as put, network.of(REQUESTS):
        assert not put("quick/flipped", b"as it is" * 100, storage.OCTETS)


def test_what_the_store_refuses_is_not_told(monkeypatch):
    storage.put("quick/refused", b"as it was")
    monkeypatch.setattr(
        requests, "signer", lambda binding=(): replace(signer(binding), secret_key="another")
    )
    with storage.quick_reads(2) as read, storage.quick_puts(2) as put:
        assert read("quick/refused") is None
        assert not put("quick/refused", b"other", storage.OCTETS)
    assert storage.read("quick/refused") == b"as it was"


def test_tags_that_are_no_md5_tell_nothing(settings):
    settings.S3_ETAGS_ARE_MD5 = False
    with storage.quick_puts(2) as put, storage.quick_reads(2) as read:
        assert not put("quick/opaque", b"bytes", storage.OCTETS)
        assert read("quick/opaque") is None
    assert storage.read("quick/opaque") == b"bytes"
