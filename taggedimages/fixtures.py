"""Fixtures that every app's tests share; pytest.ini loads it."""

from collections.abc import Callable

import pytest
from django.db import connection
from rest_framework.test import APIClient

from taggedimages.identity.credentials import CredentialSet


@pytest.fixture
def api() -> APIClient:
    """An anonymous client that sends JSON and gets answers, not exceptions."""
    client = APIClient(raise_request_exception=False)
    client.default_format = "json"
    return client


@pytest.fixture
def api_as() -> Callable[[CredentialSet], APIClient]:
    """Makes clients of /v1 with somebody's Bearer token."""

    def make(credentials: CredentialSet) -> APIClient:
        client = APIClient(
            raise_request_exception=False, HTTP_AUTHORIZATION=f"Bearer {credentials.token}"
        )
        client.default_format = "json"
        return client

    return make


@pytest.fixture
def may_truncate(transactional_db: None) -> None:
    """Lets a test that commits empty the tables afterwards, which the ledger's refuse."""
    with connection.cursor() as cursor:
        cursor.execute("SET taggedimages.may_truncate = 'on'")
