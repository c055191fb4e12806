"""Requests are bounded: whatever is sent, the answer is a 4xx in the error shape, at once."""

import gc
import json
import threading
import weakref
from typing import Any

import pytest
from django.core.handlers.base import BaseHandler
from django.db import connection, transaction
from django.test import RequestFactory
from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIClient
from rest_framework.views import APIView

from images.models import Image
from taggedimages import urls
from taggedimages.factories import make_image, make_tag
from tags.models import Tag

pytestmark = pytest.mark.django_db


class SlowView(APIView):
    """Takes a second of the database's time."""

    def get(self, request: Request) -> Response:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(1)")
        return Response()


urlpatterns = [*urls.urlpatterns, path("v1/slow", SlowView.as_view())]
handler404, handler500 = urls.handler404, urls.handler500

# As JSON texts: some could not be written from Python values.
NUL, SURROGATE = r'"a\u0000bc"', r'"a\ud800bc"'
PAST_64_BITS, HUGE_NUMBER = str(2**63), "9" * 5_000
ARRAY = "[" + "1," * 10**6 + "1]"
SHORT_ARRAY = "[" + "1," * 300_000 + "1]"
DEEP = "[" * 100_000 + "]" * 100_000
HUGE_STRING = '"' + "x" * 900_001 + '"'
ODD_VALUES = {
    "nul": NUL,
    "surrogate": SURROGATE,
    "past 64 bits": PAST_64_BITS,
    "negative past 64 bits": "-" + PAST_64_BITS,
    "5000 digits": HUGE_NUMBER,
    "exponent": "1e999",
    "not a number": "NaN",
    "infinity": "-Infinity",
    "fraction": "1.5",
    "boolean": "true",
    "null": "null",
    "array": ARRAY,
    "shorter array": SHORT_ARRAY,
    "object": "{}",
    "deep": DEEP,
    "huge string": HUGE_STRING,
    "array of nul": f"[{NUL}]",
    "array of surrogates": f"[{SURROGATE}]",
    "array of arrays": '[["knee"]]',
}
FIELDS = [
    ("POST", "/v1/images", '{"filename": %s}'),
    ("POST", "/v1/images", '{"filename": "knee.png", "size": %s}'),
    ("POST", "/v1/images", '{"filename": "knee.png", "tags": %s}'),
    ("PUT", "/v1/images/{image}", '{"tags": %s}'),
    ("POST", "/v1/upload", '{"filename": %s, "image_data": "AA=="}'),
    ("POST", "/v1/upload", '{"filename": "knee.png", "image_data": %s}'),
    ("POST", "/v1/upload", '{"filename": "knee.png", "image_data": "AA==", "tags": %s}'),
    ("POST", "/v1/tags", '{"name": %s}'),
    ("PUT", "/v1/tags/{tag}", '{"name": %s}'),
]


def send(api: APIClient, method: str, address: str, body: Any) -> Any:
    return api.generic(method, address, body, content_type="application/json")


def refused(answer: Any, *statuses: int) -> bool:
    """Whether the answer is one of these statuses (400 unless told), in the error shape."""
    body = answer.json()
    assert answer.status_code in (statuses or (400,)), answer.content[:300]
    assert set(body) <= {"code", "message", "errors"}
    assert body["code"] == answer.status_code
    assert isinstance(body["message"], str)
    return True


@pytest.fixture
def ids() -> dict[str, int]:
    return {"image": make_image("knee").pk, "tag": make_tag("knee").pk}


@pytest.mark.parametrize(("method", "address", "body"), FIELDS)
@pytest.mark.parametrize("value", ODD_VALUES.values(), ids=ODD_VALUES)
def test_an_odd_value_is_a_bad_request(api, ids, method, address, body, value):
    before = (Image.objects.count(), Tag.objects.count())
    answer = send(api, method, address.format(**ids), body % value)
    assert refused(answer, 400, 413)
    assert (Image.objects.count(), Tag.objects.count()) == before


@pytest.mark.parametrize("key", [NUL, SURROGATE, '""', HUGE_STRING])
def test_odd_names_of_fields_are_ignored_as_other_unknown_fields_are(api, key):
    answer = send(api, "POST", "/v1/tags", f'{{"name": "knee", {key}: 1}}')
    assert answer.status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        ARRAY,
        SHORT_ARRAY,
        DEEP,
        '{"a":' * 100_000,
        HUGE_NUMBER,
        HUGE_STRING,
        b"\xff\xfe",
        b'{"name": "\xed\xa0\x80"}',
        b"\xef\xbb\xbf{}",
        "\0",
        "",
    ],
    ids=range(11),
)
@pytest.mark.parametrize(("method", "address"), [(m, a) for m, a, _ in FIELDS])
def test_an_odd_body_is_a_bad_request(api, ids, method, address, body):
    assert refused(send(api, method, address.format(**ids), body), 400, 413)


# --- Paths and query strings ---------------------------------------------------------------------

ODD_IDS = [
    "0",
    "-1",
    PAST_64_BITS,
    HUGE_NUMBER,
    "%00",
    "%ED%A0%80",
    "%FF",
    "1.5",
    "1e3",
    "x",
    "%20",
]
ODD_IDS += ["%D9%A1", "+1", "\u0661", "1%00", "1%0a", "0x1", "null", "x" * 5_000]


@pytest.mark.parametrize("odd", ODD_IDS, ids=lambda odd: odd[:12])
@pytest.mark.parametrize(
    "address", ["/v1/images/%s", "/v1/images/%s/history", "/v1/tags/%s/images"]
)
def test_an_odd_id_is_400_or_404(api, address, odd):
    assert refused(api.get(address % odd), 400, 404)


