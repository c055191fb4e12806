"""A database or a store that hangs: all threads stay of use, and everything is told of soon."""

import base64
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from taggedimages.factories import make_png
from taggedimages.serving.tests.conftest import Front, running

pytestmark = pytest.mark.django_db(transaction=True)

PNG = {"filename": "a.png", "image_data": base64.b64encode(make_png()).decode()}
# How long a request may take whose database hangs, its wait for a thread included.
SOON = 5


@pytest.fixture(scope="module")
def shared(environment):
    settings = {"TAGGEDIMAGES_WEB_PROCESSES": "1", "TAGGEDIMAGES_S3_READ_SECONDS": "3"}
    with running(environment | settings) as front:
        yield front


def timed(ask) -> tuple[requests.Response, float]:
    began = time.monotonic()
    return ask(), time.monotonic() - began


def statuses(front: Front, count: int = 12) -> list[tuple[int, float]]:
    """What so many readers and writers at once are told, and after how long."""

    def ask(number: int) -> requests.Response:
        if number % 2:
            return front.request("POST", "/v1/tags", json={"name": "knee"})
        return front.get("/v1/images")

    with ThreadPoolExecutor(count) as clients:
        told = list(clients.map(lambda number: timed(lambda: ask(number)), range(count)))
    return [(answer.status_code, seconds) for answer, seconds in told]


def is_well(front: Front, ask) -> bool:
    until = time.monotonic() + 3
    while time.monotonic() < until:
        if ask().ok:
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize("are_kept", [True, False], ids=["kept", "fresh"])
def test_a_hung_database_is_503_soon_and_then_at_once(front, gates, are_kept) -> None:
    if are_kept:
        statuses(front)
    else:
        gates[0].close()
        gates[0].open()
    with gates[0].silent():
        for status, seconds in statuses(front):
            assert status == 503
            assert seconds < SOON
        _, seconds = timed(lambda: front.get("/v1/images"))
        assert seconds < SOON
        _, seconds = timed(lambda: front.get("/v1/images"))
        assert seconds < 1
    assert is_well(front, lambda: front.get("/v1/images"))
    assert {status for status, _ in statuses(front)} <= {200, 201, 409}


@pytest.mark.parametrize("which", [0, 1], ids=["database", "bucket"])
def test_probes_answer_within_a_second_whatever_hangs(front: Front, gates, which) -> None:
    assert front.get("/readyz").status_code == 200
    with gates[which].silent(), ThreadPoolExecutor(8) as clients:
        asked = [clients.submit(timed, lambda: front.get("/readyz")) for _ in range(8)]
        alive, seconds = timed(lambda: front.get("/healthz"))
        assert (alive.status_code, seconds < 1) == (200, True)
        for answer, seconds in (future.result() for future in asked):
            assert (answer.status_code, seconds < 1.5) == (503, True)
            assert "timeout" in answer.json().values()
    assert is_well(front, lambda: front.get("/readyz"))


def test_a_hung_store_leaves_the_others_and_is_told_of(front: Front, gates) -> None:
    def upload() -> requests.Response:
        return front.request("POST", "/v1/upload", json=PNG)

    assert upload().status_code == 201
    with gates[1].silent(), ThreadPoolExecutor(8) as clients:
        uploads = [clients.submit(timed, upload) for _ in range(8)]
        time.sleep(0.2)
        answer, seconds = timed(lambda: front.get("/v1/images"))
        assert (answer.status_code, seconds < 2) == (200, True)
        assert {future.result()[0].status_code for future in uploads} == {503}
        assert max(future.result()[1] for future in uploads) < 8
    assert is_well(front, upload)
