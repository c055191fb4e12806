"""GET /v1/search/images: images by exact and by matching tags."""

import re
from datetime import UTC, datetime, timedelta
from unittest.mock import ANY
from urllib.parse import urlencode

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from images.visibility import Viewer
from search.query import Query
from search.results import SearchResults
from taggedimages.factories import make_image, make_pending, make_user

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
EPOCH_NOON = int(NOON.timestamp())
NO_LIST = {
    "code": 400,
    "message": "Give exact_tags, match_tags or another condition.",
    "errors": ["Give exact_tags, match_tags or another condition."],
}


def search(api, *pairs: tuple[str, str], **parameters):
    """The ids found; `pairs` may repeat a parameter."""
    query = urlencode([*pairs, *parameters.items()])
    answer = api.get(f"/v1/search/images?{query}")
    assert answer.status_code == 200, answer.json()
    assert answer.json()["meta"]["total_results"] >= len(answer.json()["results"])
    return [record["id"] for record in answer.json()["results"]]


@pytest.mark.parametrize("slash", ["", "/"])
def test_answers_a_page_of_whole_records(api, slash):
    image = make_image("knee", "left", created_at=NOON)
    make_image("ankle")
    assert api.get(f"/v1/search/images{slash}?exact_tags=knee").json() == {
        "results": [api.get(f"/v1/images/{image.pk}").json() | {"url": ANY}],
        "meta": {"current_page": 0, "has_more_pages": False, "total_results": 1},
    }


# --- exact_tags ----------------------------------------------------------------------------------


def test_all_exact_tags_must_be_on_the_image(api):
    both = make_image("a", "b", "c").pk
    make_image("a")
    make_image("b")
    assert search(api, exact_tags="a|b") == search(api, exact_tags="b|a|b") == [both]
    assert search(api, exact_tags="a|b|unknown") == []


@pytest.mark.parametrize("asked", ["Knee", "KNEE", "kne", "knee ", " knee", "kne%", "%", "k_ee"])
def test_exact_tags_are_case_sensitive_whole_and_without_wildcard(api, asked):
    make_image("knee")
    assert search(api, exact_tags=asked) == []


@pytest.mark.parametrize("name", ["100%", "a_b", "a\\b", "été", "🦴", "a b", "a&b=c#d", "a,b"])
def test_an_exact_tag_is_found_whatever_its_characters(api, name):
    image = make_image(name)
    make_image("100x", "axb", "ab")
    assert search(api, exact_tags=name) == [image.pk]


# --- match_tags ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("sunset", {"sunset", "Sunset"}),
        ("SUNSET", {"sunset", "Sunset"}),
        ("sun", set()),
        ("sun%", {"sunset", "Sunset", "sun_set", "sun\\set", "sun%set"}),
        ("%SET", {"sunset", "Sunset", "sun_set", "sun\\set", "sun%set"}),
        ("%un%e%", {"sunset", "Sunset", "sun_set", "sun\\set", "sun%set"}),
        ("sun_set", {"sun_set"}),
        ("sun\\set", {"sun\\set"}),
        ("sun\\%", {"sun\\set"}),
        ("s_nset", set()),
        ("sunset%%", {"sunset", "Sunset"}),
        ("sunset\\", set()),
        ("strasse", {"Straße"}),
        ("STRASSE", {"Straße"}),
        ("straße", {"Straße"}),
        ("ÉTÉ", {"été"}),
        ("ete", set()),
        ("σίσυφος", {"ΣΊΣΥΦΟΣ"}),
        ("*", set()),
        ("sun?et", set()),
        ("sun.*", set()),
    ],
)
def test_a_pattern_is_the_whole_name_in_any_case_with_percent_as_its_wildcard(api, pattern, names):
    corpus = ("sunset", "Sunset", "sun_set", "sun\\set", "sun%set", "Straße", "été", "ΣΊΣΥΦΟΣ")
    images = {make_image(name).pk: name for name in corpus}
    assert {images[found] for found in search(api, match_tags=pattern)} == names


def test_percent_alone_is_any_tag_but_not_none(api):
    image = make_image("x").pk
    make_image()
    assert search(api, match_tags="%") == [image]


def test_every_pattern_must_match_some_tag_and_one_tag_may_serve_several(api):
    both = make_image("sunset", "beach").pk
    sunset = make_image("Sunset").pk
    assert search(api, match_tags="sun%|b%") == [both]
    assert search(api, match_tags="sun%|%SET") == [sunset, both]
    assert search(api, match_tags="sun%|moon%") == []


# --- lists ---------------------------------------------------------------------------------------


def test_with_both_lists_both_must_hold(api):
    both = make_image("knee", "Left").pk
    make_image("knee")
    make_image("left")
    assert search(api, exact_tags="knee", match_tags="l%") == [both]


def test_an_empty_list_counts_as_absent(api):
    image = make_image("abc").pk
    assert search(api, exact_tags="", match_tags="a%") == [image]
    assert search(api, exact_tags="abc", match_tags="||") == [image]


def test_empty_items_are_dropped(api):
    image = make_image("a", "b").pk
    make_image("a")
    assert search(api, exact_tags="|a||b|") == [image]


def test_a_repeated_parameter_adds_to_the_list(api):
    image = make_image("a", "b", "Cc").pk
    make_image("a", "Cc")
    assert search(api, ("exact_tags", "a"), ("exact_tags", "b")) == [image]
    assert search(api, ("match_tags", "c%"), ("match_tags", "B"), ("match_tags", "")) == [image]


