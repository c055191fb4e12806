"""The database or the store away: 503 in each door's shape, soon; and all well again by itself.

A real server process and a real worker, with gates before their dependencies.
"""

import base64
import subprocess
import sys
import time
from urllib.parse import urlsplit

import pytest
import requests
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection

from images import storage, uploads
from images.models import Image
from taggedimages.factories import TESTS, make_credentials, make_pending, make_png
from taggedimages.tests.gates import Gate
from taggedimages.tests.servers import reaching, serving

pytestmark = pytest.mark.django_db(transaction=True)

# Seconds within which everything has an answer.
SOON = 8
PNG = {"filename": "a.png", "image_data": base64.b64encode(make_png()).decode()}


@pytest.fixture(scope="module")
def gates():
    database = settings.DATABASES["default"]
    store = urlsplit(settings.S3_ENDPOINT_URL)
    both = (
        Gate(database["HOST"], int(database["PORT"])),
        Gate(store.hostname or "", store.port or 80),
    )
    yield both
    for gate in both:
        gate.close()


@pytest.fixture
def database(gates, server):
    gates[0].open()
    assert is_well(lambda: call(server, "/v1/tags"))
    return gates[0]


@pytest.fixture
def store(gates):
    gates[1].open()
    return gates[1]


@pytest.fixture(scope="module")
def environment(gates, django_db_setup):
    """What a process needs to reach database and store through the gates."""
    return reaching(gates[0].port, gates[1].port) | {
        "TAGGEDIMAGES_ANONYMOUS": "open",
        "TAGGEDIMAGES_HTTPS": "false",
        "TAGGEDIMAGES_SERVES_REQUESTS": "false",
        "TAGGEDIMAGES_SWEEP_SECONDS": "0.1",
        "TAGGEDIMAGES_S3_CONNECT_SECONDS": "1",
        "TAGGEDIMAGES_S3_READ_SECONDS": "2",
        "TAGGEDIMAGES_DATABASE_CONNECT_SECONDS": "1",
    }


@pytest.fixture(scope="module")
def server(environment):
    """The base URL of a server process."""
    with serving(environment) as [url]:
        yield url


def call(server, path, method="GET", **options):
    """An answer within the time that callers are promised."""
    return requests.request(method, server + path, timeout=SOON, allow_redirects=False, **options)


def is_well(ask):
    """Whether all is well within seconds: who waited in vain has told others not to try at once."""
    until = time.monotonic() + 3
    while not (answer := ask()).ok:
        if time.monotonic() > until:
            return None
        time.sleep(0.1)
    return answer


def v1(message):
    return {"code": 503, "message": message}


DATABASE_AWAY = v1("The database is unavailable.")
STORE_AWAY = v1("The object store is unavailable.")


@pytest.fixture(params=["closed", "silent"])
def how(request):
    return request.param


class TestDatabaseAway:
    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("GET", "/v1/images", None),
            ("POST", "/v1/tags", {"name": "knee"}),
        ],
    )
    def test_v1_says_so_and_recovers(self, server, database, how, method, path, body):
        assert call(server, path, method, json=body).ok
        with getattr(database, how)():
            answer = call(server, path, method, json=body)
        assert answer.status_code == 503
        assert answer.json() == DATABASE_AWAY
        assert answer.headers["Retry-After"] == "2"
        assert is_well(lambda: call(server, path, method, json=body))

    def test_while_authenticating(self, server, database, how):
        headers = {"Authorization": f"Bearer {make_credentials().token}"}
        with getattr(database, how)():
            answer = call(server, "/v1/tags", headers=headers)
        assert (answer.status_code, answer.json()) == (503, DATABASE_AWAY)
        assert is_well(lambda: call(server, "/v1/tags", headers=headers))

    def test_in_middleware_and_the_admin(self, server, database, how):
        session = SessionStore()
        session["_auth_user_id"] = "1"
        session.save()
        cookies = {"sessionid": session.session_key}
        with getattr(database, how)():
            answer = call(server, "/admin/", cookies=cookies)
        assert (answer.status_code, answer.json()) == (503, DATABASE_AWAY)
        assert answer.headers["Retry-After"] == "2"
        assert is_well(lambda: call(server, "/admin/", cookies=cookies)).status_code == 302

    def test_a_connection_that_the_server_ended_is_made_anew(self, server, database):
        assert call(server, "/v1/tags").ok
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        assert call(server, "/v1/tags").ok

    def test_health_is_told_from_readiness(self, server, database, how):
        with getattr(database, how)():
            assert call(server, "/healthz").status_code == 200
            assert call(server, "/readyz").status_code == 503
        assert is_well(lambda: call(server, "/readyz"))


