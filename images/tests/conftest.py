"""A bucket of one's own, and a store that can be taken away."""

import socket
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from images import storage

OWN = f"keeping-{uuid.uuid4().hex[:12]}"
Outage = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def own_bucket(settings) -> Iterator[str]:
    """An empty bucket that no other test writes to."""
    settings.S3_BUCKET = OWN
    storage.ensure_bucket()
    yield OWN
    for key, _ in list(storage.objects()):
        storage.delete(key)
    for key, upload_id, _ in list(storage.unfinished()):
        storage.abort_parts(key, upload_id)


@pytest.fixture
def outage(settings) -> Outage:
    """`with outage():` the object store refuses connections."""

    @contextmanager
    def refused() -> Iterator[None]:
        real = settings.S3_ENDPOINT_URL, settings.S3_TRIES
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            settings.S3_ENDPOINT_URL = f"http://127.0.0.1:{closed.getsockname()[1]}"
            settings.S3_TRIES = 1
            storage._client.cache_clear()
            yield
        settings.S3_ENDPOINT_URL, settings.S3_TRIES = real
        storage._client.cache_clear()

    return refused
