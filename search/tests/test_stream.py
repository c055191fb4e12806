"""Whole lists as NDJSON: a record a line, made while it is sent."""

import json
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from threading import BoundedSemaphore
from unittest.mock import ANY

import pytest
from django.core.signals import request_finished
from django.db import DataError, InternalError, close_old_connections, connection
from django.test.utils import CaptureQueriesContext

from images.models import Facts, Image
from search import results
from search.ordering import ORDERS
from search.v1 import streams
from taggedimages.factories import make_credentials, make_image, make_pending, make_tag
from taggedimages.identity.models import User

pytestmark = pytest.mark.django_db

NDJSON = "application/x-ndjson"
NAMES = (
    NDJSON,
    "application/ndjson",
    "application/jsonl",
    "application/jsonlines",
    "application/x-jsonlines",
)
MAX_STREAMS = 2
LISTS = ("/v1/images", "/v1/tags/{tag}/images", "/v1/search/images")


@pytest.fixture(params=LISTS)
def path(request):
    """One of the lists; all images of these tests are tagged `any`."""
    return request.param.format(tag=make_tag("any").pk) + "?exact_tags=any"


@pytest.fixture(autouse=True)
def few_at_a_time(monkeypatch):
    monkeypatch.setattr(streams, "slots", BoundedSemaphore(MAX_STREAMS))


@pytest.fixture
def chunks_of_two(monkeypatch):
    monkeypatch.setattr(results, "CHUNK_RECORDS", 2)


def ask(client, path, **headers):
    return client.get(path, headers={"Accept": NDJSON, **headers})


def leave(answer):
    """The client goes away; the connection to the database is the test's own, and stays."""
    request_finished.disconnect(close_old_connections)
    answer.close()
    request_finished.connect(close_old_connections)


def by_url(path):
    """The address of a list's lines."""
    path, question, query = path.partition("?")
    return f"{path}.ndjson{question}{query}"


def records(answer, media_type=NDJSON):
    assert (answer.status_code, answer["Content-Type"]) == (200, media_type)
    body = answer.getvalue()
    assert body.endswith(b"\n") or not body
    return [json.loads(line) for line in body.splitlines()]


# --- What is sent --------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("suffix", ["", "&format=png"])
def test_each_line_is_a_record_as_a_page_has_it(api, path, order, suffix, chunks_of_two):
    for make in (make_image, make_pending, make_image, make_pending, make_image):
        Facts.objects.create(image=make("any", "knee"), format="png")
    path += f"&order={order}{suffix}"
    page = api.get(path).json()["results"]
    assert len(page) == 5
    assert records(ask(api, path)) == [
        record | {"url": ANY if record["url"] else None} for record in page
    ]


def test_nothing_found_is_an_empty_body(api, path):
    assert records(ask(api, path)) == []
    assert records(ask(api, f"{path}&format=png")) == []


def test_each_sees_what_they_may(api, api_as):
    mira = api_as(make_credentials("mira"))
    own = make_image(by=User.objects.get(username="mira"), private=True).pk
    public = make_image().pk
    make_image(private=True)
    found = [[record["id"] for record in records(ask(who, "/v1/images"))] for who in (api, mira)]
    assert found == [[public], [public, own]]
    assert ask(api, "/v1/images", Authorization="Bearer wrong").status_code == 401


def test_a_cursor_says_where_to_begin(api, path, chunks_of_two):
    made = [make_image("any").pk for _ in range(5)]
    page = api.get(f"{path}&limit=2&cursor=").json()
    answer = ask(api, f"{path}&cursor={page['meta']['next_cursor']}")
    assert [record["id"] for record in records(answer)] == made[2::-1]


@pytest.mark.parametrize("asked", ["page=1", "facets=tags", "limit=5&page=7"])
def test_what_says_which_page_is_400(api, path, asked):
    for answer in (ask(api, f"{path}&{asked}"), api.get(by_url(f"{path}&{asked}"))):
        assert answer.status_code == 400
        assert "Does not go with application/x-ndjson." in answer.json()["message"]


