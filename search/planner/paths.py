"""The one choice of how a resolved query is answered, made once and followed by everything.

What depends on how many match, which nobody knows before they are counted, is in the path as costs:
the count then picks among its scans (`AccessPath.scan_for`).
"""

from dataclasses import dataclass, replace
from enum import Enum, auto
from math import inf, isqrt
from typing import NamedTuple, Protocol

from images.visibility import EVERYBODY
from search.index import terms
from search.index.thresholds import DEFAULT, Thresholds
from search.models import BLOCK
from search.planner.costs import (
    BIT_LOOKUP_COST_US,
    BITMAP_CLAUSE_COST_US,
    BITMAP_COUNT_COST_US,
    BLOCK_AND_COST_US,
    BLOCK_READ_COST_US,
    COUNT_WITH_PAGE_MAX_US,
    LINK_READ_COST_US,
    LINKS_PER_MATCH,
    MATCH_SORT_COST_US,
    PROBE_COST_US,
    PROBE_PASS_RATIO,
    ROW_READ_COST_US,
    USUAL_PAGE_IMAGES,
)
from search.planner.fields import slices_read
from search.planner.resolution import ResolvedQuery


class CountBy(Enum):
    """How matches are counted."""

    # It is known that there are none.
    NOTHING = auto()
    # The links of the rarest clause, or the images of a window, are read and the rest is probed.
    ROWS = auto()
    # The statistics of one term say it.
    TERM_STATISTICS = auto()
    # The bitmaps of all clauses are combined, and what was counted is cached.
    BITMAPS = auto()


class ScanBy(Enum):
    """How the images of a page are found, newest first."""

    # The links of the rarest clause in their order, the rest probed.
    LINKS = auto()
    # All images in their order, all clauses probed.
    IMAGES = auto()
    # The newest matches read out of the bitmaps, and sorted.
    BITMAPS = auto()


class Shape(Protocol):
    """How much matches, and among what (search.executor.matches)."""

    @property
    def images(self) -> int: ...
    @property
    def by_bitmaps(self) -> bool: ...
    @property
    def all_images(self) -> float: ...
    @property
    def newest_blocks(self) -> int: ...


class Scan(NamedTuple):
    """A way to a page, and what it costs, as far as that can be said before matches are counted."""

    by: ScanBy
    # For each row that is read, of so many that there are (None: all images), and at least so many
    # for each image that is wanted.
    row_cost_us: float = 0.0
    rows: int | None = None
    rows_per_image_min: float = 0.0
    # For each block that there is, for each that matches are read out of, for each match that is
    # read, and once.
    block_cost_us: float = 0.0
    read_block_cost_us: float = 0.0
    match_cost_us: float = 0.0
    fixed_cost_us: float = 0.0

    def cost_us(self, counted: Shape, wanted: int) -> float:
        """Microseconds to find a page that ends at the match number `wanted`."""
        if self.by is ScanBy.BITMAPS:
            return self._bitmaps_cost_us(counted, wanted)
        there = counted.all_images if self.rows is None else self.rows
        read = min(wanted * max(self.rows_per_image_min, there / counted.images), there)
        return read * self.row_cost_us

    def _bitmaps_cost_us(self, counted: Shape, wanted: int) -> float:
        blocks = max(counted.all_images / BLOCK, 1)
        # As if matches were spread evenly.
        of_block = counted.images / blocks
        read = blocks
        if counted.newest_blocks:
            read = min(wanted / of_block + counted.newest_blocks, blocks)
        return (
            blocks * self.block_cost_us
            + read * (self.read_block_cost_us + of_block * self.match_cost_us)
            + self.fixed_cost_us
        )


@dataclass(frozen=True)
class AccessPath:
    """How a resolved query is answered: plain data, which count, page, stream and facets follow."""

    resolved: ResolvedQuery
    count_by: CountBy
    scans: tuple[Scan, ...]
    # Whether one statement finds page and total, since there is little to read in all.
    counts_with_page: bool = False
    # The term whose statistics say how many match, for TERM_STATISTICS.
    counted_term: int | None = None
    # Matches up to which the count cache keeps which they are.
    cached_ids_max: int = 0
    thresholds: Thresholds = DEFAULT

    def scan_for(self, counted: Shape, wanted: int) -> ScanBy:
        """The cheapest scan for a page that ends at the match number `wanted`, of some matches."""
        usable = [scan for scan in self.scans if counted.by_bitmaps or scan.by != ScanBy.BITMAPS]
        return min(usable, key=lambda scan: scan.cost_us(counted, wanted)).by


def choose(resolved: ResolvedQuery, thresholds: Thresholds = DEFAULT) -> AccessPath:
    """The path for a resolved query, by the costs of `search.planner.costs`."""
    by_rows = _counts_by_rows(resolved, thresholds)
    counted_term = None if by_rows else _counted_term(resolved)
    count_by = CountBy.BITMAPS if counted_term is None else CountBy.TERM_STATISTICS
    cheap = bool(resolved.clauses) and _rows_cost_us(resolved) <= COUNT_WITH_PAGE_MAX_US
    if resolved.is_empty:
        count_by = CountBy.NOTHING
    elif by_rows:
        count_by = CountBy.ROWS
    return AccessPath(
        resolved=resolved,
        count_by=count_by,
        scans=_scans(resolved),
        counts_with_page=count_by == CountBy.ROWS and cheap,
        counted_term=counted_term,
        cached_ids_max=_cached_ids_max(resolved, thresholds),
        thresholds=thresholds,
    )


