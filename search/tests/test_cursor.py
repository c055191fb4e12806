"""Walking a list from page to page by cursor, while the corpus changes."""

import itertools
from collections import Counter
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from images.models import Image
from images.visibility import Viewer
from search.index import merging
from search.ordering import ORDERS
from search.query import Query
from search.results import SearchResults
from search.tests.indexes import give_bitmaps
from search.tests.thresholds import SMALL
from taggedimages.factories import TESTS, make_credentials, make_image, make_pending, make_tag
from taggedimages.identity.models import User
from tags import tagging

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
LISTS = ("/v1/images", "/v1/tags/{tag}/images", "/v1/search/images?exact_tags=any")


@pytest.fixture(params=LISTS)
def path(request):
    """One of the lists; all images of these tests are tagged `any`."""
    return request.param.format(tag=make_tag("any").pk)


def pages(api, path, **parameters):
    """The answers from the first to the last, by cursor."""
    cursor = ""
    while cursor is not None:
        answer = api.get(path, {"limit": 2, "exact_tags": "any", **parameters, "cursor": cursor})
        assert answer.status_code == 200, answer.json()
        yield answer.json()
        cursor = answer.json()["meta"]["next_cursor"]


def ids(answer):
    return [record["id"] for record in answer["results"]]


def walked(api, path, **parameters):
    return [image for page in pages(api, path, **parameters) for image in ids(page)]


# --- A walk --------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_a_walk_meets_what_the_pages_have_in_the_same_order(api, path, order, limit):
    for make in (make_image, make_pending, make_image, make_pending, make_image):
        make("any", created_at=NOON, filename="same")
        make("any", created_at=NOON + timedelta(microseconds=1), filename="Straße", size=7)
    everything = ids(api.get(path, {"order": order, "exact_tags": "any"}).json())
    assert len(everything) == 10
    assert walked(api, path, order=order, limit=limit) == everything


def test_meta_tells_of_each_page_where_it_goes_on(api, path):
    for _ in range(3):
        make_image("any")
    first, last = pages(api, path)
    shared = {"current_page": 0, "total_results": 3}
    assert first["meta"] == shared | {
        "has_more_pages": True,
        "next_cursor": first["meta"]["next_cursor"],
    }
    assert last["meta"] == shared | {"has_more_pages": False, "next_cursor": None}


def test_nothing_found_is_one_empty_page(api, path):
    meta = {"current_page": 0, "has_more_pages": False, "total_results": 0, "next_cursor": None}
    assert list(pages(api, path)) == [{"results": [], "meta": meta}]


def test_without_a_cursor_meta_is_as_published(api, path):
    for _ in range(3):
        make_image("any")
    meta = api.get(path, {"limit": 2, "exact_tags": "any"}).json()["meta"]
    assert meta == {"current_page": 0, "has_more_pages": True, "total_results": 3}


def test_others_are_walked_as_their_viewer_sees_them(api_as):
    clients = {name: make_credentials(name, staff=name == "staff") for name in ("mira", "staff")}
    mira, tomorrow = User.objects.get(username="mira"), datetime.now(UTC) + timedelta(days=1)
    public, ending = make_image("any").pk, make_image("any", ended_at=tomorrow).pk
    own, other = make_image("any", by=mira, private=True).pk, make_image("any", private=True).pk
    seen = {name: walked(api_as(who), LISTS[0], limit=1) for name, who in clients.items()}
    assert seen == {"mira": [own, ending, public], "staff": [other, own, ending, public]}


@pytest.mark.parametrize("who", ["anonymous", "mira", "staff"])
def test_an_image_with_several_of_the_tags_comes_once(api, api_as, who):
    client = api if who == "anonymous" else api_as(make_credentials(who, staff=who == "staff"))
    made = [make_image(*tags).pk for tags in ("ab", "a", "ab", "b", "ab")]
    assert walked(client, LISTS[2], exact_tags="", any_tags="a|b") == made[::-1]


# --- Links ---------------------------------------------------------------------------------------


def linked(answer):
    """The URL of the next page that an answer links to."""
    url, parameters = answer.headers["Link"].split("; ")
    assert parameters == 'rel="next"'
    return url.strip("<>")


def test_each_page_that_others_follow_links_to_the_next(api, path):
    made = [make_image("any", "a&b=é").pk for _ in range(5)]
    answer = api.get(path, {"limit": 2, "exact_tags": "a&b=é|any", "page": 1})
    assert ids(answer.json()) == made[2:0:-1]
    url = linked(answer)
    assert urlsplit(url).netloc == "testserver"
    asked = parse_qs(urlsplit(url).query)
    assert asked.pop("cursor")
    assert asked == {"limit": ["2"], "exact_tags": ["a&b=é|any"]}
    last = api.get(url)
    assert ids(last.json()) == made[:1]
    assert "Link" not in last.headers


