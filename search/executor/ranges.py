"""Ranges of numbers, answered from the slices of their bits, as pieces of SQL.

Slice k of a field are the images in whose number bit k is set. Which numbers are at least c is
folded from the lowest bit up: where bit k of c is set, only those go on that have it; where not,
those that have it are in whatever comes below. Bits of c that are the same and beside each other
are one run, which is put together at once; below the lowest bit that is set nothing can matter.
So statements differ by how many runs a bound has, and not by the bound; some of no bits are added,
so that there are few such numbers, and a connection has most plans.
"""

from functools import lru_cache
from typing import NamedTuple

from search.executor.predicates import AND, created_within
from search.index import fields, terms
from search.index.bits import EMPTY_BITS
from search.planner.fields import FieldRange
from search.planner.resolution import ResolvedQuery
from taggedimages.postgresql.fragments import EMPTY, Fragment, bigint, bigints, compose, join

# Selects (block) and each run by its name.
RUNS = """
SELECT block, {columns} FROM search_bitmap WHERE set = ANY({slices}) {within} GROUP BY block
"""
IN_RUN = "FILTER (WHERE set BETWEEN {last} AND {first})"
# A slice that has no row has no image; a run of none takes no image away.
ALL_OF_RUN = """
CASE WHEN count(*) {in_run} = {length} THEN coalesce(bit_and(bits) {in_run}, {full}) END AS {name}
"""
ANY_OF_RUN = "bit_or(bits) {in_run} AS {name}"
OF_BLOCK = "coalesce({name}, {empty})"

# What an aggregate makes of each block is worked out once, by OFFSET.
IN_RANGE = "SELECT block, {bits} AS bits FROM ({runs} OFFSET 0) sliced"

# No slices are read of blocks whose images were all created within the window, or all outside it.
IN_WINDOW = """
SELECT spans.block, CASE WHEN spans.is_inside THEN {full} ELSE {bits} END AS bits
FROM (SELECT block, {inside} AS is_inside FROM search_blockspan WHERE {overlaps} {within}) spans
LEFT JOIN ({runs} OFFSET 0) sliced USING (block)
"""
AT_BORDER = """
{within} AND block = ANY(ARRAY(
    SELECT block FROM search_blockspan WHERE {overlaps} AND NOT ({inside})
))
"""
# Runs come in multiples of so many; of a window more, for few blocks are looked at for it.
RUNS_OF_RANGE, RUNS_OF_WINDOW = 4, 24
FULL_BITS = compose("~{empty}", empty=EMPTY_BITS)


class Run(NamedTuple):
    """Bits of a bound beside each other, by their first and last, that are all set or all not."""

    first: int
    last: int
    is_set: bool


class Sliced(NamedTuple):
    """A range as pieces of SQL: what is selected of the slices of a block, and what that makes of
    it."""

    columns: list[Fragment]
    bits: Fragment
    slices: list[int]


def wanted(resolved: ResolvedQuery, within: Fragment) -> list[Fragment]:
    """SQL selecting (block, bits), one for each range of a query that has an end below, and for its
    window: of the images that are within it."""
    found = [_of_range(asked, within) for asked in resolved.ranges if asked.at_least]
    return [*found, *(_of_window(resolved, asked, within) for asked in resolved.created)]


def unwanted(resolved: ResolvedQuery, within: Fragment) -> list[Fragment]:
    """The same for each range that has an end above alone: of the images that are beyond it."""
    return [
        _of_range(FieldRange(asked.field, beyond, None), within)
        for asked in resolved.ranges
        if not asked.at_least and (beyond := _first_beyond(asked))
    ]


