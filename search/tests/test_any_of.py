"""Albums, words of filenames and tags of which one is enough: whatever the index makes of them is
what rows say."""

from datetime import timedelta
from itertools import product

import pytest
from django.utils import timezone

from images.visibility import Viewer
from search.lookups import any_of
from search.ordering import UNENDED_FIRST
from search.query import AnyOf, Query
from search.results import SearchResults
from search.tests.indexes import merge_all
from search.tests.thresholds import SMALL
from taggedimages.factories import make_image, make_tag, make_user

pytestmark = pytest.mark.django_db

ALBUMS, ANY_CASE = [(), ("Ward",), ("default",)], [(), ("WARD", "case-1")]
WORDS, TAGS = [(), ("left",), ("png", "(a)")], [(), ("knee",), ("knee", "rare")]


@pytest.fixture
def ann():
    """Who made some of what there is: twelve images of all kinds, and some with an end."""
    user = make_user("ann", project_id="org")
    for number in range(12):
        make_image(
            *[tag for place, tag in enumerate(["knee", "x"]) if number >> place & 1],
            *(["rare"] if number == 7 else []),
            filename=["IMG_left-01.jpg", "left.png", "cleft (a).gif"][number % 3],
            album_id=["Ward", "ward", "case-1", "default"][number % 4],
            by=user if number > 5 else None,
        )
    make_image("knee", by=user, private=True)
    make_image("knee", album_id="Ward", ended_at=timezone.now() + timedelta(hours=1))
    make_image("knee", album_id="Ward", ended_at=timezone.now() - timedelta(hours=1))
    merge_all(SMALL)
    return user


def every_question():
    """Each list with each, the tags by their ids."""
    for albums, in_any_case, words, names in product(ALBUMS, ANY_CASE, WORDS, TAGS):
        yield AnyOf(albums, in_any_case, words, tuple(make_tag(name).pk for name in names))


@pytest.mark.parametrize("common", [1, 10_000])
@pytest.mark.parametrize("project", [None, "org"])
def test_what_is_found_is_what_rows_say(ann, project, common, monkeypatch):
    monkeypatch.setattr(any_of, "COMMON_IMAGES", common)
    make_image("knee", "late", filename="late_left.png", by=ann)
    for asked, user in product(every_question(), (None, ann)):
        query = Query(any_of=(asked,), project=project)
        found = SearchResults(query, Viewer.of(user), UNENDED_FIRST, thresholds=SMALL)
        wanted = list(found.images)
        assert (found.count(), found[0:4], found[4:30]) == (len(wanted), wanted[:4], wanted[4:])
        every = SearchResults(query, Viewer.of(user), thresholds=SMALL).all_images()
        assert list(every) == sorted(image.pk for image in wanted)


def test_two_lists_and_a_tag_are_asked_together(ann):
    query = Query(
        any_of=(AnyOf(filename_words=("left",)), AnyOf(tag_ids=(make_tag("knee").pk,))),
        exact_tags=("x",),
    )
    found = SearchResults(query, Viewer.of(ann), thresholds=SMALL)
    assert found.path is not None
    assert [record.id for record in found.page(20).records] == [image.pk for image in found.images]


def test_tags_alone_are_a_clause(ann):
    knee = make_tag("knee").pk
    path = SearchResults(
        Query(any_of=(AnyOf((), ("nowhere",), ("nothing",), (knee,)),)), Viewer.of(None)
    ).path
    assert path
    assert [clause.tag_ids for clause in path.resolved.clauses] == [[knee]]
    assert path.resolved.given is None


@pytest.mark.parametrize("asked", [AnyOf(("default",)), AnyOf((), (), ("left",))])
def test_what_images_are_full_of_is_met_row_by_row(ann, asked, monkeypatch):
    monkeypatch.setattr(any_of, "COMMON_IMAGES", 3)
    assert SearchResults(Query(any_of=(asked,)), Viewer.of(None)).path is None


def test_of_nothing_there_is_no_image(ann):
    assert SearchResults(Query(any_of=(AnyOf(),)), Viewer.of(ann)).count() == 0