class TestStoreAway:
    def test_an_upload_is_refused_and_leaves_no_record(self, server, store, how):
        with getattr(store, how)():
            answer = call(server, "/v1/upload", "POST", json=PNG)
        assert (answer.status_code, answer.json()) == (503, STORE_AWAY)
        assert answer.headers["Retry-After"] == "2"
        assert not Image.objects.exists()
        assert is_well(lambda: call(server, "/v1/upload", "POST", json=PNG)).status_code == 201

    def test_an_upload_in_parts_is_refused_and_leaves_no_record(self, server, store, how):
        body = {"filename": "a.tiff", "size": 9, "parts": 1}
        with getattr(store, how)():
            answer = call(server, "/v1/images", "POST", json=body)
        assert (answer.status_code, answer.json()) == (503, STORE_AWAY)
        assert not Image.objects.exists()

    def test_a_completion_can_be_repeated(self, server, store, how):
        image = make_pending()
        storage.put(image.key, b"bytes")
        with getattr(store, how)():
            answer = call(server, f"/v1/images/{image.pk}/complete", "POST")
        assert (answer.status_code, answer.json()) == (503, STORE_AWAY)
        assert is_well(lambda: call(server, f"/v1/images/{image.pk}/complete", "POST"))

    def test_what_needs_no_store_goes_on(self, server, store, how):
        image = make_pending()
        with getattr(store, how)():
            assert call(server, "/v1/images").status_code == 200
            assert call(server, f"/v1/images/{image.pk}").status_code == 200
            created = call(server, "/v1/images", "POST", json={"filename": "a.png"})
            assert created.status_code == 201
            assert call(server, f"/v1/images/{image.pk}", "DELETE").status_code == 204


class TestWorker:
    """Waits for what is away and goes on by itself."""

    @pytest.fixture
    def worker(self, environment, gates):
        """Starts a worker; it is ended with the test."""
        processes = []

        def start():
            processes.append(
                subprocess.Popen(
                    [sys.executable, "manage.py", "work"],
                    env=environment
                    | {"TAGGEDIMAGES_S3_READ_SECONDS": "1", "TAGGEDIMAGES_S3_TRIES": "1"},
                    cwd=settings.BASE_DIR,
                    stderr=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    text=True,
                )
            )
            return processes[0]

        yield start
        for process in processes:
            process.terminate()
            process.communicate(timeout=30)
            assert process.returncode == 0

    def upload(self):
        """A file that has arrived and that nobody has told of."""
        image = uploads.begin("a.png", None, TESTS)
        storage.put(image.key, b"bytes")
        return image

    def is_taken(self, image, within=20):
        until = time.monotonic() + within
        while time.monotonic() < until:
            if Image.objects.uploaded().filter(pk=image.pk).exists():
                return True
            time.sleep(0.1)
        return False

    @pytest.mark.parametrize(
        ("which", "complaint"), [(0, "The database failed"), (1, "The object store failed")]
    )
    def test_goes_on_when_what_it_needs_is_back(self, worker, gates, which, complaint):
        image = self.upload()
        gates[which].close()
        process = worker()
        assert complaint in process.stderr.readline()
        gates[which].open()
        assert self.is_taken(image)
