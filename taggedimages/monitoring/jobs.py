"""What the worker does, counted, timed and told: a line for each job where lines are asked for
(settings.LOG_REQUESTS), with the id of the request that brought it about."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from taggedimages.monitoring import request_ids, series

logger = logging.getLogger("taggedimages.jobs")

DONE, FAILED = "done", "failed"


@contextmanager
def job(name: str, request_id: str | None = None, **about: object) -> Iterator[None]:
    """One job, such as `inspect`; `about` says of what, by plain values."""
    began = time.perf_counter()
    outcome = FAILED
    with request_ids.within(request_id or request_ids.current()):
        try:
            yield
            outcome = DONE
        finally:
            tell(name, outcome, time.perf_counter() - began, **about)


def timed(name: str, work: Callable[[], int]) -> int:
    """Do some work; a job if there was any to be done."""
    began = time.perf_counter()
    done = work()
    if done:
        tell(name, DONE, time.perf_counter() - began, count=done)
    return done


def tell(name: str, outcome: str, seconds: float, **about: object) -> None:
    """Count a job that has ended, and write its line."""
    series.JOBS.labels(name, outcome).inc()
    series.JOB_SECONDS.labels(name).observe(seconds)
    if logger.isEnabledFor(logging.INFO):
        fields = {"job": name, "outcome": outcome, "ms": round(seconds * 1000, 1), **about}
        words = " ".join(f"{field} {value}" for field, value in about.items())
        message = f"{name} {words} {outcome} {fields['ms']} ms"
        logger.info("%s", message, extra={"about": fields})