@pytest.mark.parametrize(
    "query",
    ["", "exact_tags=", "match_tags=", "exact_tags=&match_tags=", "exact_tags=|||", "limit=5"],
)
def test_at_least_one_list_is_required(api, query):
    answer = api.get(f"/v1/search/images?{query}")
    assert (answer.status_code, answer.json()) == (400, NO_LIST)


@pytest.mark.parametrize("name", ["exact_tags", "match_tags"])
def test_lists_are_bounded_and_of_plain_text(api, name, settings):
    settings.MAX_SEARCH_TERMS = 5
    items = [str(n) for n in range(settings.MAX_SEARCH_TERMS + 1)]
    assert api.get("/v1/search/images", {name: "|".join(items[1:])}).status_code == 200
    for bad, why in (
        ("|".join(items), "At most 5 items."),
        ("a\0", "Null characters and surrogates are not allowed."),
    ):
        answer = api.get("/v1/search/images", {name: bad})
        assert (answer.status_code, answer.json()["message"]) == (400, f"{name}: {why}")


@pytest.mark.parametrize("name", ["exact_tags", "match_tags"])
def test_broken_utf_8_finds_nothing_and_breaks_nothing(api, name):
    make_image("abc")
    assert api.get(f"/v1/search/images?{name}=%ff%ed%a0%80").json()["results"] == []


# --- pages and windows ---------------------------------------------------------------------------


def test_results_are_newest_first_in_pages(api):
    old = make_image("a", created_at=NOON - timedelta(seconds=1)).pk
    tie, new = (make_image("a", created_at=NOON).pk for _ in range(2))
    assert search(api, exact_tags="a") == [new, tie, old]
    assert search(api, exact_tags="a", limit=2) == [new, tie]
    assert search(api, match_tags="A", limit=2, page=1) == [old]
    assert search(api, match_tags="A", page=7) == []


def test_windows_take_in_both_ends(api):
    before, start, end, after = (
        make_image("a", created_at=NOON + timedelta(seconds=s)).pk for s in (-0.1, 0, 10.9, 11)
    )
    window = {"start_timestamp": EPOCH_NOON, "end_timestamp": EPOCH_NOON + 10}
    assert search(api, exact_tags="a", **window) == [end, start]
    assert search(api, match_tags="a", **window) == [end, start]
    assert search(api, exact_tags="a", start_timestamp=0, end_timestamp=0) == [
        after,
        end,
        start,
        before,
    ]
    assert search(api, exact_tags="a", start_timestamp=EPOCH_NOON, end_timestamp=5) == []


def test_uploaded_only_leaves_pending_records_out(api):
    image = make_image("a").pk
    pending = make_pending("a").pk
    assert search(api, exact_tags="a") == [pending, image]
    assert search(api, exact_tags="a", uploaded_only="TRUE") == [image]


@pytest.mark.parametrize("query", ["limit=0", "page=-1", "uploaded_only=maybe", "end_timestamp=x"])
def test_a_bad_parameter_is_400(api, query):
    answer = api.get(f"/v1/search/images?exact_tags=a&{query}")
    assert answer.status_code == 400
    assert answer.json() == {"code": 400, "message": ANY, "errors": ANY}


@pytest.mark.parametrize("images", [2, 20])
@pytest.mark.parametrize(("query", "statements"), [("exact_tags=a|b", 2), ("match_tags=A|b%25", 2)])
def test_the_cost_does_not_grow_with_the_page(
    api, images, query, statements, django_assert_num_queries
):
    for n in range(images):
        make_image("a", "b", f"b{n}", by=make_user())
    # Names that this process has not met cost a statement more.
    search(api, exact_tags="a")
    with django_assert_num_queries(statements):
        assert len(api.get(f"/v1/search/images?{query}").json()["results"]) == images


# --- against a plain model -----------------------------------------------------------------------

# Few, so that names and patterns often meet; every character has a trap in it.
NAMES = st.text("aAbsSßẞiIİ\u0131éÉ_%\\.*?ﬀ ", min_size=1, max_size=4).filter(str.strip)
CORPORA = st.lists(st.frozensets(NAMES, max_size=3), min_size=1, max_size=5)


@st.composite
def questions(draw):
    """A corpus, and lists of names that are often in it, whole, in another case or in part."""
    corpus = draw(CORPORA)
    known = sorted(set().union(*corpus))
    name = st.sampled_from(known) if known else NAMES
    part = st.builds(lambda text, start: f"%{text[start:]}", name, st.integers(0, 3))
    pattern = name.map(str.swapcase) | part | part.map(lambda text: text[::-1]) | NAMES
    exact, match = st.lists(name, max_size=2), st.lists(pattern, max_size=2)
    return corpus, tuple(draw(exact)), tuple(draw(match))


def matches(name: str, pattern: str) -> bool:
    """What the contract says of one name and one pattern, said with a regular expression."""
    parts = [re.escape(part) for part in pattern.casefold().split("%")]
    return re.fullmatch(".*".join(parts), name.casefold(), re.DOTALL) is not None


def expected(corpus, exact, match):
    return [
        number
        for number, names in enumerate(corpus)
        if set(exact) <= names
        and all(any(matches(name, pattern) for name in names) for pattern in match)
    ]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(questions())
def test_search_finds_what_a_plain_model_finds(db, question):
    corpus, exact, match = question
    with transaction.atomic():
        images = [make_image(*names).pk for names in corpus]
        found = SearchResults(
            Query(exact_tags=exact, match_tags=match), Viewer.of(None)
        ).images.values_list("pk", flat=True)
        assert sorted(images.index(pk) for pk in found) == expected(corpus, exact, match)
        transaction.set_rollback(True)
