"""`facets=tags`: the most frequent tags of all that was found, exactly."""

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from images.models import Image
from images.visibility import Viewer
from search.executor import facets
from search.index import merging
from search.models import Rebuild
from search.query import Query
from search.results import SearchResults
from search.tests.indexes import give_bitmaps
from search.tests.thresholds import SMALL
from taggedimages.factories import (
    TESTS,
    make_credentials,
    make_image,
    make_pending,
    make_tag,
    make_user,
)
from taggedimages.identity.models import User
from tags import tagging, vocabulary
from tags.models import ImageTag

pytestmark = pytest.mark.django_db

LISTS = ("/v1/images", "/v1/tags/{tag}/images", "/v1/search/images")
TOMORROW = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture(params=LISTS)
def path(request):
    """One of the lists; all images of these tests are tagged `any`."""
    return request.param.format(tag=make_tag("any").pk)


def counts(client, path, **parameters):
    """The names and counts of the facets."""
    answer = client.get(path, {"exact_tags": "any", "facets": "tags", **parameters}).json()
    assert answer.keys() == {"results", "meta", "facets"}
    assert answer["facets"].keys() == {"tags"}
    return [(tag["name"], tag["count"]) for tag in answer["facets"]["tags"]]


# --- What is counted -----------------------------------------------------------------------------


def test_tags_are_counted_in_all_that_was_found(api, path):
    make_image("any", "b", "a")
    make_image("any", "a")
    make_image("any", "c", "B")
    answer = api.get(path, {"exact_tags": "any", "facets": "tags", "limit": 1}).json()
    assert len(answer["results"]) == 1
    assert answer["facets"]["tags"][:2] == [
        {"id": make_tag("any").pk, "name": "any", "count": 3},
        {"id": make_tag("a").pk, "name": "a", "count": 2},
    ]
    assert counts(api, path) == [("any", 3), ("a", 2), ("B", 1), ("b", 1), ("c", 1)]
    assert counts(api, path, any_tags="a", order="largest") == [("a", 2), ("any", 2), ("b", 1)]
    assert counts(api, path, any_tags="c", cursor="") == [("any", 1), ("B", 1), ("c", 1)]


def test_what_has_no_plan_is_counted_too(api, path):
    make_image("any", "a", filename="knee.png")
    make_image("any", "b", filename="hand.png")
    assert counts(api, path, filename="KNEE") == [("a", 1), ("any", 1)]


def test_nothing_found_has_no_tags(api, path):
    assert counts(api, path) == counts(api, path, filename="x") == []
    make_image("any")
    assert counts(api, path, any_tags="unknown") == []
    make_image()
    assert counts(api, "/v1/images", untagged="true") == []


def test_each_counts_what_they_see(api, api_as):
    mira = api_as(make_credentials("mira"))
    make_image("any", "own", by=User.objects.get(username="mira"), private=True)
    make_image("any", "hidden", private=True)
    make_image("any", "ended", ended_at=datetime.now(UTC))
    make_image("any", "ending", ended_at=TOMORROW)
    assert counts(api, LISTS[2]) == [("any", 1), ("ending", 1)]
    assert counts(mira, LISTS[2]) == [("any", 2), ("ending", 1), ("own", 1)]


@pytest.mark.parametrize("condition", [{}, {"max_size": "2000"}])
def test_at_most_100_are_told_equal_ones_by_name(api, condition):
    names = [f"tag{n:03}" for n in range(103)]
    make_image("any", *reversed(names))
    make_image("any", names[102])
    assert counts(api, LISTS[2], **condition) == [
        ("any", 2),
        (names[102], 2),
        *((name, 1) for name in names[:98]),
    ]


def test_they_are_only_there_where_they_were_asked_for(api, path):
    make_image("any")
    assert api.get(path, {"exact_tags": "any"}).json().keys() == {"results", "meta"}


@pytest.mark.parametrize("asked", ["", "formats", "tags|formats", "Tags"])
def test_anything_else_is_400(api, path, asked):
    answer = api.get(path, {"exact_tags": "any", "facets": asked})
    assert answer.status_code == 400
    assert answer.json()["message"] == "facets: Must be one of: tags."


# --- Against a plain count -----------------------------------------------------------------------

NAMES = ["a", "B", "b", "é", "z"]
TAGS = st.sets(st.sampled_from(NAMES))
TERMS = st.lists(st.sampled_from([*NAMES, "unknown"]), min_size=1, max_size=2).map(tuple)


@dataclass(frozen=True)
class Row:
    """An image, as it is made."""

    tags: set[str]
    uploaded: bool
    private: bool
    own: bool
    ending: bool

    def make(self, mira):
        factory = make_image if self.uploaded else make_pending
        owner = mira if self.own else None
        ended_at = TOMORROW if self.ending else None
        return factory(*sorted(self.tags), by=owner, private=self.private, ended_at=ended_at)


