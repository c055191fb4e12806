"""The one door to search: what a query finds, for whom, in which order.

Nothing is asked before a total, a page or a record is wanted. What the index can answer goes by the
access path of `search.planner`, whatever else by `search.lookups`, which says what is right.
"""

import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple

from django.conf import settings
from django.db.models import F, Q, QuerySet

from images.models import Image
from images.querysets import ImageQuerySet
from images.visibility import Viewer
from search.executor import counts, facets, fetch, pages, used_tags, whole, words
from search.executor.blocks import Blocks
from search.executor.facets import TagCount
from search.executor.fetch import Record
from search.executor.matches import MatchCount
from search.executor.pages import Page
from search.executor.past import TooFarBack
from search.executor.substrings import ONE_BY_ONE, containing
from search.executor.tag_counts import count_by_tag
from search.executor.top_n import TopN
from search.executor.within import Within
from search.executor.words import narrowed_to
from search.index.thresholds import DEFAULT, Thresholds
from search.lookups import any_of, narrowed, valued
from search.lookups.past import PastMatches
from search.ordering import NEWEST, ORDERS, ColumnOrder, KeysetPosition
from search.planner.paths import AccessPath, choose
from search.planner.present_names import TooManyNames, with_names_shown
from search.planner.resolution import resolve
from search.planner.spelling import spelt
from search.query import Query
from search.query.conditions import settled
from taggedimages.postgresql.deferred_join import DeferredJoin
from taggedimages.postgresql.limits import ends_within
from taggedimages.postgresql.routing import read_connection
from tags.models import ImageTag
from tags.usage import names_and_values_of

# All that whoever asks has to name.
__all__ = [
    "Beside",
    "Page",
    "Record",
    "SearchResults",
    "TagCount",
    "TooFarBack",
    "TooManyNames",
    "count_by_tag",
]

# Records of a stream that are in memory at a time.
CHUNK_RECORDS = 500
# Images up to which links are looked up by them; of more, they are met among all.
LOOKED_UP_MAX = 10_000
# How far around its place an image is looked for.
AROUND = 50


class Beside(NamedTuple):
    """An image beside another, None at the end of what is found; its place, and the other one's.

    Places are from 0, and None where they are not known: the image is found no longer, or stands
    more than AROUND away from where it was looked for.
    """

    image: int | None
    at: int | None
    place: int | None


def record_of(image: int, viewer: Viewer | None = None) -> Record | None:
    """What lists show of an image, with all its tags; None where there is none with this id, or
    none that the viewer is shown.

    Without a viewer, whether somebody is shown it is for the caller to know. One statement.
    """
    if viewer is not None:
        return fetch.fetch_shown(image, viewer)
    return next(iter(fetch.fetch([image], whole=True)), None)


