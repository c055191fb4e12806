"""A process whose threads all hang says so, and gets no more requests."""

import asyncio
from threading import Event

import pytest

from taggedimages.engines.tests.conftest import eventually
from taggedimages.http import health
from taggedimages.serving import gateway
from taggedimages.serving.gateway import Gateway
from taggedimages.serving.threads import Job, Threads

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def hang():
    """Makes jobs that end with the test."""
    over = Event()
    yield lambda: job_until(over)
    over.set()


def job_until(over: Event) -> Job:
    def wait() -> None:
        over.wait()

    return Job(wait, lambda: None, None)


def test_threads_are_stuck_once_none_of_them_is_free(hang):
    threads = Threads(2)
    assert threads.stuck_seconds() == 0
    threads.submit(hang())
    assert not eventually(lambda: threads.stuck_seconds() > 0, seconds=0.3)
    threads.submit(hang())
    assert eventually(lambda: threads.stuck_seconds() > 0)


def test_threads_that_get_on_are_not_stuck_however_busy(hang):
    over = Event()
    threads = Threads(2)
    threads.submit(job_until(over))
    threads.submit(hang())
    assert eventually(lambda: threads.stuck_seconds() > 0.2)
    over.set()
    assert eventually(lambda: threads.stuck_seconds() == 0)


def test_readyz_of_a_process_that_hangs_is_503(hang, settings, monkeypatch):
    settings.WEB_THREADS = 1
    monkeypatch.setattr(gateway, "STUCK_SECONDS", 0)
    health.probes.cache_clear()

    async def readiness(*, hung: bool) -> tuple[int, bytes]:
        process = Gateway(lambda environ, start: [])
        if hung:
            process._started().submit(hang())
            await asyncio.sleep(0.2)
        told = await process._readiness({"QUERY_STRING": ""})
        return told.status_code, told.content

    assert asyncio.run(readiness(hung=False))[0] == 200
    status, said = asyncio.run(readiness(hung=True))
    assert status == 503
    assert b'"threads": "hung"' in said