def test_a_link_that_would_be_too_long_for_a_header_is_left_out(api):
    for _ in range(2):
        make_image("any")
    answer = api.get("/v1/images", {"limit": 1, "cursor": "", "not_tags": "x" * 2_000})
    assert answer.json()["meta"]["next_cursor"]
    assert "Link" not in answer.headers


# --- Bad cursors ---------------------------------------------------------------------------------


@pytest.fixture
def cursor(api):
    """The cursor of a first page, newest first."""
    for _ in range(2):
        make_image("any", created_at=NOON)
    return next(pages(api, "/v1/images", limit=1))["meta"]["next_cursor"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda cursor: cursor[:-1],
        lambda cursor: cursor[1:],
        lambda cursor: cursor + "A",
        lambda cursor: cursor[:15] + ("A" if cursor[15] != "A" else "B") + cursor[16:],
        lambda cursor: cursor.upper(),
        lambda cursor: "0",
        lambda cursor: "é",
        lambda cursor: "%00",
        lambda cursor: "A" * 8_000,
    ],
)
def test_what_is_no_cursor_is_400(api, path, cursor, spoil):
    answer = api.get(path, {"exact_tags": "any", "cursor": spoil(cursor)})
    problem = "cursor: Not a cursor of the order newest."
    assert answer.json() == {"code": 400, "message": problem, "errors": [problem]}


@pytest.mark.parametrize("order", sorted(ORDERS.keys() - {"newest"}))
def test_a_cursor_is_for_its_own_order(api, path, cursor, order):
    answer = api.get(path, {"exact_tags": "any", "cursor": cursor, "order": order})
    assert answer.json()["message"] == f"cursor: Not a cursor of the order {order}."


@pytest.mark.parametrize("asked", [{"cursor": ""}, {"cursor": "x"}])
def test_a_cursor_does_not_go_with_a_page(api, path, asked):
    answer = api.get(path, {"exact_tags": "any", "page": 1, **asked})
    assert (answer.status_code, answer.json()["code"]) == (400, 400)


def test_the_first_page_is_what_clients_always_send(api, path):
    made = [make_image("any").pk for _ in range(3)]
    assert walked(api, path, page=0) == made[::-1]


def test_a_cursor_is_short_and_safe_in_a_url(cursor):
    assert len(cursor) < 80
    assert cursor.isascii()
    assert cursor.replace("-", "").replace("_", "").isalnum()


# --- While the corpus changes --------------------------------------------------------------------

# Few instants and names, so that many images are at the same place.
MAKING = st.tuples(
    st.just("make"), st.integers(0, 3), st.sampled_from(["a", "B", "ß"]), st.booleans()
)
CHANGING = st.tuples(st.sampled_from(["delete", "untag", "tag"]), st.integers(0, 9))
CHANGES = st.lists(MAKING | CHANGING | st.just(("take in",)), max_size=3)


def make(second, filename, uploaded):
    factory = make_image if uploaded else make_pending
    return factory("any", created_at=NOON + timedelta(seconds=second), filename=filename)


def apply(change, images):
    """Change the corpus; the image that was touched, if any."""
    match change:
        case ("make", *fields):
            make(*fields)
        case ("take in",):
            merging.merge(3)
        case (how, number):
            image = images[number % len(images)]
            if how == "delete":
                Image.objects.filter(pk=image.pk).delete()
            elif Image.objects.filter(pk=image.pk).exists():
                tagging.retag(image, ["any"] if how == "tag" else [], TESTS)
            return image.pk
    return None


def results_in(order):
    query = Query(exact_tags=("any",))
    return SearchResults(query, Viewer.of(None), order, thresholds=SMALL)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(MAKING, min_size=1, max_size=8),
    st.lists(CHANGES, max_size=6),
    st.sampled_from(sorted(ORDERS)),
    st.integers(1, 3),
)
def test_what_is_there_throughout_comes_once_and_in_order(db, corpus, changes, order, limit):
    with transaction.atomic():
        images = [make(*fields) for _, *fields in corpus]
        give_bitmaps(["any"])
        there = [image.pk for image in results_in(order).images]
        met, touched, last = [], set(), None
        for now in itertools.chain(changes, itertools.repeat([])):
            page = results_in(order).page(limit, after=last)
            met += [record.id for record in page.records]
            touched |= {apply(change, images) for change in now}
            if (last := page.last) is None:
                break
        assert max(Counter(met).values(), default=1) == 1
        assert [image for image in met if image in there and image not in touched] == [
            image for image in there if image not in touched
        ]
        transaction.set_rollback(True)