def _counts_by_rows(resolved: ResolvedQuery, thresholds: Thresholds) -> bool:
    if not resolved.is_in_bitmaps:
        return True
    if not (resolved.clauses or resolved.window):
        return False
    if thresholds.links_counted_by_rows_max is not None:
        links = resolved.clauses[0].link_count if resolved.clauses else inf
        return links <= thresholds.links_counted_by_rows_max
    return _rows_cost_us(resolved) <= _bitmaps_cost_us(resolved)


def _rows_cost_us(resolved: ResolvedQuery) -> float:
    """Of the links of the rarest clause, or of the images, that are in the window."""
    window = resolved.window
    asked = resolved.field_count + max(len(resolved.clauses) - 1, 0)
    probes_us = PROBE_COST_US * _probes(asked)
    if not resolved.clauses:
        return (window.images if window else inf) * (ROW_READ_COST_US + probes_us)
    links = resolved.clauses[0].link_count * (window.share if window else 1)
    return links * (LINK_READ_COST_US + probes_us)


def _bitmaps_cost_us(resolved: ResolvedQuery) -> float:
    sparse = [clause.sparse_link_count for clause in resolved.clauses if clause.sparse]
    # The sparse tags of each clause are looked up in the blocks of all others.
    combinations = 1 + len(sparse)
    combined_us = combinations * BITMAP_CLAUSE_COST_US * _bitmaps_combined(resolved)
    if resolved.window:
        slices = sum(map(slices_read, resolved.created))
        combined_us += combinations * resolved.window.border_blocks * slices * BLOCK_AND_COST_US
    return BITMAP_COUNT_COST_US + combined_us + BIT_LOOKUP_COST_US * sum(sparse)


def _bitmaps_combined(resolved: ResolvedQuery) -> int:
    """How many bitmaps of each block are read for what is asked, but for the window."""
    of_fields = len(resolved.values) + len(resolved.characters)
    return len(resolved.clauses) + of_fields + sum(map(slices_read, resolved.ranges))


def _probes(clauses: int) -> float:
    """How many of so many clauses an image is probed for until one says no, on average."""
    return sum(PROBE_PASS_RATIO**passed for passed in range(clauses))


def _counted_term(resolved: ResolvedQuery) -> int | None:
    """The term whose statistics say how many match, where the index keeps that number."""
    if resolved.viewer.audiences != (EVERYBODY,):
        return None
    if resolved.asks_for_all:
        return terms.SHOWN
    if len(resolved.clauses) != 1 or not replace(resolved, clauses=()).asks_for_all:
        return None
    only = resolved.clauses[0]
    return only.dense[0] if len(only.dense) == 1 and not only.sparse else None


def _cached_ids_max(resolved: ResolvedQuery, thresholds: Thresholds) -> int:
    """Matches up to which reading all of them takes less than walking to a page of them."""
    if not resolved.clauses or any(clause.sparse for clause in resolved.clauses):
        return 0
    if resolved.given is not None:
        return 0
    walked = resolved.clauses[0].link_count * USUAL_PAGE_IMAGES // LINKS_PER_MATCH
    return min(thresholds.cached_ids_max, isqrt(walked))


def _scans(resolved: ResolvedQuery) -> tuple[Scan, ...]:
    by_images = Scan(
        ScanBy.IMAGES,
        row_cost_us=_probed_row_cost_us(
            len(resolved.clauses)
            + resolved.untagged
            + bool(resolved.absent.tag_ids)
            + (resolved.given is not None)
            + (resolved.of_project is not None)
            + resolved.field_count
        ),
        rows=int(resolved.window.images) if resolved.window else None,
    )
    return (
        by_images,
        *([_link_scan(resolved)] if resolved.clauses else []),
        _bitmap_scan(resolved),
    )


def _link_scan(resolved: ResolvedQuery) -> Scan:
    driving = resolved.clauses[0]
    asked = len(resolved.clauses) - 1 + resolved.uploaded_only + bool(resolved.absent.tag_ids)
    asked += (resolved.project_term is not None) + (resolved.of_project is not None)
    asked += resolved.given is not None
    asked += resolved.field_count
    # The index has no order for all audiences at once: all links are read.
    in_order = resolved.viewer.audiences is not None
    return Scan(
        ScanBy.LINKS,
        row_cost_us=_probed_row_cost_us(asked),
        rows=int(driving.link_count * (resolved.window.share if resolved.window else 1)),
        rows_per_image_min=len(driving.tag_ids) if in_order else inf,
    )


def _bitmap_scan(resolved: ResolvedQuery) -> Scan:
    sparse = [clause.sparse_link_count for clause in resolved.clauses if clause.sparse]
    combined = (1 + len(sparse)) * (1 + _bitmaps_combined(resolved)) * BLOCK_AND_COST_US
    # A clause of sparse tags alone leaves nothing to be read out of blocks.
    read = BLOCK_READ_COST_US if all(clause.dense for clause in resolved.clauses) else 0
    return Scan(
        ScanBy.BITMAPS,
        block_cost_us=combined,
        read_block_cost_us=read,
        match_cost_us=MATCH_SORT_COST_US,
        fixed_cost_us=sum(sparse) * ROW_READ_COST_US,
    )


def _probed_row_cost_us(asked: int) -> float:
    return ROW_READ_COST_US + _probes(asked) * PROBE_COST_US
