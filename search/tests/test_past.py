"""What a search as of an instant is held to: who is shown what, what happens meanwhile, and what is
not answered."""

from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest
from django.db import connection

from images.models import Image
from images.visibility import Viewer
from search.executor import past
from search.executor.blocks import Blocks
from search.index import project_terms
from search.query import Query, TagValues
from search.results import SearchResults, TooFarBack
from search.tests import pasts
from search.tests.indexes import merge_all
from search.tests.test_as_of import BY_INDEX, BY_ROWS, BY_SETS
from search.tests.test_visibility_of_searches import STATES
from search.tests.thresholds import SMALL
from taggedimages.factories import TESTS, make_image, make_user
from tags import tagging

pytestmark = pytest.mark.django_db

WAYS = [BY_SETS, BY_ROWS, *BY_INDEX]
THEN = pasts.FIRST
ANYBODY = Viewer.of(None)
QUERIES = [
    Query(),
    Query(exact_tags=("knee",)),
    Query(match_tags=("%",)),
    Query(with_any=((TagValues("knee"), TagValues("hip")),)),
    Query(without_any=(TagValues("left"),)),
    Query(untagged=True),
    Query(with_all=(TagValues("knee", ("",)),)),
    Query(exact_tags=("knee",), filename_contains="G", min_size=1_000),
    Query(uploaded_only=True, exact_tags=("left",), created_from=THEN - timedelta(days=400_000)),
]


def stamp(seconds: int) -> None:
    """What is changed from here on is changed so many seconds after THEN."""
    at = (THEN + seconds * pasts.SECOND).isoformat()
    pasts.sql("SELECT set_config('taggedimages.changed_at', %s, true)", at)


def found_by(thresholds, **asked) -> list[int]:
    query = Query(as_of=THEN, **asked)
    return sorted(SearchResults(query, ANYBODY, thresholds=thresholds).all_images())


@pytest.fixture
def people():
    """Two users, with images of each in each state whose tags have all changed since THEN."""
    stamp(0)
    people = [make_user(), make_user(project_id="clinic")]
    project_terms.adopt()
    for owner, fields in product([None, *people], STATES.values()):
        for tags in (("knee", "left"), ("knee", "rare"), ()):
            make_image(*tags, by=owner, **fields)
    merge_all(SMALL)
    stamp(5)
    for image in Image.objects.all():
        tagging.retag(image, ["hip"], TESTS)
    return people


def test_only_what_the_viewer_is_shown_now_is_found_and_counted(people):
    viewers = [
        *map(Viewer.of, [None, *people, make_user(staff=True)]),
        Viewer(audiences=None, project="clinic"),
    ]
    for query, viewer in product(QUERIES, viewers):
        shown = set(Image.objects.shown_to(viewer).values_list("pk", flat=True))
        asked = replace(query, as_of=THEN)
        wanted = set(SearchResults(asked, viewer).images.values_list("pk", flat=True))
        assert wanted
        assert wanted <= shown
        for thresholds in WAYS:
            found = SearchResults(asked, viewer, thresholds=thresholds)
            assert set(found.all_images()) == wanted
            page = found.page(1_000)
            assert {record.id for record in page.records} == wanted
            assert page.total == found.count() == len(wanted)


@pytest.mark.parametrize("thresholds", WAYS)
def test_what_is_written_between_two_statements_of_an_answer_is_not_in_it(thresholds):
    stamp(0)
    images = [make_image("knee") for _ in range(4)]
    wanted = [image.pk for image in reversed(images)]
    merge_all(SMALL)
    found = SearchResults(Query(exact_tags=("knee",), as_of=THEN), ANYBODY, thresholds=thresholds)
    assert found.path is None or found.path.resolved.as_of == THEN
    stamp(5)
    tagging.retag(images[0], ["hip"], TESTS)
    assert found.count() == 4
    tagging.retag(images[1], ["hip"], TESTS)
    make_image("knee", registered_at=THEN + pasts.SECOND)
    assert [record.id for record in found.page(10).records] == wanted
    chunks = found.stream()
    tagging.retag(images[2], ["hip"], TESTS)
    merge_all(SMALL)
    assert [record.id for chunk in chunks for record in chunk] == wanted
    assert sorted(found.all_images()) == sorted(wanted)


