"""The OpenAPI document: valid, quiet, and true of what is answered."""

from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, given, settings
from openapi_spec_validator import validate
from rest_framework.test import APIClient
from schemathesis.specs.openapi import checks

from taggedimages.dialects.sharinpix import tokens
from taggedimages.factories import make_image
from taggedimages.wsgi import application

pytestmark = pytest.mark.django_db
URL = "/api/v1/openapi.json"
CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]


def test_it_is_valid_and_names_every_route(capfd):
    document = APIClient().get(URL).json()
    validate(document)
    assert capfd.readouterr().err == ""
    assert set(document["paths"]) == {
        f"/api/v1/{path}"
        for path in (
            "albums/{album}/images",
            "images",
            "images/{id}",
            "images/{id}/user",
            "search",
            "storage_files/{id}",
            "storages/{storage_id}/storage_files",
            "tag_images",
            "tag_images/{id}",
            "tags",
            "tags/autocomplete",
            "tags/{id}",
            "tags/{id}/public_tags",
            "tags/{tag}/tag_images",
            "tags_token",
            "token",
            "trashed_images",
            "trashed_images/{id}",
        )
    }


@pytest.fixture
def kept_connection():
    """Requests that come by WSGI would close the connection of the test's transaction."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


def test_every_answer_is_as_documented(org, ada, kept_connection):
    make_image("a", by=ada)
    token = tokens.sign({"iss": org.secret_id, "admin": True}, org.secret)
    headers = {"Authorization": f'Token token="{token}"'}
    schema = schemathesis.openapi.from_wsgi(URL, app=application)
    for found in schema.get_all_operations():
        operation: Any = found

        @settings(
            max_examples=15,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.ok().as_strategy())
        def conforms(case):
            case.validate_response(case.call(headers=headers), checks=CHECKS)

        conforms()
