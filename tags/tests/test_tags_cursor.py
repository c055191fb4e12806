"""Walking /v1/tags from page to page by cursor, while the vocabulary changes."""

import itertools
from collections import Counter
from functools import partial
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from images.visibility import Viewer
from taggedimages.factories import TESTS, make_image, make_spare_tags, make_tag
from taggedimages.tests.explaining import explained
from tags import alphabet, curation
from tags.models import Tag
from tags.names import MAX_LENGTH
from tags.v1.cursors import cursor_at

pytestmark = pytest.mark.django_db

NOBODY = Viewer.of(None)
NAMES = ["knee", "Knee", "KNEE", "straße", "STRASSE", "strasse", "été", "%", "\U0001f9b4", "a", "z"]


def pages(api, **parameters):
    """The answers from the first to the last, by cursor."""
    cursor = ""
    while cursor is not None:
        answer = api.get("/v1/tags", {**parameters, "cursor": cursor})
        assert answer.status_code == 200, answer.json()
        yield answer
        cursor = answer.json()["meta"]["next_cursor"]


def names(answer):
    return [tag["name"] for tag in answer.json()["results"]]


def in_order(names):
    return sorted(names, key=lambda name: (name.casefold(), name))


# --- A walk --------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_a_walk_by_cursor_meets_what_the_pages_by_number_have(api, limit):
    for name in NAMES:
        make_tag(name)
    walked = [tag for answer in pages(api, limit=limit) for tag in answer.json()["results"]]
    assert walked == api.get("/v1/tags").json()["results"]
    assert [tag["name"] for tag in walked] == in_order(NAMES)


def test_meta_of_a_page_by_cursor_has_next_cursor(api):
    for name in ("aaa", "bbb", "ccc"):
        make_tag(name)
    first, last = (answer.json()["meta"] for answer in pages(api, limit=2))
    shared = {"current_page": 0, "total_results": 3}
    assert first["next_cursor"]
    assert first == shared | {"has_more_pages": True, "next_cursor": first["next_cursor"]}
    assert last == shared | {"has_more_pages": False, "next_cursor": None}


def test_no_tags_are_one_empty_page_by_cursor(api):
    (only,) = pages(api)
    meta = {"current_page": 0, "has_more_pages": False, "total_results": 0, "next_cursor": None}
    assert only.json() == {"results": [], "meta": meta}
    assert "Link" not in only.headers


def test_meta_of_a_page_by_number_has_no_next_cursor(api):
    for name in ("aaa", "bbb", "ccc"):
        make_tag(name)
    meta = api.get("/v1/tags", {"limit": 2}).json()["meta"]
    assert meta == {"current_page": 0, "has_more_pages": True, "total_results": 3}


# --- Links ---------------------------------------------------------------------------------------


def test_each_page_of_tags_that_others_follow_links_to_the_next(api):
    for name in ("aaa", "bbb", "ccc", "ddd", "eee"):
        make_tag(name)
    answer = api.get("/v1/tags", {"limit": 2, "page": 1})
    assert names(answer) == ["ccc", "ddd"]
    url, parameters = answer.headers["Link"].split("; ")
    assert parameters == 'rel="next"'
    asked = parse_qs(urlsplit(url.strip("<>")).query)
    assert asked.pop("cursor")
    assert asked == {"limit": ["2"]}
    last = api.get(url.strip("<>"))
    assert names(last) == ["eee"]
    assert "Link" not in last.headers


def test_the_longest_name_makes_a_cursor_that_goes_on(api):
    longest = "\U0001f9b4" * MAX_LENGTH
    for name in (longest, longest[1:], "aaa"):
        make_tag(name)
    assert [names(answer) for answer in pages(api, limit=1)] == [["aaa"], [longest[1:]], [longest]]


# --- Bad cursors ---------------------------------------------------------------------------------


