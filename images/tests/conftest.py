"""Files to look into, a bucket of one's own, and a store that can be taken away."""

import socket
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

import pytest

from images import inspection_jobs, storage
from images.inspection import child, sandbox
from images.inspection.sandbox import Inspected

Look = Callable[..., Inspected]
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
            yield
        settings.S3_ENDPOINT_URL, settings.S3_TRIES = real

    return refused


@pytest.fixture
def look() -> Look:
    """Inspects bytes in a child process, within the limits of the settings or other ones."""

    def run(body: bytes, work: sandbox.Work = child.work, wall: float = 30, **other: Any):
        with tempfile.TemporaryFile() as file:
            file.write(body)
            file.flush()
            return sandbox.run(file, replace(inspection_jobs.limits(), **other), wall, work=work)

    return run