def test_plans_are_kept_whatever_the_instant():
    make_image("knee", registered_at=THEN)
    merge_all(SMALL)
    # What is counted once more is counted otherwise.
    for seconds in (0, 0, 0, 1):
        before = set(connection.connection.prepared)
        query = Query(exact_tags=("knee",), as_of=THEN + seconds * pasts.SECOND)
        found = SearchResults(query, ANYBODY, thresholds=BY_INDEX[0])
        assert found.page(10).total == 1
    assert before == set(connection.connection.prepared)


@pytest.mark.parametrize("thresholds", WAYS)
def test_while_the_index_is_made_anew_links_tell(thresholds):
    stamp(0)
    image, other = make_image("knee"), make_image()
    merge_all(SMALL)
    stamp(5)
    tagging.retag(image, [], TESTS)
    pasts.sql("INSERT INTO search_rebuild (asked_at) VALUES (now())")
    assert found_by(thresholds, exact_tags=("knee",)) == [image.pk]
    assert found_by(thresholds, without_any=(TagValues("knee"),)) == [other.pk]
    assert found_by(thresholds, untagged=True) == [other.pk]


def test_nothing_is_known_of_then_by_the_images_of_now():
    """Neither an image that came later, nor a tag that nothing has any more."""
    stamp(0)
    image = make_image("knee")
    stamp(5)
    make_image(registered_at=THEN + pasts.SECOND)
    Image.objects.get(pk=image.pk).tags.all()[0].delete()
    for thresholds in WAYS:
        assert found_by(thresholds) == [image.pk]
        assert found_by(thresholds, exact_tags=("knee",)) == [image.pk]
        assert found_by(thresholds, match_tags=("kn%",)) == [image.pk]
        assert found_by(thresholds, untagged=True) == []


def test_what_had_no_tag_is_not_found_out_over_very_many_changes(monkeypatch):
    stamp(5)
    make_image("knee", "left")
    monkeypatch.setattr(past, "LINES_OF_TAGGED_MAX", 2)
    assert len(found_by(BY_SETS, untagged=True)) == 1
    monkeypatch.setattr(past, "LINES_OF_TAGGED_MAX", 1)
    with pytest.raises(TooFarBack, match="More than 1 changes of tags since then"):
        found_by(BY_SETS, untagged=True)
    assert len(found_by(BY_SETS, exact_tags=())) == 1


@pytest.mark.parametrize("later", [1, 5])
def test_who_was_there_is_known_whether_most_came_before_or_after(later):
    old = [make_image(registered_at=None).pk, *(make_image(registered_at=THEN).pk for _ in "ab")]
    new = [make_image(registered_at=THEN + pasts.MICROSECOND).pk for _ in range(later)]
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE images_image")
    for looked_up_max in (0, 1_000):
        every = Blocks.of([*old, *new])
        assert list(past.registered_by(every, THEN, looked_up_max)) == sorted(old)


def test_many_images_over_many_blocks_are_told_by_their_bits():
    """Of ids that are far apart, at the ends of bytes and blocks, and of blocks without any."""
    ids = [8_191, 8_192, 8_199, 8_200, 65_535, 10_000_000]
    for pk in ids:
        make_image("knee", pk=pk)
    for pk in (8_193, 40_000, 65_536, 9_999_999, 10_008_192):
        make_image(pk=pk)
    assert found_by(BY_SETS, exact_tags=("knee",)) == ids
    query = Query(exact_tags=("knee",), as_of=THEN)
    found = SearchResults(query, ANYBODY, thresholds=BY_SETS)
    assert sorted(image.pk for image in found) == ids
    assert {record.id for record in found.page(100).records} == set(ids)


@pytest.mark.parametrize("thresholds", WAYS)
def test_what_went_and_came_again_is_as_it_was(thresholds):
    stamp(0)
    often, other = make_image("knee"), make_image("hip")
    merge_all(SMALL)
    for second, names in enumerate([["hip"], ["knee"], ["hip"], ["knee"]], start=5):
        stamp(second)
        tagging.retag(often, names, TESTS)
    assert found_by(thresholds, exact_tags=("knee",)) == [often.pk]
    assert found_by(thresholds, exact_tags=("hip",)) == [other.pk]
    assert found_by(thresholds, without_any=(TagValues("knee"),)) == [other.pk]