@pytest.mark.parametrize("spoil", [lambda c: c[:-1], lambda c: c + "A", lambda c: "0", str.upper])
def test_what_is_no_cursor_of_tags_is_400(api, spoil):
    for name in ("aaa", "bbb"):
        make_tag(name)
    cursor = next(pages(api, limit=1)).json()["meta"]["next_cursor"]
    answer = api.get("/v1/tags", {"cursor": spoil(cursor)})
    problem = "cursor: Not a cursor of the list of tags."
    assert answer.status_code == 400
    assert answer.json() == {"code": 400, "message": problem, "errors": [problem]}


def test_a_cursor_of_images_is_none_of_tags(api):
    for _ in range(2):
        make_image("any")
    cursor = api.get("/v1/images", {"limit": 1, "cursor": ""}).json()["meta"]["next_cursor"]
    assert api.get("/v1/tags", {"cursor": cursor}).status_code == 400


@pytest.mark.parametrize("asked", [{"cursor": ""}, {"cursor": "x"}])
def test_a_cursor_of_tags_does_not_go_with_a_page(api, asked):
    answer = api.get("/v1/tags", {"page": 1, **asked})
    assert (answer.status_code, answer.json()["message"]) == (400, "cursor: Does not go with page.")


def test_the_first_page_is_what_clients_always_send(api):
    make_tag("knee")
    assert api.get("/v1/tags", {"page": 0, "cursor": ""}).json()["results"]


# --- Cost ----------------------------------------------------------------------------------------


def test_a_page_by_cursor_reads_no_more_than_itself_however_deep(api):
    make_spare_tags(20_000)
    deep = Tag.objects.alphabetical()[15_000]
    after = alphabet.TagPosition(deep.folded, deep.name)
    cursor = api.get("/v1/tags", {"limit": 100, "cursor": ""}).json()["meta"]["next_cursor"]
    for following in (cursor, cursor_at(after)):
        read = explained(partial(api.get, "/v1/tags", {"limit": 100, "cursor": following}))
        assert len(read) == 1
        assert sum(statement.rows({"tags_tag", "tags_audiencetag"}) for statement in read) <= 101
        used = {index for statement in read for index in statement.indexes}
        assert used >= {"audiencetag_by_name"}


# --- While the vocabulary changes ----------------------------------------------------------------

# Few names, so that many differ by case alone and changes are near where the walk is.
NAME = st.sampled_from(["a", "A", "b", "B", "ß", "ss", "SS", "c"]).flatmap(
    lambda first: st.sampled_from([first, f"{first}1", f"{first}2"])
)
CHANGE = (
    st.tuples(st.just("make"), NAME)
    | st.tuples(st.just("delete"), NAME)
    | st.tuples(st.just("rename"), NAME, NAME)
)


def apply(change):
    """Change the vocabulary; the id of the tag that was touched, if any."""
    match change:
        case ("make", name):
            make_tag(name)
        case ("delete", name):
            if tag := Tag.objects.filter(name=name).first():
                curation.delete(tag, TESTS)
                return tag.id
        case ("rename", old, new):
            tag = Tag.objects.filter(name=old).first()
            if tag and not Tag.objects.filter(name=new).exists():
                return curation.rename(tag, new, TESTS).pk
    return None


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.sets(NAME, min_size=1, max_size=10),
    st.lists(st.lists(CHANGE, max_size=3), max_size=6),
    st.integers(1, 3),
)
def test_a_tag_that_is_there_throughout_a_walk_comes_exactly_once(db, made, changes, limit):
    with transaction.atomic():
        for name in made:
            make_tag(name)
        there = list(Tag.objects.alphabetical().values_list("pk", flat=True))
        met, touched, after = [], set(), None
        for now in itertools.chain(changes, itertools.repeat([])):
            page = alphabet.page(NOBODY, limit, after=after)
            assert page.total == Tag.objects.count()
            met += [tag["id"] for tag in page.tags]
            touched |= {apply(change) for change in now}
            if (after := page.last) is None:
                break
        unmoved = [tag for tag in there if tag not in touched]
        assert [tag for tag in met if tag in unmoved] == unmoved
        counted = Counter(met)
        assert all(counted[tag] == 1 for tag in met if tag not in touched)
        transaction.set_rollback(True)