@pytest.mark.parametrize("asked", ["limit=0", "limit=-1", "limit=many", "page=-1", "labels=maybe"])
def test_what_makes_no_sense_is_400(api, path, asked):
    assert api.get(by_url(f"{path}&{asked}")).status_code == 400


def test_the_first_page_is_what_clients_always_send(api, path):
    made = [make_image("any").pk for _ in range(3)]
    for answer in (ask(api, f"{path}&limit=100&page=0"), api.get(by_url(f"{path}&page=0"))):
        assert [record["id"] for record in records(answer)] == made[::-1]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 6, 1_000, 2**63 - 1])
@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_a_limit_is_how_many_lines_there_are_at_most(api, path, limit, order, chunks_of_two):
    made = [make_image("any").pk for _ in range(5)]
    expected = (made[::-1] if order == "newest" else made)[:limit]
    for answer in (
        ask(api, f"{path}&order={order}&limit={limit}"),
        api.get(by_url(f"{path}&order={order}&limit={limit}")),
    ):
        assert [record["id"] for record in records(answer)] == expected


def test_bad_conditions_are_answered_as_ever(api):
    answer = ask(api, "/v1/images?order=wrong")
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/json")
    assert ask(api, "/v1/tags/0/images").json() == {"code": 404, "message": "Not found."}


def test_head_has_no_body(api, path):
    make_image("any")
    answer = api.head(path, headers={"Accept": NDJSON})
    assert (answer.status_code, answer["Content-Type"]) == (200, NDJSON)
    assert answer.getvalue() == b""
    assert "Content-Length" not in answer


def test_nobody_stores_it(api, path):
    answer = ask(api, path)
    assert answer["Cache-Control"] == "no-store"
    leave(answer)


# --- Who gets it ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_the_answer_is_called_what_was_asked_for(api, path, name):
    image = make_image("any")
    with_charset = f"application/json;q=0.2, {name}; charset=utf-8"
    for address, accept in ((path, name), (by_url(path), name), (path, with_charset)):
        answer = ask(api, address, Accept=accept)
        assert [record["id"] for record in records(answer, name)] == [image.pk]


@pytest.mark.parametrize("accept", ["", "*/*", "application/json", "text/html", "application/*"])
def test_its_own_address_has_lines_for_everybody(api, path, accept):
    image = make_image("any")
    answer = api.get(by_url(path), headers={"Accept": accept})
    assert [record["id"] for record in records(answer)] == [image.pk]


def test_its_own_address_answers_head_and_a_slash_at_its_end(api, path):
    make_image("any")
    path = by_url(path)
    assert records(api.head(path)) == []
    assert len(records(api.get(path.replace(".ndjson", ".ndjson/")))) == 1


def test_a_stream_of_an_unknown_tag_keeps_no_place(api):
    for _ in range(MAX_STREAMS + 1):
        answer = api.get("/v1/tags/987654321/images.ndjson")
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/json")
        assert api.get("/v1/tags/x/images.ndjson").status_code == 400


@pytest.mark.parametrize("asked", ["order=wrong", "limit=0", "cursor=x"])
def test_what_is_wrong_is_told_before_that_a_tag_is_unknown(api, asked):
    assert api.get(f"/v1/tags/987654321/images.ndjson?{asked}").status_code == 400


def test_a_search_without_a_condition_is_400(api):
    assert api.get("/v1/search/images.ndjson").status_code == 400


# --- Labels --------------------------------------------------------------------------------------


@pytest.mark.parametrize("more", ["", "&cursor=", "&order=oldest"])
def test_labels_are_the_names_of_the_tags_in_their_order(api, path, more):
    make_image("any", "knee", 'Ünïcode "quoted"')
    make_pending("any")
    path += f"{more}&labels=true"
    page = api.get(path).json()["results"]
    lines = records(api.get(by_url(path)))
    assert sorted((record["labels"] for record in page), key=len) == [
        ["any"],
        ["any", "knee", 'Ünïcode "quoted"'],
    ]
    assert [record["labels"] for record in lines] == [record["labels"] for record in page]
    assert all(
        record["labels"] == [tag["name"] for tag in record["tags"]] for record in page + lines
    )