def runs(bound: int, bits: int) -> list[Run]:
    """The runs of a bound above 0 among numbers of so many bits, from its lowest bit that is set.

    >>> [(run.first, run.last, run.is_set) for run in runs(0b0110_1000, 8)]
    [(3, 3, True), (4, 4, False), (5, 6, True), (7, 7, False)]
    """
    found = []
    first = (bound & -bound).bit_length() - 1
    while first < bits:
        is_set = bool(bound >> first & 1)
        last = first
        while last + 1 < bits and bool(bound >> last + 1 & 1) == is_set:
            last += 1
        found.append(Run(first, last, is_set))
        first = last + 1
    return found


def _of_range(asked: FieldRange, within: Fragment) -> Fragment:
    sliced = _sliced(asked, RUNS_OF_RANGE)
    return compose(IN_RANGE, bits=sliced.bits, runs=_runs_sql(sliced, within))


def _of_window(resolved: ResolvedQuery, asked: FieldRange, within: Fragment) -> Fragment:
    start, before = resolved.created_from, resolved.created_before
    sliced = _sliced(asked, RUNS_OF_WINDOW)
    inside = join(
        AND,
        [
            *created_within(Fragment("created_min"), start, None),
            *created_within(Fragment("created_max"), None, before),
        ],
    )
    overlaps = join(
        AND,
        [
            *created_within(Fragment("created_max"), start, None),
            *created_within(Fragment("created_min"), None, before),
        ],
    )
    at_border = compose(AT_BORDER, within=within, overlaps=overlaps, inside=inside)
    return compose(
        IN_WINDOW,
        full=FULL_BITS,
        bits=sliced.bits,
        inside=inside,
        overlaps=overlaps,
        within=within,
        runs=_runs_sql(sliced, at_border),
    )


def _runs_sql(sliced: Sliced, within: Fragment) -> Fragment:
    return compose(
        RUNS, columns=join(", ", sliced.columns), slices=bigints(sliced.slices), within=within
    )


def _first_beyond(asked: FieldRange) -> int | None:
    """The lowest number above a range; None where there is none of so many bits."""
    if asked.at_most is None or asked.at_most + 1 >= 1 << fields.NUMBERS[asked.field].bits:
        return None
    return asked.at_most + 1


@lru_cache(maxsize=256)
def _sliced(asked: FieldRange, multiple: int) -> Sliced:
    # Some hundred pieces of SQL: a range is mostly asked for again.
    field = fields.NUMBERS[asked.field]
    columns, parts, lowest = [], [], field.bits
    for prefix, bound in (("from", asked.at_least), ("beyond", _first_beyond(asked))):
        if not bound:
            continue
        found = runs(bound, field.bits)
        lowest = min(lowest, found[0].first)
        found += [Run(0, -1, is_set) for is_set in (True, False)] * (-len(found) % multiple // 2)
        names = [f"{prefix}_{number}" for number in range(len(found))]
        columns += [_column(field.number, *named) for named in zip(found, names, strict=True)]
        bits = _folded(found, names)
        parts.append(bits if prefix == "from" else compose("~{bits}", bits=bits))
    slices = [terms.of_slice(field.number, bit) for bit in range(lowest, field.bits)]
    return Sliced(columns, join(" & ", parts), slices)


def _column(field: int, run: Run, name: str) -> Fragment:
    in_run = compose(
        IN_RUN,
        first=bigint(terms.of_slice(field, run.first)),
        last=bigint(terms.of_slice(field, run.last)),
    )
    return compose(
        ALL_OF_RUN if run.is_set else ANY_OF_RUN,
        in_run=in_run,
        length=bigint(run.last - run.first + 1),
        full=FULL_BITS,
        name=Fragment(name),
    )


def _folded(found: list[Run], names: list[str]) -> Fragment:
    """SQL, bit(BLOCK): the images whose number is at least what the runs are of."""
    folded = EMPTY
    for run, name in zip(found, names, strict=True):
        of_run = compose(OF_BLOCK, name=Fragment(name), empty=EMPTY_BITS)
        operation = "({folded} & {of_run})" if run.is_set else "({folded} | {of_run})"
        folded = compose(operation, folded=folded, of_run=of_run) if folded.text else of_run
    return folded
