"""Objects that are too large for one copy are copied in parts, as they were seen or not at all."""

import os
import uuid

import pytest
from boto3.s3.transfer import TransferConfig

from images import storage
from images.storage import bucket

MIB = 1024**2
BODY = os.urandom(6 * MIB)


@pytest.fixture
def keys(monkeypatch):
    monkeypatch.setattr(bucket, "MAX_SINGLE_COPY_BYTES", 5 * MIB)
    monkeypatch.setattr(
        bucket,
        "IN_PARTS",
        TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB),
    )
    folder = f"copies/{uuid.uuid4()}"
    yield f"{folder}/from", f"{folder}/to"
    for name in ("from", "to"):
        storage.delete(f"{folder}/{name}")


def test_in_parts(keys):
    source, target = keys
    assert storage.copy(source, target, storage.put(source, BODY))
    assert storage.read(target) == BODY


def test_not_what_was_written_since(keys):
    source, target = keys
    seen = storage.put(source, BODY)
    storage.put(source, BODY[::-1])
    assert not storage.copy(source, target, seen)
    assert storage.head(target) is None


def test_not_what_is_gone(keys):
    source, target = keys
    seen = storage.put(source, BODY)
    storage.delete(source)
    assert not storage.copy(source, target, seen)


def test_a_large_file_is_sent_in_parts(keys, tmp_path):
    (tmp_path / "large").write_bytes(BODY)
    storage.put_file(keys[0], tmp_path / "large")
    assert storage.read(keys[0]) == BODY