class SearchResults:
    """The images that match a query and that a viewer is shown, in an order.

    Lazy: `count()` and slices are what paginators want, `page()`, `stream()` and `facets()` what
    /v1 shows. `order` is a name of ORDERS, or a ColumnOrder for lists paged by number alone.

    `images` says what is fetched along with the images that slices give. It has to be of just those
    that the viewer is shown; with a ColumnOrder, ended ones may be beside them.
    """

    def __init__(
        self,
        query: Query,
        viewer: Viewer,
        order: str | ColumnOrder = NEWEST,
        *,
        images: ImageQuerySet | None = None,
        thresholds: Thresholds = DEFAULT,
    ) -> None:
        self._asked = query
        self.viewer = viewer
        self.order = ORDERS[order] if isinstance(order, str) else order
        self._shown = images
        self._thresholds = thresholds

    @cached_property
    def query(self) -> Query:
        """What is asked, with the names of tags as the vocabulary spells them, and what its other
        names mean for the viewer. Raises conditions.Unknown, TooManyNames."""
        return with_names_shown(spelt(settled(self._asked, self.viewer)), self.viewer)

    @cached_property
    def images(self) -> ImageQuerySet:
        """All of them as a queryset, unevaluated, row by row: the slow answer that is always right.

        Names of tags are looked up when this is asked for.
        """
        return self.order.applied(narrowed(self._all_shown, self.query))

    @cached_property
    def path(self) -> AccessPath | None:
        """How the index answers; None where it cannot. One to three statements, the first time; and
        those of words."""
        if self._past:
            in_order = not self._counts_ended_apart
            return self._past.path(self.viewer) if in_order else None
        rest = valued.remainder(self.query)
        resolved = resolve(
            replace(rest or self.query, words=(), any_of=()),
            self.viewer,
            unended=self._counts_ended_apart,
            thresholds=self._thresholds,
        )
        if resolved and rest:
            resolved = resolved.among(valued.fulfilling(self.query).bits)
        if resolved and self.query.words:
            resolved = narrowed_to(resolved, words.look_up(self.query.words, self._thresholds))
        if resolved and self.query.any_of:
            resolved = narrowed_to(resolved, any_of.look_up(self.query.any_of, self._thresholds))
        return choose(resolved, self._thresholds) if resolved else None

    def count(self) -> int:
        """How many there are, exactly; counted once."""
        if self.path is None:
            return self._row_count
        return self._counted.images + (self._ended.count() if self._counts_ended_apart else 0)

    def __getitem__(self, part: slice) -> list[Image]:
        """The images from one place up to another, as `images` fetches them."""
        start, stop = part.start or 0, part.stop
        if self.path is None:
            return list(self._rows[start:stop])
        if isinstance(self.order, ColumnOrder) and self.order.unended is None:
            return DeferredJoin(self.images, self.count)[start:stop]
        keys = self._keys(self.path, start, stop)
        found = {image.pk: image for image in self._probed.order_by().filter(pk__in=keys)}
        return [found[key] for key in keys if key in found]

    def __iter__(self) -> Iterator[Image]:
        """All of them as `images` fetches them, some hundred in memory at a time."""
        assert not isinstance(self.order, ColumnOrder)
        return self.order.scan(self._rows)

    def page(self, limit: int, offset: int = 0, after: KeysetPosition | None = None) -> Page:
        """The page that starts `offset` images after a position, with the exact total.

        Raises OperationalError where a pattern takes longer than it may (PATTERN_TIMEOUT_MS), and
        TooFarBack, as all that asks of an instant does.
        """
        # What a pattern stands for is anybody's guess: whoever asks is told soon.
        most = settings.PATTERN_TIMEOUT_MS if self.query.match_tags else 0
        with ends_within(most, read_connection()):
            if self.path is not None and self._is_newest_first:
                return pages.page(self.path, limit, offset, after)
            return self._page_in_order(limit, offset, after)

    def beside(self, own: KeysetPosition, way: int, at: int | None = None) -> Beside:
        """What comes after an image at a position of the order, or with `way` -1 before it.

        `at` is its place as far as one knows. Where it is not there, its position tells what is
        beside it, whether or not it is found at all. Raises what `page` does.
        """
        near = {} if at is None else self._around(at)
        place = near.get(own.image)
        if place == 0 and way < 0:
            return Beside(None, None, place)
        found = None
        if place is not None:
            found = next((image for image, there in near.items() if there == place + way), None)
        if found is None:
            found = self._after(own) if way > 0 else self._before(own)
        return Beside(found, None if found is None else near.get(found), place)

    def stream(
        self, after: KeysetPosition | None = None, most: int | None = None
    ) -> Iterator[list[Record]]:
        """All that is found after a position, or as many as `most`, by chunks, each of a moment of
        its own.

        What is there throughout comes once, whatever else is made, changed or deleted meanwhile.
        """
        left = sys.maxsize if most is None else most
        while left and (found := self._positions(min(left, CHUNK_RECORDS), after)):
            # Records of a stream are no page: each is whole.
            chunk = [fetch.fetch([position.image for position in found], whole=True)]
            left, after = left - len(chunk[0]), found[-1]
            # Not kept while its reader takes it.
            yield chunk.pop()

    def ids(self) -> Iterator[list[int]]:
        """The ids of all of them in order, by chunks: as `stream` has them, for whoever reads more
        of each, or all of them in one transaction."""
        after = None
        while found := self._positions(CHUNK_RECORDS, after):
            yield [position.image for position in found]
            after = found[-1]

    def all_images(self) -> Blocks:
        """All of them as a set, whatever their order: of the moment of one statement."""
        if self.path is not None:
            return whole.of_path(self.path)
        if self._past:
            return self._past.all_images(self._all_shown, self.viewer)
        return whole.of_queryset(self.images)

    def links(self) -> QuerySet[ImageTag]:
        """The tag links of all of them, unevaluated, in no order."""
        if not self.query.any_of or self.path is None:
            return ImageTag.objects.filter(image__in=self.images.order_by().values("pk"))
        return ImageTag.objects.filter(Within(F("image"), self.all_images(), LOOKED_UP_MAX))

    def facets(self) -> list[TagCount]:
        """The most frequent tags of all of them, the most frequent first, equal ones by name."""
        if self.path:
            return facets.facets(self.path)
        return facets.facets_of(self.images, self._thresholds.facet_tags_max)

    def names_and_values(
        self, start: int = 0, stop: int | None = None, *, of: Q | None = None
    ) -> list[tuple[str, str]]:
        """The distinct pairs of a tag's name and a value it has on any of them, by code point, from
        one place in that order up to another; with `of`, on those that fulfil a condition besides.
        """
        images = self.images if of is None else self.images.filter(of)
        if self.path is not None and used_tags.can_tell(self.path):
            path, few = self.path, used_tags.images_by_links_max(self.path, stop)
            if of is None:
                count = self.count()
            else:
                fulfilling = whole.of_queryset(images)
                count = len(fulfilling)
                path = choose(path.resolved.among(fulfilling.bits), self._thresholds)
            found = used_tags.names_and_values(path, start, stop, by_links=count <= few)
            if found is not None:
                return found
        return list(names_and_values_of(images)[start:stop])

    @cached_property
    def _all_shown(self) -> ImageQuerySet:
        return Image.objects.shown_to(self.viewer) if self._shown is None else self._shown

    @cached_property
    def _past(self) -> PastMatches | None:
        """What matches as of an instant, where one is asked for."""
        if self.query.as_of is None:
            return None
        return PastMatches(self.query, self._thresholds)

    @cached_property
    def _rows(self) -> ImageQuerySet:
        """As `images`; as of an instant by sets of what was tagged then."""
        if self._past is None:
            return self.images
        return self.order.applied(self._past.narrow(self._all_shown))

    @cached_property
    def _probed(self) -> ImageQuerySet:
        """As `images`, where few are asked one by one: nothing is looked up for their words."""
        if self.path is None or not self.query.words:
            return self.images
        others = narrowed(self._all_shown, replace(self.query, words=()))
        return containing(others, self.query.words, ONE_BY_ONE)

    @property
    def _is_newest_first(self) -> bool:
        return self.order is ORDERS[NEWEST]

    @property
    def _counts_ended_apart(self) -> bool:
        """Whether the index is asked for what has no end, and rows for the rest."""
        return isinstance(self.order, ColumnOrder)

    @cached_property
    def _row_count(self) -> int:
        if self._past:
            return len(self.all_images())
        return self.images.order_by().count()

    @cached_property
    def _counted(self) -> MatchCount:
        assert self.path
        return counts.count(self.path)

    @cached_property
    def _ended(self) -> ImageQuerySet:
        """Those with an end, which are few and have an index."""
        assert isinstance(self.order, ColumnOrder)
        return self._probed.filter(self.order.ended)

    def _page_in_order(self, limit: int, offset: int, after: KeysetPosition | None) -> Page:
        assert not isinstance(self.order, ColumnOrder)
        total = self._counted.images if self.path else self._row_count
        # One more tells whether others follow.
        found = self._in_order(limit + 1, offset, after) if offset < total else []
        shown = found[:limit]
        last = shown[-1] if len(found) > limit else None
        return Page(total, fetch.fetch([position.image for position in shown]), last)

    def _in_order(
        self, limit: int, offset: int, after: KeysetPosition | None
    ) -> list[KeysetPosition]:
        """Where images of another order than the newest first stand."""
        assert not isinstance(self.order, ColumnOrder)
        if self.path is not None and self._counted.images:
            asked = TopN(self.path, self._counted, self.order, limit, offset, after)
            if (found := asked.positions()) is not None:
                return found
        return self.order.positions(self._rows, limit, offset, after)

    def _around(self, at: int) -> dict[int, int]:
        """The places of the images around one, by their ids."""
        first = max(at - AROUND, 0)
        page = self.page(at + AROUND + 1 - first, first)
        return {record.id: first + number for number, record in enumerate(page.records)}

    def _after(self, own: KeysetPosition) -> int | None:
        return next((record.id for record in self.page(1, 0, own).records), None)

    def _before(self, own: KeysetPosition) -> int | None:
        assert not isinstance(self.order, ColumnOrder)
        most = settings.PATTERN_TIMEOUT_MS if self.query.match_tags else 0
        with ends_within(most, read_connection()):
            before = self.order.reversed().positions(self._rows, 1, after=own)
        return before[0].image if before else None

    def _positions(self, limit: int, after: KeysetPosition | None) -> list[KeysetPosition]:
        """Where the next so many images of a stream stand."""
        assert not isinstance(self.order, ColumnOrder)
        if self.path is None or not self._is_newest_first:
            return self._in_order(limit, 0, after)
        # Some may get an end that lies ahead, and go on being shown until then. Which match is
        # asked anew for each chunk, for it may change on the way.
        counted = self._counted._replace(ending=max(self._counted.ending, 1), ids=None)
        return pages.positions(self.path, counted, limit, position=after)

    def _keys(self, path: AccessPath, start: int, stop: int) -> list[int]:
        """The ids from one place up to another, what has no end first."""
        beyond = self._counted.images
        if not (isinstance(self.order, ColumnOrder) or self._is_newest_first):
            return [position.image for position in self._in_order(stop - start, start, None)]
        unended = self.order.unended if isinstance(self.order, ColumnOrder) else ()
        if unended:
            in_order = self.images.filter(ended_at=None).order_by(*unended)
            keys = _ids(in_order, start, min(stop, beyond)) if start < beyond else []
        else:
            found = pages.positions(path, self._counted, stop - start, start)
            keys = [position.image for position in found]
        if self._counts_ended_apart and stop > beyond:
            keys += _ids(self._ended, max(start - beyond, 0), stop - beyond)
        return keys


def _ids(images: ImageQuerySet, start: int, stop: int) -> list[int]:
    return list(images.prefetch_related(None).values_list("pk", flat=True)[start:stop])
