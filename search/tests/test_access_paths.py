"""Which access path is chosen: by costs that were measured at a million images."""

from datetime import UTC, datetime

import pytest

from images.visibility import Viewer
from search.executor.matches import MatchCount
from search.planner.fields import FieldRange, FieldValues
from search.planner.named_tags import Clause
from search.planner.paths import AccessPath, CountBy, ScanBy, choose
from search.planner.resolution import ResolvedQuery
from search.planner.windows import WindowSize

EVERYBODY = Viewer.of(None)
RARE, USUAL, COMMON = 50, 20_000, 300_000
IMAGES = 1_000_000


def dense(links: int, tag: int = 1) -> Clause:
    return Clause(dense=(tag,), link_count=links)


def sparse(links: int, tags: int = 1) -> Clause:
    return Clause((), tuple(range(100, 100 + tags)), links, links)


def path_for(*clauses: Clause, **more) -> AccessPath:
    return choose(ResolvedQuery(EVERYBODY, clauses, **more))


@pytest.mark.parametrize(
    ("clauses", "count_by"),
    [
        ([dense(USUAL)], CountBy.TERM_STATISTICS),
        ([], CountBy.TERM_STATISTICS),
        ([dense(USUAL), dense(COMMON, 2)], CountBy.BITMAPS),
        ([sparse(RARE)], CountBy.ROWS),
        ([sparse(RARE), dense(COMMON)], CountBy.ROWS),
        ([sparse(RARE), dense(USUAL, 1), dense(COMMON, 2)], CountBy.ROWS),
        # To be looked up in blocks, all of them would have to be read as well.
        ([sparse(USUAL, tags=400)], CountBy.ROWS),
        ([sparse(USUAL, tags=400), dense(COMMON)], CountBy.BITMAPS),
        ([Clause(), dense(COMMON)], CountBy.NOTHING),
    ],
)
def test_few_links_are_counted_in_rows_and_many_by_bitmaps(clauses, count_by):
    assert path_for(*clauses).count_by == count_by


def test_a_pattern_of_a_few_common_tags_and_many_rare_ones_is_counted_by_bitmaps():
    both = Clause(dense=(1, 2), sparse=(3, 4), link_count=2 * COMMON, sparse_link_count=RARE)
    assert path_for(both).count_by == CountBy.BITMAPS


def test_a_tag_that_must_be_uploaded_has_no_statistics_and_is_counted_by_bitmaps():
    assert path_for(dense(COMMON), uploaded_only=True).count_by == CountBy.BITMAPS


DAY, YEARS = WindowSize(500, IMAGES, 1), WindowSize(IMAGES // 2, IMAGES, 2)
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("clauses", "size", "count_by"),
    [
        ([], DAY, CountBy.ROWS),
        ([], YEARS, CountBy.BITMAPS),
        ([dense(COMMON)], DAY, CountBy.ROWS),
        ([dense(COMMON)], YEARS, CountBy.BITMAPS),
        ([sparse(RARE)], YEARS, CountBy.ROWS),
        # Where ids do not follow time, all blocks would be sliced.
        ([dense(USUAL)], WindowSize(IMAGES // 100, IMAGES, IMAGES // 8192), CountBy.ROWS),
    ],
)
def test_what_is_in_a_window_is_counted_in_rows_where_that_is_little(clauses, size, count_by):
    assert path_for(*clauses, created_from=NOON, window=size).count_by == count_by


def test_bitmaps_know_no_parts_of_seconds():
    odd = NOON.replace(microsecond=1)
    assert path_for(dense(COMMON), created_before=odd, window=YEARS).count_by == CountBy.ROWS


@pytest.mark.parametrize(
    "asked",
    [
        {"values": (FieldValues("format", ("png",)),)},
        {"ranges": (FieldRange("width", 2000, None),)},
        {"characters": ("5",)},
    ],
)
def test_fields_are_counted_by_bitmaps_but_of_few_links(asked):
    assert path_for(**asked).count_by == CountBy.BITMAPS
    assert path_for(dense(COMMON), **asked).count_by == CountBy.BITMAPS
    assert path_for(sparse(RARE), **asked).count_by == CountBy.ROWS


def test_a_range_that_no_number_is_in_finds_nothing():
    for bounds in ((2**31, None), (5, 4)):
        nowhere = FieldRange("width", *bounds)
        assert path_for(dense(COMMON), ranges=(nowhere,)).count_by == CountBy.NOTHING


def test_page_and_count_are_one_statement_where_few_links_are_read():
    assert path_for(sparse(RARE)).counts_with_page
    assert not path_for(sparse(USUAL, tags=400)).counts_with_page
    assert not path_for().counts_with_page


@pytest.mark.parametrize(
    ("clauses", "matches", "wanted", "scan_by"),
    [
        ([dense(COMMON)], COMMON, 100, ScanBy.LINKS),
        ([dense(COMMON), dense(COMMON, 2)], COMMON // 2, 100, ScanBy.LINKS),
        # Few match of many: walking to a page would pass nearly all links.
        ([dense(COMMON), dense(COMMON, 2)], 200, 100, ScanBy.BITMAPS),
        ([], IMAGES, 100, ScanBy.IMAGES),
        ([dense(COMMON)], COMMON, COMMON, ScanBy.LINKS),
    ],
)
def test_the_scan_of_a_page_depends_on_how_many_match(clauses, matches, wanted, scan_by):
    counted = MatchCount(matches, by_bitmaps=True, all_images=IMAGES)
    assert path_for(*clauses).scan_for(counted, wanted) == scan_by


def test_of_bitmaps_only_the_newest_blocks_are_read_where_ids_follow_time():
    path = path_for(untagged=True)
    unordered = MatchCount(IMAGES // 100, by_bitmaps=True, all_images=IMAGES)
    assert path.scan_for(unordered, 100) == ScanBy.IMAGES
    assert path.scan_for(unordered._replace(newest_blocks=1), 100) == ScanBy.BITMAPS
    # Some of the newest images are soon met, where most of all match.
    most = MatchCount(IMAGES // 2, by_bitmaps=True, all_images=IMAGES, newest_blocks=1)
    assert path.scan_for(most, 100) == ScanBy.IMAGES


def test_bitmaps_that_are_not_trusted_are_not_scanned():
    path = path_for(dense(COMMON), dense(COMMON, 2))
    counted = MatchCount(200, by_bitmaps=False, all_images=IMAGES, newest_blocks=1)
    assert path.scan_for(counted, 100) != ScanBy.BITMAPS


def test_ids_are_cached_where_reading_them_all_is_less_than_walking_to_a_page():
    assert path_for(dense(COMMON), dense(COMMON, 2)).cached_ids_max == 2_000
    assert path_for(dense(USUAL), dense(COMMON, 2)).cached_ids_max == 1_000
    assert path_for(sparse(RARE), dense(COMMON)).cached_ids_max == 0