@pytest.mark.parametrize(
    "query",
    [
        f"{name}={value}"
        for name in (
            *("limit", "page", "start_timestamp", "end_timestamp", "uploaded_only"),
            *("uploaded_end_timestamp", "min_width", "max_size", "untagged", "order"),
        )
        for value in (PAST_64_BITS, HUGE_NUMBER, "%00", "%ED%A0%80", "%FF", "1.5", "x", "\u0663")
    ],
    ids=lambda query: query[:30],
)
def test_an_odd_parameter_is_a_bad_request(api, query):
    assert refused(api.get(f"/v1/images?{query}"))


@pytest.mark.parametrize(
    "query",
    [
        *("exact_tags=%00", "match_tags=a%00", "filename=%00"),
        *(f"{name}=" + "x|" * 101 for name in ("exact_tags", "match_tags", "not_tags", "format")),
    ],
    ids=range(7),
)
def test_an_odd_search_is_a_bad_request(api, query):
    assert refused(api.get(f"/v1/search/images?{query}"))


@pytest.mark.parametrize(
    "query",
    [
        "exact_tags=%ED%A0%80",
        "match_tags=%FF",
        "exact_tags=" + "x" * 50_000,
        "filename=" + "x" * 50_000,
        "filename=%ED%A0%80",
        "min_width=9223372036854775807&max_height=9223372036854775807&format=" + "x" * 50_000,
        "uploaded_start_timestamp=9223372036854775807&uploaded_end_timestamp=-9223372036854775808",
        "start_timestamp=9223372036854775807&exact_tags=x",
        "end_timestamp=-9223372036854775808&exact_tags=x",
        "page=9223372036854775807&limit=100&exact_tags=x",
        "%00=%00&exact_tags=x",
    ],
    ids=range(11),
)
def test_what_can_match_nothing_finds_nothing(api, query):
    make_image("knee")
    answer = api.get(f"/v1/search/images?{query}")
    assert (answer.status_code, answer.json()["results"]) == (200, [])


# --- Sizes ---------------------------------------------------------------------------------------


class NeverRead:
    """The body of a request that must be refused before it is read."""

    def read(self, *args: Any) -> bytes:
        raise AssertionError("The body was read.")

    readline = read


@pytest.mark.parametrize("length", ["999999999999", "1048577", "-1", "x", HUGE_NUMBER, "1.0", "²"])
def test_the_header_decides_that_a_body_is_too_large(api, length):
    too_large = {"CONTENT_LENGTH": length, "wsgi.input": NeverRead()}
    assert refused(api.generic("POST", "/v1/tags", **too_large), 413)


def test_uploads_may_be_larger_than_other_bodies(api, settings):
    for address in ("/v1/upload", "/v1/upload/"):
        limit = settings.MAX_UPLOAD_BODY_BYTES
        assert refused(api.generic("POST", address, CONTENT_LENGTH=str(limit + 1)), 413)
        at_the_limit = json.dumps({"filename": 1}).ljust(limit)
        assert refused(send(api, "POST", address, at_the_limit), 400)


def test_a_body_of_untold_length_is_refused(api):
    untold = {"HTTP_TRANSFER_ENCODING": "Chunked", "wsgi.input": NeverRead()}
    assert refused(api.generic("POST", "/v1/tags", **untold), 411)


def test_a_page_leaves_memory_with_its_last_use_and_waits_for_no_collector():
    make_image()
    service = BaseHandler()
    service.load_middleware()
    gc.disable()
    try:
        answer: Any = service.get_response(RequestFactory().get("/v1/images"))
        assert b"results" in answer.content
        left = weakref.ref(answer)
        del answer
        assert left() is None
    finally:
        gc.enable()


def test_a_list_may_have_so_many_items_and_no_more(api, settings):
    image = make_image()
    most = [f"tag-{number}" for number in range(settings.MAX_LIST_ITEMS)]
    assert api.put(f"/v1/images/{image.pk}", {"tags": most}).status_code == 200
    assert refused(api.put(f"/v1/images/{image.pk}", {"tags": [*most, "more"]}))


def test_a_body_may_be_nested_so_deep_and_no_deeper(api):
    def post(depth: int) -> Any:
        nested = "[" * depth + "]" * depth
        return send(api, "POST", "/v1/tags", f'{{"name": "knee", "more": {nested}}}')

    assert post(63).status_code == 201
    assert refused(post(66))


# --- Time ----------------------------------------------------------------------------------------


def test_a_statement_that_takes_too_long_is_503_with_retry_after(api, settings):
    settings.ROOT_URLCONF = __name__
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '20ms'")
    answer = api.get("/v1/slow")
    assert refused(answer, 503)
    assert answer["Retry-After"] == "2"
    assert answer.json()["message"] == "The request takes too long; ask for less."


@pytest.mark.django_db(transaction=True)
def test_waiting_too_long_for_another_request_is_503_with_retry_after():
    image = make_image()
    answers: list[Any] = []

    def put() -> None:
        client = APIClient(raise_request_exception=False)
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '20ms'")
        answers.append(client.put(f"/v1/images/{image.pk}", {"tags": ["knee"]}, format="json"))
        connection.close()

    with transaction.atomic():
        Image.objects.select_for_update().get(pk=image.pk)
        thread = threading.Thread(target=put)
        thread.start()
        thread.join()
    assert refused(answers[0], 503)
    assert answers[0]["Retry-After"] == "2"
    assert answers[0].json()["message"] == "Another request is changing the same record."
    assert not Tag.objects.exists()
