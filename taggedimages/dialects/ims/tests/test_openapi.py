"""The OpenAPI document of IMS: valid, without warnings, and what the service really does."""

import re

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from drf_spectacular.drainage import GENERATOR_STATS
from hypothesis import HealthCheck, settings
from openapi_spec_validator import validate

from taggedimages.dialects.ims import urls
from taggedimages.dialects.ims.patches import V20, V21
from taggedimages.factories import make_credentials, make_image
from taggedimages.http.docs import forget, schema_of
from taggedimages.identity.models import User


def test_the_document_is_served(ims):
    response = ims.get("/v2/openapi.json")
    assert response.status_code == 200
    assert response.json() == schema_of("/v2/") | {"servers": [{"url": "http://testserver"}]}


def test_it_is_valid_and_free_of_warnings():
    GENERATOR_STATS.reset()
    forget()
    validate(schema_of("/v2/"))
    assert not GENERATOR_STATS._warn_cache
    assert not GENERATOR_STATS._error_cache


def test_it_has_every_route():
    routes = {
        "/" + re.sub(r"<\w+:(\w+)>", r"{\1}", str(route.pattern)) for route in urls.urlpatterns
    }
    assert routes - {"/", "/v2/", "/v3/", "/v2/openapi.json"} == set(schema_of("/v2/")["paths"])


schema = schemathesis.openapi.from_wsgi("/v2/openapi.json", get_wsgi_application())
for media_type in (V20, V21):
    schemathesis.serializer.alias(media_type, "application/json")
# Not among them: that what the document does not allow is refused. An empty parameter counts as
# absent here, and bodies are read whatever their content type.
CHECKS = schemathesis.checks.CHECKS.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
        "response_headers_conformance",
    ]
)


@pytest.fixture
def token():
    """The token of a user of `lab`, whose project has images.

    Requests must not end the connection: they share the test's transaction.
    """
    request_started.disconnect(close_old_connections)
    request_finished.disconnect(close_old_connections)
    yield make_token()
    request_started.connect(close_old_connections)
    request_finished.connect(close_old_connections)


def make_token():
    credentials = make_credentials("ada", project_id="lab")
    make_image("a", by=User.objects.get(pk=credentials.user_id))
    return credentials.token


@schema.parametrize()
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_nothing_undocumented_happens(case, token):
    case.headers["X-Auth-Token"] = token
    if "project_id" in case.path_parameters:
        case.path_parameters["project_id"] = "lab"
    case.validate_response(case.call(), checks=CHECKS)
