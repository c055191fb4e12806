"""The OpenAPI document of /v1 is valid, complete and true."""

import random
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import hypothesis
import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from django.test import Client
from django.urls import URLResolver, get_resolver
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import patched_settings
from hypothesis.strategies import one_of
from openapi_spec_validator import validate
from schemathesis import GenerationMode, checks
from schemathesis.specs.openapi import checks as openapi_checks

from taggedimages.factories import make_image, make_pending, make_tag
from taggedimages.http import docs

CHECKS = [
    checks.not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_schema_conformance,
    openapi_checks.response_headers_conformance,
]
METHODS = {"get", "post", "put", "delete"}
MODES = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
# What chance would hardly find.
LUCKY: dict[str, dict[str, Any]] = {
    "/v1/upload": {"image_data": "iVBORw0="},
    "/v1/hooks/s3": {"Records": []},
}
MANY = hypothesis.settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[hypothesis.Phase.generate],
    suppress_health_check=list(hypothesis.HealthCheck),
)


@cache
def v1_schema() -> dict[str, Any]:
    document: dict[str, Any] = Client(HTTP_HOST="localhost").get("/v1/openapi.json").json()
    return document


def operations() -> list[tuple[str, str]]:
    return [(m, path) for path, item in v1_schema()["paths"].items() for m in METHODS & set(item)]


def test_the_document_is_served_and_valid(client: Client):
    answer = client.get("/v1/openapi.json")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    validate(answer.json())


def test_every_route_of_v1_is_in_it():
    routes = {
        "/v1/" + re.sub(r"<str:(\w+)>", r"{\1}", str(pattern.pattern))
        for included in get_resolver().url_patterns
        if isinstance(included, URLResolver) and str(included.pattern) == "v1/"
        for pattern in included.url_patterns
    }
    assert set(v1_schema()["paths"]) == routes


def test_every_operation_says_what_it_does_and_what_it_refuses():
    ids = set()
    for method, path in operations():
        operation = v1_schema()["paths"][path][method]
        ids.add(operation["operationId"])
        assert operation["summary"]
        assert {"400", "401", "413", "503"} <= set(operation["responses"])
        assert ("404" in operation["responses"]) == ("{" in path)
    assert len(ids) == len(operations())


def test_nothing_in_it_was_guessed(capsys: pytest.CaptureFixture[str]):
    """The generator prints a warning for what it cannot tell."""
    with patched_settings({"PREPROCESSING_HOOKS": [f"{__name__}.only_v1"]}):
        made = SchemaGenerator().get_schema(request=None, public=True)
    assert made["paths"].keys() == v1_schema()["paths"].keys()
    assert capsys.readouterr().err == ""


def only_v1(endpoints: list[Any], **kwargs: Any) -> list[Any]:
    return [endpoint for endpoint in endpoints if endpoint[0] in v1_schema()["paths"]]


@pytest.fixture
def corpus(transactional_db: None) -> list[int]:
    """Ids under which there is something, at first."""
    images = [make_image("knee", "left") for _ in range(8)] + [make_pending() for _ in range(4)]
    return [image.pk for image in images] + [make_tag(f"tag{n}").pk for n in range(12)]


@pytest.mark.parametrize(("method", "path"), sorted(operations()))
def test_it_is_true(corpus: list[int], settings: Any, method: str, path: str, capsys: Any):
    """Whatever the document allows or forbids is sent: no 5xx and no undocumented answer."""
    settings.ALLOWED_HOSTS, settings.HOOK_SECRET = ["*"], "shared"
    document = schemathesis.openapi.from_wsgi("/v1/openapi.json", get_wsgi_application())
    operation = document[path][method.upper()]
    sent, dice = Counter[int](), random.Random(1)

    @MANY
    @hypothesis.given(case=one_of([operation.as_strategy(generation_mode=m) for m in MODES]))
    def send(case: Any) -> None:
        if case.path_parameters and dice.random() < 0.5:
            case.path_parameters["id"] = dice.choice(corpus)
        if path in LUCKY and isinstance(case.body, dict) and dice.random() < 0.5:
            case.body |= LUCKY[path]
        headers = {"X-Hook-Secret": "shared"} if dice.random() < 0.9 else {}
        response = case.call(headers=headers)
        case.validate_response(response, checks=CHECKS)
        sent[response.status_code] += 1

    send()
    with capsys.disabled():
        counts = ", ".join(f"{count} x {status}" for status, count in sorted(sent.items()))
        print(f"\n{method.upper()} {path}: {sent.total()} cases: {counts}", end="")  # noqa: T201


def test_many_may_ask_for_a_document_before_it_was_made():
    docs.forget()
    folders = [folder for folder in docs.DOCUMENTS for _ in range(4)]
    with ThreadPoolExecutor(len(folders)) as threads:
        made = list(threads.map(docs.schema_of, folders))
    assert all(schema["paths"] for schema in made)


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize("path", ["/docs", *(f"{folder}openapi.json" for folder in docs.DOCUMENTS)])
def test_documents_can_only_be_read(path, method):
    answer = getattr(Client(enforce_csrf_checks=True), method)(path)
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")
    assert not answer.content.startswith(b"<")