@pytest.mark.parametrize("asked", ["", "&labels=false", "&labels=0"])
def test_labels_are_there_on_request_alone(api, path, asked):
    make_image("any")
    [record] = api.get(path + asked).json()["results"]
    assert "labels" not in record


@pytest.mark.parametrize("asked", ["maybe", "", "2"])
def test_other_values_of_labels_are_400(api, path, asked):
    assert api.get(f"{path}&labels={asked}").status_code == 400


# --- Preferences ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accept", "lines"),
    [
        (NDJSON, True),
        ("Application/X-NDJSON", True),
        (f"{NDJSON}, application/json;q=0.9", True),
        (f"application/json;q=0.5, {NDJSON};q=0.8", True),
        (f"{NDJSON}, */*;q=0.1", True),
        (f"{NDJSON};q=0.5, application/json", False),
        (f"application/json, {NDJSON}", False),
        (f"{NDJSON};q=0", False),
        ("*/*", False),
        ("application/*", False),
        ("text/html", False),
        ("", False),
        (f"{NDJSON};a*=wrong'en'x", False),
        ("x" * 5_000, False),
    ],
)
def test_only_who_prefers_lines_gets_lines(api, accept, lines):
    answer = api.get("/v1/images", headers={"Accept": accept})
    assert answer["Content-Type"] == (NDJSON if lines else "application/json")
    leave(answer)


@pytest.mark.parametrize("path", ["/v1/tags", "/v1/images/{}", "/v1/images/{}/history"])
def test_all_else_is_json_whoever_asks(api, path):
    answer = ask(api, path.format(make_image("any").pk))
    assert answer["Content-Type"] == "application/json"


def test_a_process_sends_few_at_a_time(api, path):
    with ExitStack() as sent:
        for _ in range(MAX_STREAMS):
            sent.callback(leave, ask(api, path))
        refused = ask(api, path)
        assert (refused.status_code, refused["Retry-After"]) == (503, "5")
        assert refused.json()["code"] == 503
        assert api.get(path).status_code == 200
    assert records(ask(api, path)) == []


def test_what_is_refused_or_has_no_body_keeps_no_place(api, path):
    for _ in range(MAX_STREAMS + 1):
        ask(api, f"{path}&page=1")
        api.head(path, headers={"Accept": NDJSON})
    leave(ask(api, path))
    assert records(ask(api, path)) == []


# --- While it is sent ----------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["newest", "filename"])
def test_it_is_made_as_it_is_read(api, path, order, chunks_of_two):
    for n in range(6):
        make_image("any", filename=f"{n}.png")
    answer = ask(api, f"{path}&order={order}")
    lines = iter(answer)
    next(lines)
    with CaptureQueriesContext(connection) as two_more:
        next(lines)
    assert 1 <= len(two_more) <= 3
    leave(answer)


def test_what_changes_meanwhile_neither_repeats_nor_hides_the_others(api, path, chunks_of_two):
    made = [make_image("any") for _ in range(6)]
    answer = ask(api, path)
    lines = list(next(iter(answer)).splitlines())
    make_image("any")
    Image.objects.filter(pk=made[1].pk).delete()
    # Goes on being shown until then.
    Image.objects.filter(pk=made[0].pk).update(ended_at=datetime.now(UTC) + timedelta(hours=1))
    Image.objects.filter(pk=made[2].pk).update(visibility=2)
    lines += b"".join(answer).splitlines()
    assert [json.loads(line)["id"] for line in lines] == [made[n].pk for n in (5, 4, 3, 0)]


def test_where_it_cannot_go_on_the_last_line_says_so(api, path, chunks_of_two):
    made = [make_image("any").pk for _ in range(4)]
    parts = iter(ask(api, path))
    body = next(parts)
    with connection.cursor() as cursor, pytest.raises(DataError):
        # The transaction of this test takes no statement from now on.
        cursor.execute("SELECT 1 / 0")
    body += next(parts)
    *whole, last = [json.loads(line) for line in body.splitlines()]
    assert [record["id"] for record in whole] == [made[3], made[2]]
    assert last == {"code": 503, "message": "The database is unavailable."}
    with pytest.raises(InternalError):
        next(parts)
