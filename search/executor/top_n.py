"""The first matches in the order of a number that the index knows (top N): the largest, the latest
to arrive.

The index of the order alone meets a match among as many others as there are, and each is probed.
So it is asked how far down the order so many matches should reach, as if these were spread evenly,
and that number bounds one more range of the bitmaps: what they then find is little, and sorted
here. Where they find too few, for matches were spread otherwise, the order is walked after all.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from math import ceil
from typing import Any

from images.models import Image
from search.executor import pages
from search.executor.matches import MatchCount
from search.index import fields
from search.ordering import ORDERS, KeysetPosition, Order
from search.planner.costs import (
    LINK_READ_COST_US,
    MATCH_SORT_COST_US,
    ROW_READ_COST_US,
    SCATTERED_ROW_COST_US,
)
from search.planner.fields import FieldRange
from search.planner.paths import AccessPath, Scan, ScanBy, choose
from taggedimages.epochs import epoch_seconds
from taggedimages.postgresql.fragments import Fragment, compose
from taggedimages.postgresql.prepared import execute_prepared
from taggedimages.postgresql.routing import read_connection

# The orders of numbers of `search.index.fields`.
FIELDS = {"largest": "size", "smallest": "size", "uploaded": "uploaded"}
# Beyond what is wanted, for chance; and what is sorted here at most.
MORE, MORE_AT_LEAST, SORTED_MAX = 1.25, 20, 5_000
KEYS = "SELECT {key}, i.id FROM ({found}) found JOIN images_image i ON i.id = found.image"


@dataclass(frozen=True)
class TopN:
    """What is asked for: so many matches of a path from `offset` after a position of an order."""

    path: AccessPath
    counted: MatchCount
    order: Order
    limit: int
    offset: int
    after: KeysetPosition | None

    def positions(self) -> list[KeysetPosition] | None:
        """Where they stand; None where the order is rather to be walked. Two statements."""
        field = self._field()
        if field is None or not self._is_cheap(field):
            return None
        found = self._found(self._narrowed(self._range(field, self._bound())))
        # Too many have one number, such as slices of one scanner's size, or too few are within.
        if len(found) > SORTED_MAX:
            return None
        beyond = found if self.after is None else self._beyond(found, tuple(self.after))
        shown = beyond[self.offset : self.offset + self.limit]
        return shown if len(beyond) >= self._wanted else None

    @property
    def _wanted(self) -> int:
        return self.limit + self.offset

    @property
    def _expected(self) -> int:
        return ceil(self._wanted * MORE) + MORE_AT_LEAST

    @property
    def _reached(self) -> int:
        """How many of all images the order has until it has met as many matches as expected."""
        return ceil(self._expected * self._images_per_match)

    @property
    def _images_per_match(self) -> float:
        return max(self.counted.all_images, self.counted.images) / self.counted.images

    def _field(self) -> str | None:
        name = next((name for name, order in ORDERS.items() if order is self.order), "")
        resolved = self.path.resolved
        known = self.counted.by_bitmaps and resolved.is_in_bitmaps and resolved.as_of is None
        among_nulls = self.after is not None and self.after.key is None
        return FIELDS.get(name) if known and not among_nulls else None

    def _is_cheap(self, field: str) -> bool:
        """Whether it takes less than to walk the order, and less than to sort all matches."""
        least = self.path.thresholds.top_n_matches_min
        if least is not None:
            return self.counted.images >= least
        if self._expected > SORTED_MAX or self._expected >= self.counted.images:
            return False
        images = self.counted.images
        row_cost_us = self._scan(self.path, ScanBy.IMAGES).row_cost_us
        if field == "size":
            row_cost_us += SCATTERED_ROW_COST_US
        walked_us = self._wanted * self._images_per_match * row_cost_us
        sorted_us = images * (LINK_READ_COST_US + MATCH_SORT_COST_US)
        narrowed = self._scan(self._narrowed(FieldRange(field, 1, None)), ScanBy.BITMAPS)
        here_us = (
            self._reached * ROW_READ_COST_US / 2
            + narrowed.cost_us(self._few, self._expected)
            + self._expected * SCATTERED_ROW_COST_US
        )
        return here_us < min(walked_us, sorted_us)

    def _scan(self, path: AccessPath, by: ScanBy) -> Scan:
        return next(scan for scan in path.scans if scan.by is by)

    @property
    def _few(self) -> MatchCount:
        """How much is found by the bound, as expected; some may have an end that lies ahead."""
        ending = max(self.counted.ending, 1)
        return self.counted._replace(images=self._expected, ending=ending, ids=None)

    def _bound(self) -> Any:
        """The number that the order has come to by then; None where it has ended."""
        images = Image.objects.all()
        if self._first is not None:
            beyond = "lte" if self.order.descending else "gte"
            images = images.filter(**{f"{self._column}__{beyond}": self._first})
        keys = self.order.applied(images).values_list(self._column, flat=True)
        return next(iter(keys[self._reached : self._reached + 1]), None)

    @property
    def _column(self) -> str:
        return str(self.order.key.name)  # type: ignore[union-attr]  # no collation of a number

    def _range(self, field: str, bound: Any) -> FieldRange:
        first, last = (None if key is None else _number(key) for key in (self._first, bound))
        least, most = (last, first) if self.order.descending else (first, last)
        # Of those that may lack it, what lacks it is in no range.
        return FieldRange(field, max(least or 0, int(self.order.nullable)), most)

    @property
    def _first(self) -> Any:
        return None if self.after is None else self.after.key

    def _narrowed(self, asked: FieldRange) -> AccessPath:
        if asked.at_least == 0 and asked.at_most is None:
            return self.path
        resolved = self.path.resolved
        return choose(replace(resolved, ranges=(*resolved.ranges, asked)), self.path.thresholds)

    def _found(self, path: AccessPath) -> list[KeysetPosition]:
        """All that match up to the bound, in order; of more than SORTED_MAX, one more than that."""
        scanned = pages.scan(path, self._few, SORTED_MAX + 1)
        asked = compose(KEYS, provides=["i"], key=Fragment(f"i.{self._column}"), found=scanned)
        with read_connection().cursor() as cursor:
            execute_prepared(cursor, asked.text, asked.parameters)
            found = sorted(cursor.fetchall(), reverse=self.order.descending)
        return [KeysetPosition(*at) for at in found]

    def _beyond(self, found: list[KeysetPosition], own: tuple[Any, int]) -> list[KeysetPosition]:
        return [at for at in found if (at < own if self.order.descending else at > own)]


def _number(key: int | datetime) -> int:
    return fields.of_second(epoch_seconds(key)) if isinstance(key, datetime) else key
