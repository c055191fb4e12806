"""The OpenAPI documents of both mounts: valid, complete, and true of the service."""

from contextlib import redirect_stderr
from io import StringIO

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, settings
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from taggedimages.factories import make_credentials, make_image, make_user
from taggedimages.http.docs import forget, schema_of
from taggedimages.wsgi import application

MOUNTS = ("api/v2/", "current/api/v2/")
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)


@pytest.mark.parametrize("mount", MOUNTS)
def test_the_document_is_valid_and_made_without_a_warning(mount, api):
    forget()
    with redirect_stderr(StringIO()) as warnings:
        document = schema_of(f"/{mount}")
    assert warnings.getvalue() == ""
    OpenAPIV31SpecValidator(document).validate()
    served = api.get(f"/{mount}openapi.json").json()
    assert served == document | {"servers": [{"url": "http://testserver"}]}


@pytest.mark.parametrize("mount", MOUNTS)
def test_every_operation_is_in_the_document(mount):
    paths = schema_of(f"/{mount}")["paths"]
    assert {path: sorted(operations) for path, operations in paths.items()} == {
        f"/{mount}images": ["get"],
        f"/{mount}images/{{id}}": ["get", "patch", "put"],
        f"/{mount}image_tags": ["get", "post"],
        f"/{mount}image_tags/{{id}}": ["delete", "get"],
        f"/{mount}tags": ["get", "post"],
        f"/{mount}tags/{{id}}": ["delete", "get", "patch", "put"],
        f"/{mount}image_versions": ["get"],
        f"/{mount}image_versions/{{id}}": ["get"],
        f"/{mount}version": ["get"],
        f"/{mount}tokens/{{key}}": ["get"],
    }


@pytest.fixture
def headers(db):
    """The login of staff, who may do everything, and something to find."""
    # As Django's own test client does: a request must not end the test's transaction.
    request_started.disconnect(close_old_connections)
    request_finished.disconnect(close_old_connections)
    make_image("knee", by=make_user("ann"))
    yield {"Authorization": f"TOKEN {make_credentials('boss', staff=True).token}"}
    request_started.connect(close_old_connections)
    request_finished.connect(close_old_connections)


SEED, DEPLOYED = (
    schemathesis.openapi.from_wsgi(f"/{mount}openapi.json", application)
    for mount in ("api/v2/", "current/api/v2/")
)
FUZZED = settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)


@SEED.parametrize()
@FUZZED
def test_answers_of_the_seed_mount_are_as_documented(case, headers):
    case.call_and_validate(headers=headers, checks=CHECKS)


@DEPLOYED.parametrize()
@FUZZED
def test_answers_of_the_deployed_mount_are_as_documented(case, headers):
    case.call_and_validate(headers=headers, checks=CHECKS)
