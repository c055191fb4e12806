"""How the web front ends: told to, with clients amid everything that they do."""

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
import requests
from django.db import connection, transaction

from images.models import Image
from taggedimages.factories import make_image
from taggedimages.http import stopping
from taggedimages.serving.tests.conftest import Front, read_all, running
from taggedimages.serving.tests.test_clients import eventually, make_many, request
from tags.models import Tag

pytestmark = pytest.mark.django_db(transaction=True)

STOP_SECONDS = 6
SHORT = {"TAGGEDIMAGES_WEB_PROCESSES": "2", "TAGGEDIMAGES_STOP_SECONDS": str(STOP_SECONDS)}
# More than all buffers on the way hold.
MANY = 20_000


@pytest.fixture
def front(environment) -> Iterator[Front]:
    """One that may be ended."""
    with running(environment | SHORT) as front:
        yield front
        while front.kept:
            front.kept.pop().close()


def is_refused(front: Front) -> bool:
    """Whether nobody listens any more."""
    with socket.socket() as peer:
        return peer.connect_ex(("127.0.0.1", front.port)) != 0


def test_whatever_is_under_way_is_answered_and_nothing_else_is_taken(front: Front) -> None:
    images = [make_image("knee") for _ in range(20)]
    idle = front.connect(request("GET /healthz"))
    assert idle.recv(1000).endswith(b"}")
    body = json.dumps({"name": "elbow"}).encode()
    half = front.connect(
        request("POST /v1/tags", "Content-Type: application/json", f"Content-Length: {len(body)}")
        + body[:5]
    )
    with ThreadPoolExecutor(20) as clients:
        with transaction.atomic():
            list(Image.objects.select_for_update())
            # More than there are threads: most wait for one.
            deleting = [
                clients.submit(front.request, "DELETE", f"/v1/images/{image.pk}")
                for image in images
            ]
            time.sleep(1)
            front.process.terminate()
            assert eventually(lambda: is_refused(front))
            half.sendall(body[5:])
        assert [each.result().status_code for each in deleting] == [204] * 20
    assert read_all(half).startswith(b"HTTP/1.1 201 ")
    assert read_all(idle) == b""
    assert front.process.wait(20) == 0
    assert Tag.objects.filter(name="elbow").exists()


def test_nothing_is_done_that_is_not_answered(front: Front) -> None:
    def write(writer: int) -> set[str]:
        """Tags one after the other over one connection until there is no answer; those made."""
        made: set[str] = set()
        with requests.Session() as kept, suppress(requests.ConnectionError):
            while True:
                name = f"{writer} {len(made)}"
                answer = kept.post(f"{front.url}/v1/tags", json={"name": name}, timeout=20)
                assert answer.status_code == 201
                assert answer.json()["name"] == name
                made.add(name)
        return made

    with ThreadPoolExecutor(12) as writers:
        writing = [writers.submit(write, number) for number in range(12)]
        time.sleep(1.5)
        front.process.terminate()
        answered = set().union(*(each.result() for each in writing))
    assert front.process.wait(20) == 0
    assert set(Tag.objects.values_list("name", flat=True)) == answered


def test_a_list_that_takes_longer_says_that_it_is_not_all(front: Front) -> None:
    make_many(MANY)
    # As it is soon after: until then the first statement takes long, on a busy machine too long.
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE images_image, search_unindexed")
    reader = front.connect(request("GET /v1/images", "Accept: application/x-ndjson"))
    began = reader.recv(2000)
    assert began.startswith(b"HTTP/1.1 200 ")
    front.process.terminate()
    # It is sent to somebody who does not read on until lists have to end.
    time.sleep(STOP_SECONDS * stopping.MAKING + 0.5)
    lines = [line for line in (began + read_all(reader)).splitlines() if line.startswith(b"{")]
    assert len(lines) < MANY
    assert json.loads(lines[-1])["code"] == 503
    assert front.process.wait(20) == 0


def test_balancers_are_told_first_and_what_comes_meanwhile_is_answered(environment) -> None:
    with running(environment | SHORT | {"TAGGEDIMAGES_DRAIN_SECONDS": "3"}) as front:
        kept = front.connect(request("GET /healthz"))
        assert kept.recv(1000).endswith(b"}")
        front.process.terminate()
        assert eventually(lambda: front.get("/readyz").status_code == 503)
        assert front.get("/readyz").json()["status"] == "stopping"
        assert front.get("/healthz").status_code == 200
        answer = front.request("POST", "/v1/tags", json={"name": "knee"})
        assert answer.status_code == 201
        assert answer.headers["Connection"] == "close"
        kept.sendall(request("GET /v1/tags"))
        assert b'"knee"' in read_all(kept)
        assert front.process.wait(20) == 0
        front.kept.pop().close()
