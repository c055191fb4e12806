"""GET and PUT /v1/cloudimages/tags."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from taggedimages.dialects.ims.tests.requests import error, held
from taggedimages.factories import TESTS, make_image, make_pending, make_user, unknown_uuid
from tags import tagging

URL = "/v1/cloudimages/tags"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("aaaa.1111", ("aaaa", "1111")),
        ("aaaa=1111", ("aaaa", "1111")),
        ("aaaa", ("aaaa", "")),
        ("aaaa.", ("aaaa", "")),
        ("aaaa=", ("aaaa", "")),
        (" a_b-c . d_e-f ", ("a_b-c", "d_e-f")),
        ("größe.ключ9", ("größe", "ключ9")),
        (f"{'k' * 36}.{'v' * 43}", ("k" * 36, "v" * 43)),
    ],
)
def test_a_tag_of_one_string(ims, image, text, expected):
    response = ims.put(URL, {"image_id": str(image.uuid), "tag": text})
    assert (response.status_code, response.content) == (204, b"")
    assert held(image) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", ".b", "=b", "a b", "a.b.c", "a=b.c", "a=b=c", "a/b", "a.b c", "a\nb"),
        *("k" * 37, f"k.{'v' * 44}", "a\0"),
    ],
)
def test_a_string_that_breaks_the_rules(ims, image, text):
    response = ims.put(URL, {"image_id": str(image.uuid), "tag": text})
    assert (response.status_code, response.json()) == (400, error("IMG.0115", response))


def test_a_tag_as_an_object(ims, image):
    tag = {"key": "any thing.=/", "value": "any thing"}
    assert ims.put(URL, {"image_id": str(image.uuid), "image_tag": tag}).status_code == 204
    assert held(image) == [("any thing.=/", "any thing")]


def test_an_object_that_breaks_the_rules(ims, image):
    response = ims.put(URL, {"image_id": str(image.uuid), "image_tag": {"key": "k" * 37}})
    assert (response.status_code, response.json()) == (400, error("IMG.0115", response))


@pytest.mark.parametrize(
    "body",
    [{}, {"tag": "a.b", "image_tag": {"key": "a", "value": "b"}}, {"tag": 1}, {"image_tag": "a.b"}],
)
def test_exactly_one_of_them(ims, image, body):
    response = ims.put(URL, {"image_id": str(image.uuid)} | body)
    assert (response.status_code, response.json()) == (400, error("IMG.0001", response))


def test_the_image_must_be_told(ims):
    response = ims.put(URL, {"tag": "a.b"})
    assert (response.status_code, response.json()) == (400, error("IMG.0001", response))


@pytest.mark.parametrize("id", [unknown_uuid(), "1", "x y"])
def test_an_unknown_image(ims, id):
    response = ims.put(URL, {"image_id": id, "tag": "a.b"})
    assert (response.status_code, response.json()) == (404, error("IMG.0027", response))


def test_an_existing_key_gets_the_new_value(ims, image):
    tagging.set_values(image, {"a": "1"}, TESTS)
    ims.put(URL, {"image_id": str(image.uuid), "tag": "a.2"})
    assert held(image) == [("a", "2")]


def test_an_eleventh_key(ims, image):
    tagging.tag(image, [f"tag{n}" for n in range(10)], TESTS)
    response = ims.put(URL, {"image_id": str(image.uuid), "tag": "more"})
    assert (response.status_code, response.json()) == (400, error("IMG.0116", response))


@pytest.fixture
def corpus(owner):
    knee = make_image(by=owner, name="knee")
    hand = make_pending(by=owner, name="hand")
    tagging.set_values(knee, {"side": "left", "reviewed": "", "Side": "x"}, TESTS)
    tagging.set_values(hand, {"side": "right", "reviewed": "", "b=c": "d"}, TESTS)
    tagging.set_values(make_image(by=make_user("bob", project_id="theirs")), {"z": "1"}, TESTS)
    return {"knee": knee, "hand": hand}


def test_tags_of_the_project_once_each_in_order(ims, corpus):
    response = ims.get(URL)
    assert response.status_code == 200
    assert response.json() == {"tags": ["Side=x", "b=c=d", "reviewed", "side=left", "side=right"]}


def test_pages_count_from_one_and_never_overlap(ims, corpus):
    pages = [ims.get(URL, {"limit": 2, "page": page}).json()["tags"] for page in (1, 2, 3, 4)]
    assert pages == [["Side=x", "b=c=d"], ["reviewed", "side=left"], ["side=right"], []]


def test_narrowed_by_the_image(ims, corpus):
    knee = {"tags": ["Side=x", "reviewed", "side=left"]}
    assert ims.get(URL, {"id": str(corpus["knee"].uuid)}).json() == knee
    assert ims.get(URL, {"name": "knee"}).json() == knee
    assert ims.get(URL, {"status": "active"}).json() == knee
    assert ims.get(URL, {"status": "queued"}).json()["tags"][0] == "b=c=d"
    assert ims.get(URL, {"status": "deleted"}).json() == {"tags": []}
    assert ims.get(URL, {"name": "kne"}).json() == {"tags": []}
    assert ims.get(URL, {"id": "malformed"}).json() == {"tags": []}
    assert ims.get(URL, {"__imagetype": "gold"}).json() == ims.get(URL).json()


@pytest.mark.parametrize(
    "parameters",
    [
        *({"limit": 0}, {"limit": 501}, {"limit": "x"}, {"limit": "1.0"}, {"page": 0}),
        *({"page": -1}, {"page": "9" * 30}, {"status": "no such"}, {"name": "\0"}),
    ],
)
def test_bad_parameters(ims, parameters):
    response = ims.get(URL, parameters)
    assert (response.status_code, response.json()) == (400, error("IMG.0001", response))


def test_a_page_far_beyond_the_end(ims, corpus):
    assert ims.get(URL, {"page": 2**40}).json() == {"tags": []}


def test_as_many_statements_for_many_tags_as_for_one(ims, corpus):
    with CaptureQueriesContext(connection) as few:
        ims.get(URL, {"limit": 1})
    with CaptureQueriesContext(connection) as many:
        ims.get(URL)
    assert len(few) == len(many) == 4
