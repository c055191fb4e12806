"""A primary and two streaming replicas behind two server processes, and what each is good for.

All are real, and are killed and frozen. Callers bring no cookies and come to another process with
every request, as behind a balancer.
"""

import itertools
import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import jwt
import pytest
import requests
from django.conf import settings
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from taggedimages.engines.state import DATABASE
from taggedimages.engines.tests.conftest import eventually
from taggedimages.factories import make_png
from taggedimages.postgresql.replicas import Replica
from taggedimages.tests import clusters
from taggedimages.tests.servers import serving

# Seconds within which everything has an answer.
SOON = 8
LAG_MS = 400
numbers = itertools.count()


@pytest.mark.django_db
def test_what_a_replica_lacked_of_another_history_makes_it_no_later(monkeypatch):
    """The primary was put back to an earlier state, and counts from there again."""
    monkeypatch.setattr(Replica, "lsn_function", "'0/100'::pg_lsn")
    replica, ago = Replica("default"), time.monotonic() - 3600
    assert replica.behind(0x9000, ago) >= 3600
    assert 0 < replica.behind(0x200, time.monotonic()) < 3600
    # It lacks that since then, and what came later no longer.
    assert replica.behind(0x300, time.monotonic()) < 3600


class Service:
    """Two processes on one primary and two replicas."""

    def __init__(self, primary, replicas, environment, urls, credentials):
        self.primary, self.replicas = primary, replicas
        self.environment, self.urls, self.credentials = environment, urls, credentials
        self.turn = itertools.cycle(urls)

    def call(self, method, path, at=None, **options):
        """An answer of one process, of another one each time."""
        url = (at or next(self.turn)) + path
        return requests.request(method, url, timeout=SOON, **options)

    def get(self, path, **options):
        return [self.call("GET", path, at=url, **options) for url in self.urls]

    def create(self, *tags):
        answer = self.call("POST", "/v1/images", json={"filename": "a.png", "tags": tags})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def statuses(self, count):
        return {self.call("GET", "/v1/images?limit=5").status_code for _ in range(count)}

    def reads_from(self, *servers):
        """Whether a listing is read from one of these, by what their connections did last."""
        self.get("/v1/images")
        last = "SELECT query ~ 'images_|tags_|search_' FROM pg_stat_activity WHERE datname = %s"
        return any((True,) in server.sql(last, DATABASE) for server in servers)

    def recovers(self):
        return eventually(lambda: self.reads_from(*self.replicas))

    @contextmanager
    def without(self, *servers, how):
        """These servers killed or frozen, until all is well again."""
        for server in servers:
            getattr(server, "kill" if how == "killed" else "freeze")()
        try:
            yield
        finally:
            for server in servers:
                getattr(server, "start" if how == "killed" else "thaw")()
            assert self.recovers()
            assert eventually(lambda: self.call("POST", "/v1/tags", json=a_tag()).ok)

    @contextmanager
    def late(self, delay, *replicas):
        """These replicas show each commit only so long after it."""
        for replica in replicas:
            replica.configure("recovery_min_apply_delay", delay)
        try:
            yield
        finally:
            for replica in replicas:
                replica.configure("recovery_min_apply_delay", "0")


def manage(environment, *command):
    ran = subprocess.run(
        [sys.executable, "manage.py", *command],
        env=environment,
        cwd=settings.BASE_DIR,
        check=True,
        stdout=subprocess.PIPE,
    )
    return ran.stdout


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clusters")
    started = [clusters.primary(folder / "primary")]
    try:
        environment = os.environ | {
            "DATABASE_URL": started[0].url,
            "TAGGEDIMAGES_DATABASE_CONNECT_SECONDS": "1",
            "TAGGEDIMAGES_STATEMENT_TIMEOUT_MS": "1000",
            "TAGGEDIMAGES_REPLICA_LAG_MS": str(LAG_MS),
        }
        manage(environment, "migrate", "-v0")
        credentials = json.loads(manage(environment, "credentials", "mira", "--project", "clinic"))
        for name in ("near", "far"):
            started.append(clusters.replica(started[0], folder / name))
            started[-1].configure("wal_retrieve_retry_interval", "100ms")
        environment["DATABASE_REPLICA_URLS"] = ",".join(replica.url for replica in started[1:])
        with serving(environment, count=2) as urls:
            yield Service(started[0], started[1:], environment, urls, credentials)
    finally:
        for server in started:
            server.kill()


