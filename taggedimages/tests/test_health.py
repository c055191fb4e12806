"""/healthz and /readyz, as a load balancer asks them."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

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


def test_readyz_names_a_schema_that_was_not_migrated(api):
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


def test_readyz_names_both(no_database, no_store):
    answer = asked_by_another_process("/readyz")
    assert answer.json()["message"] == "Not ready: database, bucket."
