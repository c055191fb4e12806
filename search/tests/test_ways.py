"""Which way a total is counted: by what was measured at a million images (docs/tag-index.md)."""

import pytest

from images.visibility import Viewer
from search.executor import counts
from search.planner.resolution import Clause, Plan

EVERYBODY = Viewer.of(None)
RARE, USUAL, COMMON = 50, 20_000, 300_000


def heavy(links: int, tag: int = 1) -> Clause:
    return Clause(heavy=(tag,), links=links)


def light(links: int, tags: int = 1) -> Clause:
    return Clause(light=tuple(range(100, 100 + tags)), links=links, light_links=links)


@pytest.mark.parametrize(
    ("clauses", "by_rows"),
    [
        ([heavy(USUAL)], False),
        ([heavy(USUAL), heavy(COMMON, 2)], False),
        ([light(RARE)], True),
        ([light(RARE), heavy(COMMON)], True),
        ([light(RARE), heavy(USUAL, 1), heavy(COMMON, 2)], True),
        # To be looked up in blocks, all of them would have to be read as well.
        ([light(USUAL, tags=400)], True),
        ([light(USUAL, tags=400), heavy(COMMON)], False),
    ],
)
def test_few_links_are_read_and_many_are_looked_up(clauses, by_rows):
    plan = Plan(EVERYBODY, tuple(clauses))
    assert counts.by_rows(plan) is by_rows


def test_a_pattern_of_a_few_common_tags_and_many_rare_ones_is_counted_by_bitmaps():
    both = Clause(heavy=(1, 2), light=(3, 4), links=2 * COMMON, light_links=RARE)
    assert not counts.by_rows(Plan(EVERYBODY, (both,)))


def test_the_page_is_found_with_the_total_where_few_links_are_read():
    assert counts.by_few_links(Plan(EVERYBODY, (light(RARE),)))
    assert not counts.by_few_links(Plan(EVERYBODY, (light(USUAL, tags=400),)))
    assert not counts.by_few_links(Plan(EVERYBODY))