@pytest.fixture(params=["killed", "frozen"])
def how(request):
    return request.param


def a_tag():
    return {"name": f"tag-{next(numbers)}"}


class TestReadYourWrites:
    def test_reads_come_from_replicas(self, service):
        assert eventually(lambda: service.reads_from(service.replicas[0]))
        assert eventually(lambda: service.reads_from(service.replicas[1]))

    @pytest.mark.parametrize("delay", ["0", "150ms", "1h"])
    def test_every_process_shows_what_one_was_told(self, service, delay):
        """With replicas that are quick, behind within the bound, and hopelessly late."""
        with service.late(delay, *service.replicas):
            for _ in range(3):
                tag = f"tag-{next(numbers)}"
                image = f"/v1/images/{service.create(tag)['id']}"
                for found in service.get(f"/v1/search/images?exact_tags={tag}"):
                    assert found.json()["meta"]["total_results"] == 1
                assert service.call("PUT", image, json={"tags": ["other"]}).ok
                for shown in service.get(image):
                    assert [tag["name"] for tag in shown.json()["tags"]] == ["other"]
                assert service.call("DELETE", image).status_code == 204
                assert {gone.status_code for gone in service.get(image)} == {404}

    def test_one_late_replica_leaves_reads_to_the_other(self, service):
        near, far = service.replicas
        with service.late("1h", far):
            service.create()
            assert eventually(lambda: service.reads_from(near))
            assert all(shown.ok for shown in service.get(f"/v1/images/{service.create()['id']}"))

    def test_a_read_that_finds_the_file_is_a_write(self, service):
        with service.late("150ms", *service.replicas):
            created = service.create()
            assert requests.put(created["upload_url"], data=make_png(), timeout=SOON).ok
            record = f"/v1/images/{created['id']}"
            assert service.call("GET", record).json()["uploaded_timestamp"]
            assert all(shown.json()["uploaded_timestamp"] for shown in service.get(record))

    @given(st.lists(st.sampled_from(["write", "stop", "go"]), min_size=3, max_size=8))
    @examples(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_however_replaying_stops_and_goes_on(self, service, steps):
        replica = service.replicas[0]
        for step in [*steps, "write", "go"]:
            match step:
                case "write":
                    record = f"/v1/images/{service.create()['id']}"
                    assert [shown.status_code for shown in service.get(record)] == [200, 200]
                case "stop":
                    replica.sql("SELECT pg_wal_replay_pause()")
                case "go":
                    replica.sql("SELECT pg_wal_replay_resume()")


@pytest.fixture(scope="module")
def doors(service):
    """What is read and written through each API: path, headers, body."""
    mine = service.credentials
    token = jwt.encode({"iss": mine["secret_id"], "admin": True}, mine["secret"], "HS256")
    atmosphere = {"Authorization": f"TOKEN {mine['token']}"}
    sharinpix = {"Authorization": f'Token token="{token}"'}
    bearer = {"Authorization": f"Bearer {mine['token']}"}
    ims = {"X-Auth-Token": mine["token"]}
    body = {"filename": "a.png", "tags": ["knee"]}
    made = service.call("POST", "/v1/images", json=body, headers=bearer).json()
    uuid = service.call("GET", f"/api/v2/images/{made['id']}", headers=atmosphere).json()["uuid"]
    reads = [
        (f"/v1/images/{made['id']}", bearer),
        ("/v1/search/images?exact_tags=knee", bearer),
        ("/v1/tags?limit=3", bearer),
        (f"/v1/images/{made['id']}/similar", bearer),
        ("/api/v2/images?tag_name=knee", atmosphere),
        ("/api/v1/search?q=a", sharinpix),
        (f"/api/v1/images/{uuid}", sharinpix),
        (f"/v2/images/{uuid}", ims),
        ("/v2/clinic/images/tags", ims),
    ]
    writes = [
        ("/v1/tags", bearer, {"name": "elbow"}),
        ("/api/v2/tags", atmosphere, {"name": "elbow", "description": ""}),
        ("/api/v1/tags", sharinpix, {"name": "elbow"}),
        (f"/v2/clinic/images/{uuid}/tags", ims, {"tag": {"key": "elbow"}}),
    ]
    return reads, writes


class TestPrimaryAway:
    """Reads go on, through every door; writes are refused until it is back."""

    def test_reads_go_on_and_writes_wait(self, service, doors, how):
        reads, writes = doors
        with service.without(service.primary, how=how):
            for path, headers in reads:
                answers = service.get(path, headers=headers)
                assert {answer.status_code for answer in answers} == {200}, path
            for path, headers, body in writes:
                refused = service.call("POST", path, headers=headers, json=body)
                assert (refused.status_code, refused.headers["Retry-After"]) == (503, "2"), path
            ready = service.call("GET", "/readyz")
            assert (ready.status_code, ready.json()["database"]) == (200, "read-only")

    def test_expensive_searches_are_counted_no_longer(self, service, how):
        limits = {"TAGGEDIMAGES_ANONYMOUS": "read-only", "TAGGEDIMAGES_RATE_SEARCHES": "2"}

        def search():
            return requests.get(f"{url}/v1/images?facets=tags", timeout=SOON).status_code

        with serving(service.environment | limits) as [url]:
            assert eventually(lambda: search() == 429)
            with service.without(service.primary, how=how):
                assert [search() for _ in range(4)] == [200] * 4
            # Counts are not logged: those of a server that was killed are forgotten.
            assert eventually(lambda: search() == 429)

    def test_an_upload_that_cannot_be_noted_is_shown_as_awaited(self, service):
        created = service.create()
        requests.put(created["upload_url"], data=make_png(), timeout=SOON)
        record = f"/v1/images/{created['id']}"
        with service.without(service.primary, how="killed"):
            shown = service.call("GET", record)
            assert (shown.status_code, shown.json()["uploaded_timestamp"]) == (200, None)
        assert service.call("GET", record).json()["uploaded_timestamp"]


class TestReplicasAway:
    def test_nobody_notices(self, service, how):
        near, far = service.replicas
        with service.without(near, how=how):
            assert service.statuses(8) == {200}
        with service.without(near, far, how=how):
            assert service.statuses(8) == {200}
            assert service.create()["id"]
            assert service.statuses(8) == {200}

    def test_a_read_that_is_cut_off_is_read_elsewhere(self, service):
        """Replicas end the connections of whoever reads, again and again."""
        done = threading.Event()

        def cut():
            others = "datname = 'taggedimages' AND pid <> pg_backend_pid()"
            statement = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"
            with ExitStack() as stack:
                opened = [stack.enter_context(replica.cursor()) for replica in service.replicas]
                while not done.wait(0.002):
                    for cursor in opened:
                        cursor.execute(statement)

        with ThreadPoolExecutor(1) as pool:
            cutting = pool.submit(cut)
            try:
                assert service.statuses(40) == {200}
            finally:
                done.set()
                cutting.result()
        assert service.recovers()

    def test_writes_that_are_held_for_a_synchronous_replica_which_is_gone_are_told(self, service):
        service.primary.configure("synchronous_standby_names", "nobody")
        try:
            assert service.call("POST", "/v1/tags", json=a_tag()).status_code == 503
            assert eventually(
                lambda: {a.json()["database"] for a in service.get("/readyz")} == {"read-only"}
            )
            assert service.call("GET", "/readyz?writes").status_code == 503
            assert service.statuses(4) == {200}
            ran = subprocess.run(
                [sys.executable, "manage.py", "doctor", "--only", "replication", "--json"],
                env=service.environment,
                cwd=settings.BASE_DIR,
                stdout=subprocess.PIPE,
                text=True,
            )
            assert ran.returncode == 1
            assert "synchronous_standby_names" in json.loads(ran.stdout.splitlines()[0])["do"]
        finally:
            service.primary.configure("synchronous_standby_names", "")
        assert eventually(lambda: service.call("GET", "/readyz").json()["database"] == "ok")

    def test_where_all_are_away_it_is_told(self, service):
        nowhere = service.primary.url.replace(str(service.primary.state.postgres_port), "1")
        environment = service.environment | {
            "DATABASE_URL": nowhere,
            "DATABASE_REPLICA_URLS": f"{nowhere},{nowhere}",
        }
        with serving(environment) as [url]:
            answer = service.call("GET", "/v1/images", at=url)
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
            assert service.call("GET", "/readyz", at=url).status_code == 503
