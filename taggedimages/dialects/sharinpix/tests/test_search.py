"""GET /search, and what the query of a search token reaches."""

import pytest

from search.lookups import any_of
from search.tests.indexes import merge_all
from search.tests.thresholds import SMALL
from taggedimages.factories import make_image, make_user

from .conftest import READER

pytestmark = pytest.mark.django_db
URL = "/api/v1/search"


@pytest.fixture
def corpus(ada) -> None:
    make_image("Knee", by=ada, filename="IMG_left-01.png", album_id="case-1")
    make_image("Night Shift", by=ada, filename="knee.jpg", album_id="case-17")
    make_image(by=ada, filename="100% (a).png", album_id="Ward")
    make_image("knee", by=make_user(project_id="elsewhere"), album_id="case-1")


QUERIES = [
    ("*", {"IMG_left-01", "knee", "100% (a)"}),
    ("case-1", {"IMG_left-01"}),
    ("CASE-17", {"knee"}),
    ("case", set()),
    ("17", set()),
    ("KNEE", {"IMG_left-01", "knee"}),
    ("kne", set()),
    ("knee.jpg", {"knee"}),
    ("left", {"IMG_left-01"}),
    ("shift", {"knee"}),
    ("ward case-1", {"100% (a)", "IMG_left-01"}),
    ("album_id:Default", set()),
    ("DEFAULT case-17", {"knee"}),
    ("nothing *", {"IMG_left-01", "knee", "100% (a)"}),
    ("album_id:case-1", {"IMG_left-01"}),
    ("album_id:knee", set()),
    ("tags:knee", {"IMG_left-01"}),
    ('tags:"night shift"', {"knee"}),
    ("tags:night", set()),
    ("filename:knee", {"knee"}),
    ("filename:KNEE.JPG", {"knee"}),
    ("colour:knee", set()),
    ("100%", {"100% (a)"}),
    ("(a)", {"100% (a)"}),
    (".*", set()),
    ("[", set()),
    ("\\", set()),
    ("***:", set()),
    ("(?i)", set()),
    ('"', set()),
    ("'; --", set()),
]


def found(answer) -> set[str]:
    assert answer.status_code == 200, answer.headers
    return {image["filename"] for image in answer.json()}


@pytest.mark.parametrize(("query", "expected"), QUERIES)
def test_a_query_of_the_request(admin, corpus, query, expected):
    assert found(admin.get(URL, {"q": query})) == expected


@pytest.mark.parametrize(("query", "expected"), QUERIES)
def test_a_query_finds_the_same_where_many_match(admin, corpus, query, expected, monkeypatch):
    monkeypatch.setattr(any_of, "COMMON_IMAGES", 1)
    assert found(admin.get(URL, {"q": query})) == expected


@pytest.mark.parametrize(("query", "expected"), QUERIES)
def test_a_query_finds_the_same_in_the_index(admin, corpus, query, expected):
    merge_all(SMALL)
    assert found(admin.get(URL, {"q": query})) == expected


@pytest.mark.parametrize(("query", "expected"), QUERIES)
def test_a_query_of_the_token(client_with, corpus, query, expected):
    assert found(client_with(q=query).get(URL)) == expected


@pytest.mark.parametrize("query", ["", " ", "\0", "\ud800", None, 7, {}])
def test_a_token_whose_query_asks_for_nothing_reaches_nothing(client_with, corpus, query):
    assert found(client_with(q=query).get(URL)) == set()


def test_without_a_query_everything_in_reach_is_found(admin, in_album, corpus):
    assert len(found(admin.get(URL))) == 3
    assert found(in_album("case-17", READER).get(URL, {"q": ""})) == {"knee"}


def test_the_requests_query_narrows_the_tokens(client_with, in_album, corpus):
    assert found(client_with(q="case-17").get(URL, {"q": "*"})) == {"knee"}
    assert found(client_with(q="case-17").get(URL, {"q": "case-1"})) == set()
    assert found(in_album("case-1", READER).get(URL, {"q": "knee"})) == {"IMG_left-01"}


def test_a_token_with_query_and_albums_reaches_both(client_with, corpus):
    albums = {"Ward": {"Access": READER}}
    assert found(client_with(q="case-1", abilities=albums).get(URL)) == {"IMG_left-01", "100% (a)"}


def test_many_words_are_cut_short_and_odd_ones_refused(admin, corpus):
    assert found(admin.get(URL, {"q": "x " * 120 + "*"})) == set()
    assert admin.get(URL, {"q": "a\0"}).status_code == 400
    assert admin.get(URL, {"q": "x" * 300}).status_code == 400
