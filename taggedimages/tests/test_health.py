"""/healthz and /readyz, as a load balancer asks them."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone
from rest_framework.test import APIClient

from taggedimages.doctor.models import Heartbeat
from taggedimages.http import health
from taggedimages.tests.store_proxy import proxied

pytestmark = pytest.mark.django_db

NOWHERE = "http://127.0.0.1:1"


def asked_by_another_process(address: str) -> Any:
    """The answer over a connection of its own, as a fresh process would make it."""

    def ask() -> Any:
        try:
            return APIClient(raise_request_exception=False).get(address)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(ask).result()


@pytest.fixture(autouse=True)
def nothing_is_remembered() -> None:
    """Whether the bucket takes what is written is asked now and then only."""
    health.probes.cache_clear()


def heartbeat(seconds_ago: float, *, ended: bool = False) -> None:
    """A worker that was last heard of so long ago."""
    at = timezone.now() - timedelta(seconds=seconds_ago)
    Heartbeat.objects.create(
        id=uuid.uuid4(),
        host="here",
        pid=7,
        started_at=at,
        beat_at=at,
        round_began_at=at,
        ended_at=at if ended else None,
    )


@pytest.fixture
def no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "PORT", "1")
    monkeypatch.setitem(connection.settings_dict, "HOST", "127.0.0.1")


@pytest.fixture
def no_store(settings):
    settings.S3_ENDPOINT_URL = NOWHERE
    return


def test_healthz_is_200_once_requests_can_be_served(api):
    answer = api.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_healthz_needs_neither_database_nor_store(no_database, no_store):
    assert asked_by_another_process("/healthz").status_code == 200


@pytest.mark.parametrize("address", ["/healthz", "/readyz"])
def test_a_probe_needs_no_known_host_and_is_not_redirected(api, settings, address):
    settings.SECURE_SSL_REDIRECT = True
    assert api.get(address, HTTP_HOST="10.0.0.7:8000").status_code == 200


def test_readyz_checks_database_and_bucket(api):
    answer = api.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "database": "ok", "bucket": "ok"}


def test_readyz_names_a_database_that_is_away(no_database):
    answer = asked_by_another_process("/readyz")
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert answer.json() == {
        "code": 503,
        "message": "Not ready: database.",
        "status": "unavailable",
        "database": "OperationalError",
        "bucket": "ok",
    }


def test_readyz_names_tables_that_are_not_there(api):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE images_image RENAME TO elsewhere")
    assert api.get("/readyz").json()["message"] == "Not ready: database."


def test_readyz_names_a_store_that_is_away(api, no_store):
    answer = api.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "code": 503,
        "message": "Not ready: bucket.",
        "status": "unavailable",
        "database": "ok",
        "bucket": "StorageUnavailable",
    }


def test_readyz_names_a_bucket_that_is_missing(api, settings):
    settings.S3_BUCKET = "no-such-bucket"
    assert api.get("/readyz").json()["message"] == "Not ready: bucket."


def test_readyz_of_a_full_disk_says_that_reads_go_on(api, settings, tmp_path):
    settings.DATABASE_IS_EMBEDDED, settings.DATA_FOLDER = True, tmp_path
    settings.MIN_FREE_BYTES = 2**60
    answer = api.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "degraded",
        "database": "ok",
        "bucket": "ok",
        "disk": "full",
    }


def test_readyz_is_503_to_whoever_asks_for_writes_while_these_fail(api, settings, tmp_path):
    assert api.get("/readyz?writes").status_code == 200
    settings.DATABASE_IS_EMBEDDED, settings.DATA_FOLDER = True, tmp_path
    settings.MIN_FREE_BYTES = 2**60
    answer = api.get("/readyz?writes")
    assert (answer.status_code, answer.json()["message"]) == (503, "Not ready: disk.")


def test_readyz_tells_of_a_database_that_takes_no_writes(api, monkeypatch):
    options = connection.settings_dict["OPTIONS"]
    # As managed servers do to themselves when their disk is full.
    read_only = f"{options['options']} -c default_transaction_read_only=on"
    monkeypatch.setitem(options, "options", read_only)
    answer = api.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "degraded", "database": "read-only", "bucket": "ok"}


@pytest.mark.parametrize("status", [403, 507])
def test_readyz_tells_of_a_bucket_that_takes_no_writes(api, settings, status):
    with proxied(settings.S3_ENDPOINT_URL, refused={"PUT": status}) as address:
        settings.S3_ENDPOINT_URL = address
        answer = api.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "degraded", "database": "ok", "bucket": "read-only"}


@pytest.mark.django_db(transaction=True)
class TestWorkers:
    """A worker that was there is missed; one that never was is the doctor's to tell."""

    def test_where_none_ever_ran_readyz_says_nothing(self, api):
        assert "worker" not in api.get("/readyz").json()

    @pytest.mark.parametrize("seconds", [0, 50])
    def test_one_that_was_heard_of_lately_is_well(self, api, seconds):
        heartbeat(seconds)
        assert "worker" not in api.get("/readyz").json()

    def test_one_that_is_heard_of_no_more_is_missed(self, api):
        heartbeat(70)
        answer = api.get("/readyz")
        assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
        assert answer.json()["worker"] == "away"

    def test_one_that_ended_is_missed_until_another_runs(self, api):
        heartbeat(5, ended=True)
        assert api.get("/readyz").json()["worker"] == "away"
        heartbeat(5)
        assert "worker" not in api.get("/readyz").json()


def test_readyz_names_both(no_database, no_store):
    answer = asked_by_another_process("/readyz")
    assert answer.json()["message"] == "Not ready: database, bucket."


@pytest.mark.django_db(transaction=True)
def test_readyz_names_migrations_that_were_not_applied(api):
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied("tags", "0030_redaction")
    try:
        answer = api.get("/readyz")
    finally:
        recorder.record_applied("tags", "0030_redaction")
    assert answer.status_code == 503
    assert answer.json()["database"] == "MigrationsPending"