ROWS = st.builds(Row, TAGS, st.booleans(), st.booleans(), st.booleans(), st.booleans())
QUERIES = st.builds(
    Query,
    exact_tags=st.just(()) | TERMS,
    match_tags=st.just(()) | st.just(("%b%",)) | st.just(("%",)),
    untagged=st.sampled_from([False, False, True]),
    uploaded_only=st.booleans(),
    filename_contains=st.sampled_from(["", "", "", "1"]),
    created_before=st.none() | st.just(TOMORROW),
    aliased=st.booleans(),
)
# Before the question: what the index has taken in, and what came after that.
CHANGES = st.lists(
    st.tuples(st.sampled_from(["tag", "hide", "end", "delete"]), st.integers(0, 9), TAGS),
    max_size=4,
)


def change(how, image, tags):
    match how:
        case "tag" if Image.objects.filter(pk=image.pk).exists():
            tagging.retag(image, tags, TESTS)
        case "hide":
            Image.objects.filter(pk=image.pk).update(visibility=2)
        case "end":
            Image.objects.filter(pk=image.pk).update(ended_at=TOMORROW)
        case "delete":
            Image.objects.filter(pk=image.pk).delete()


def plainly_counted(results):
    found = set(results.images.values_list("pk", flat=True))
    links = ImageTag.objects.select_related("tag", "tag__alias_of")
    pairs = {
        (link.image_id, link.tag.alias_of or link.tag) for link in links if link.image_id in found
    }
    counted = Counter(tag for _, tag in pairs)
    ranked = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0].folded, pair[0].name))
    return [{"id": tag.pk, "name": tag.name, "count": count} for tag, count in ranked]


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.lists(ROWS, min_size=1, max_size=8),
    dense=st.sets(st.sampled_from(NAMES)),
    changes=CHANGES,
    few=st.none() | st.integers(0, 3),
    trusted=st.sampled_from([True, True, True, False]),
    query=QUERIES | st.just(Query()),
    who=st.sampled_from(["nobody", "mira", "staff"]),
    most=st.integers(1, 4),
    by_links=st.sampled_from([0, 0, 50_000]),
    reads_more=st.sampled_from([0.05, 0.1, 0.2]),
    aliases=st.dictionaries(st.sampled_from(NAMES), st.sampled_from(NAMES), max_size=2),
)
def test_they_are_what_a_plain_count_says(
    monkeypatch, rows, dense, changes, few, trusted, query, who, most, by_links, reads_more, aliases
):
    # Of the few links of a test, too few to know, just enough, and some more.
    monkeypatch.setattr(facets, "READS_MORE", reads_more)
    thresholds = replace(SMALL, facet_tags_max=most, facet_images_by_links_max=by_links)
    with transaction.atomic():
        mira, staff = make_user("mira"), make_user("staff", staff=True)
        viewer = {"nobody": None, "mira": mira, "staff": staff}[who]
        images = [row.make(mira) for row in rows]
        give_bitmaps(dense)
        for how, number, tags in changes:
            change(how, images[number % len(images)], tags)
        if few:
            merging.merge(few)
        # After the links, so that these are of the alias itself.
        for name, target in aliases.items():
            with suppress(vocabulary.Cycle):
                vocabulary.alias(make_tag(name), make_tag(target), TESTS)
        if not trusted:
            Rebuild.objects.create()
        found = SearchResults(query, Viewer.of(viewer), thresholds=thresholds)
        assert found.facets() == plainly_counted(found)[:most]
        transaction.set_rollback(True)


# --- Tags without bitmaps: some of their links may tell that they cannot be among the first -------

AGO = [datetime.now(UTC) - timedelta(hours=hours) for hours in (2, 1)]
FIRST_OF_UPLOADED = replace(SMALL, facet_tags_max=1)


@pytest.fixture(params=[(0, 1), (1, 0)], ids=["lost first", "found first"])
def times(request):
    """When images were created that are not found, and those that are: links are in this order."""
    return [AGO[number] for number in request.param]


def first_of_uploaded():
    found = SearchResults(Query(uploaded_only=True), Viewer.of(None), thresholds=FIRST_OF_UPLOADED)
    return [(tag["name"], tag["count"]) for tag in found.facets()]


@pytest.fixture(autouse=True)
def as_many_reads_as_there_have_to_be(monkeypatch):
    monkeypatch.setattr(facets, "READS_MORE", 1 - facets.FOUND_SHARE_MAX)


@pytest.mark.parametrize(("of_dense", "wanted"), [(2, "b"), (3, "b"), (4, "dense")])
def test_one_that_may_still_be_the_first_is_counted_to_the_end(times, of_dense, wanted):
    """Equal counts are told by name."""
    for _ in range(3):
        make_pending("b", created_at=times[0])
        make_image("b", created_at=times[1])
    for _ in range(of_dense):
        make_image("dense")
    give_bitmaps(["dense"])
    assert first_of_uploaded() == [(wanted, max(of_dense, 3))]


def test_links_that_came_since_the_last_merge_do_not_count_against_it(times):
    for _ in range(2):
        make_pending("b", created_at=times[0])
    for _ in range(3):
        make_image("b", created_at=times[1])
        make_image("dense")
    give_bitmaps(["dense"])
    for _ in range(2):
        make_pending("b", created_at=times[0] - timedelta(minutes=1))
        make_pending("b", created_at=times[0] + timedelta(minutes=1))
    assert first_of_uploaded() == [("b", 3)]
