"""Operators on tags with values, and on the image itself."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from images.models import Image
from images.visibility import Viewer
from search.lookups import narrowed
from search.planner.resolution import resolve
from search.query import Query, TagValues
from search.results import SearchResults
from search.tests.indexes import give_bitmaps
from search.tests.thresholds import SPARSE
from taggedimages.factories import TESTS, make_image, make_tag
from tags import tagging

pytestmark = pytest.mark.django_db

A, B, X = TagValues("a"), TagValues("b"), TagValues("unknown")
A1, A2, B1 = TagValues("a", ("1",)), TagValues("a", ("2", "3")), TagValues("b", ("1",))


A0, A01 = TagValues("a", ("",)), TagValues("a", ("", "1"))


@pytest.fixture
def corpus():
    """Images named by what they hold."""
    for values in ({}, {"a": "1"}, {"a": "2"}, {"b": "1"}, {"a": "1", "b": "1"}):
        name = "".join(f"{tag}{value}" for tag, value in values.items())
        image = make_image(name=name)
        if values:
            tagging.set_values(image, values, TESTS)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (Query(with_all=(A,)), ["a1b1", "a2", "a1"]),
        (Query(with_all=(A1, B)), ["a1b1"]),
        (Query(with_all=(A2,)), ["a2"]),
        (Query(with_all=(A, X)), []),
        (Query(with_any=((A2, B1),)), ["a1b1", "b1", "a2"]),
        (Query(with_any=((X, A2),)), ["a2"]),
        (Query(with_any=((X,),)), []),
        (Query(without_all=(A1, B1)), ["b1", "a2", "a1", ""]),
        (Query(without_all=(A, X)), ["a1b1", "b1", "a2", "a1", ""]),
        (Query(without_any=(A2, B1)), ["a1", ""]),
        (Query(without_any=(X,)), ["a1b1", "b1", "a2", "a1", ""]),
        (Query(with_all=(A0,)), []),
        (Query(with_any=((A01, B1),), without_any=(A2,)), ["a1b1", "b1", "a1"]),
        (Query(without_all=(A, B)), ["b1", "a2", "a1", ""]),
        (Query(without_all=(A0,), without_any=(TagValues("a", ("1",)),)), ["b1", "a2", ""]),
        (Query(untagged=True), [""]),
        (Query(name=""), [""]),
        (Query(name="a1"), ["a1"]),
        (Query(name_contains="A1"), ["a1b1", "a1"]),
        (Query(name_contains="_"), []),
        (Query(uuid="no uuid"), []),
        (Query(with_all=(A,), without_any=(B,), name_contains="2"), ["a2"]),
        (Query(), ["a1b1", "b1", "a2", "a1", ""]),
    ],
)
@pytest.mark.parametrize("dense", [(), ("a",)])
def test_what_is_found(corpus, query, expected, dense):
    give_bitmaps(dense)
    # The index does not know this one yet.
    Image.objects.filter(name="a2").update(visibility=1)
    Image.objects.filter(name="a2").update(visibility=0)
    found = SearchResults(query, Viewer.of(None), thresholds=SPARSE)
    assert [image.name for image in found.images] == expected
    assert [image.name for image in found[0:10]] == expected
    assert found.count() == len(expected)
    records = found.page(10).records
    assert [record.id for record in records] == [image.pk for image in found.images]


def test_by_uuid(corpus):
    image = Image.objects.get(name="a1")
    assert narrowed(Image.objects.all(), Query(uuid=str(image.uuid).upper())).get() == image


@pytest.mark.parametrize(
    ("query", "probes"),
    [
        (Query(with_all=(A, B)), 2),
        (Query(with_any=((A, B),)), 1),
        (Query(without_all=(A, B)), 2),
        (Query(without_any=(A, B)), 1),
    ],
)
def test_names_are_resolved_in_one_statement(corpus, query, probes):
    with CaptureQueriesContext(connection) as queries:
        list(narrowed(Image.objects.all(), query))
    assert len(queries) == 2
    assert queries[1]["sql"].count("EXISTS") == probes


def test_not_to_have_all_of_one_tag_is_to_have_none_of_it():
    make_tag("a")
    viewer = Viewer.of(None)
    asked = resolve(Query(without_all=(A,)), viewer)
    assert asked == resolve(Query(without_any=(A,)), viewer) is not None
    assert resolve(Query(without_all=(A, B)), viewer) is None
    assert resolve(Query(without_all=(A1,)), viewer) is None
