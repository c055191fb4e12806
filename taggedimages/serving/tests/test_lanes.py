"""Which requests share a lane, and what the threads do of it."""

from threading import Event

import pytest

from taggedimages.serving.lanes import LANES, Lane, lane_of
from taggedimages.serving.threads import Job, Threads

HEAVY = next(lane for lane in LANES if lane.name == "heavy")
STORE = next(lane for lane in LANES if lane.name == "store")
# Longer than a thread takes to start what it may run.
SHORTLY, SOON = 0.3, 5


@pytest.mark.parametrize(
    ("method", "path", "query", "accept", "name"),
    [
        ("POST", "/v3/auth/tokens", "", "", "login"),
        ("POST", "/admin/login/", "", "", "login"),
        ("GET", "/admin/login/", "", "", None),
        ("GET", "/api/v2/image_tags", "page=2", "", "heavy"),
        ("GET", "/current/api/v2/image_tags/", "", "", "heavy"),
        ("GET", "/api/v2/image_tags/7", "", "", None),
        ("POST", "/api/v2/image_tags", "", "", None),
        ("POST", "/v1/upload", "", "", "store"),
        ("POST", "/v1/images/7/complete", "", "", "store"),
        ("GET", "/v1/images", "", "application/x-ndjson", "stream"),
        ("GET", "/v1/images", "", "Application/JSONL", "stream"),
        ("GET", "/v1/images", "", "text/html, application/jsonlines;q=0.9", "stream"),
        ("GET", "/v1/images.ndjson", "", "*/*", "stream"),
        ("GET", "/v1/search/images.ndjson/", "exact_tags=a", "", "stream"),
        ("GET", "/v1/search/images", "exact_tags=a", "", "search"),
        ("GET", "/v1/images", "limit=10&match_tags=a%25", "", "search"),
        ("GET", "/v1/images", "limit=10", "*/*", None),
        ("PUT", "/v1/images/7", "", "", None),
    ],
)
def test_a_request_is_of_the_first_lane_that_it_fits(method, path, query, accept, name) -> None:
    lane = lane_of(method, path, query, accept)
    assert (lane.name if lane else None) == name


class Held:
    """A job that goes on until it is let go."""

    def __init__(self, threads: Threads, lane: Lane | None) -> None:
        self.started, self.release, self.refused = Event(), Event(), Event()
        threads.submit(Job(self._run, self.refused.set, lane))

    def _run(self) -> None:
        self.started.set()
        self.release.wait()


def test_a_lane_runs_few_and_leaves_threads_to_the_others() -> None:
    threads = Threads(2)
    heavy = [Held(threads, HEAVY) for _ in range(3)]
    store = Held(threads, STORE)
    assert heavy[0].started.wait(SOON)
    # All lanes together leave one thread.
    assert not heavy[1].started.wait(SHORTLY)
    assert not store.started.is_set()
    other = Held(threads, None)
    assert other.started.wait(SOON)
    other.release.set()
    for one, following in zip(heavy, [*heavy[1:], store], strict=True):
        one.release.set()
        assert following.started.wait(SOON)
    store.release.set()


def test_what_has_waited_for_too_long_is_refused_and_never_run() -> None:
    threads = Threads(1)
    first, second = Held(threads, None), Held(threads, None)
    assert first.started.wait(SOON)
    threads.expire(60)
    assert not second.refused.is_set()
    threads.expire(0)
    assert second.refused.is_set()
    first.release.set()
    third = Held(threads, None)
    third.release.set()
    assert third.started.wait(SOON)
    assert not second.started.is_set()
    assert not first.refused.is_set()


def test_a_thread_outlives_what_fails_in_it() -> None:
    threads = Threads(1)

    def fail() -> None:
        raise SystemExit

    threads.submit(Job(fail, lambda: None, HEAVY))
    after = Held(threads, HEAVY)
    after.release.set()
    assert after.started.wait(SOON)
