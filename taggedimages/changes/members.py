"""The images of a change, or of an outcome of it, as somebody is shown them now."""

from collections.abc import Iterator
from functools import cached_property
from itertools import islice
from typing import NamedTuple

from images.models import Image
from images.querysets import ImageQuerySet
from images.visibility import Viewer
from search.executor import fetch, whole
from search.executor.blocks import Blocks
from search.ordering import KeysetPosition
from search.query import Query
from search.results import Record, SearchResults
from taggedimages.changes import sets
from taggedimages.changes.holdings import FEW
from taggedimages.changes.models import Change, Outcome

CHUNK_RECORDS = 500


class Page(NamedTuple):
    """Some of them, how many there are in all, and the last id where others follow."""

    total: int
    records: list[Record]
    last: int | None


class Members:
    """Images of an outcome that a viewer is shown, in the order in which they are applied: by id.
    Without an outcome they are those that were taken out of the plan, and with `ended` those are
    among them that have ended, for whoever has to do with these: a change may be what ended them.

    Whoever else is shown the change learns of no other, and not how many these are.
    """

    def __init__(
        self, change: Change, outcome: Outcome | None, viewer: Viewer, *, ended: bool = False
    ) -> None:
        self.change, self.outcome, self.viewer, self.ended = change, outcome, viewer, ended

    @cached_property
    def images(self) -> Blocks:
        """All of them."""
        if self.outcome is None:
            kept = Blocks.of(self.change.excluded)
        else:
            kept = sets.of(self.change.pk, self.outcome)
        if len(kept) <= FEW:
            return whole.of_queryset(self._seen().filter(pk__in=list(kept)))
        shown = kept & SearchResults(Query(), self.viewer).all_images()
        return shown | self._ended_among(kept - shown) if self.ended else shown

    def _ended_among(self, others: Blocks) -> Blocks:
        """Those that have ended among some that are not current, or not shown."""
        seen = self._seen().filter(ended_at__isnull=False)
        if len(others) <= FEW:
            seen = seen.filter(pk__in=list(others))
        return others & whole.of_queryset(seen)

    def _seen(self) -> ImageQuerySet:
        """What the viewer is shown, row by row."""
        if self.ended:
            return Image.objects.filter(self.viewer.image_q(), deleted_at=None)
        return Image.objects.shown_to(self.viewer)

    def page(self, limit: int, offset: int, after: int | None) -> Page:
        """The page that starts so many images after one."""
        beyond = self.images.from_place(offset) if after is None else self.images.after(after)
        found = list(islice(beyond, limit + 1))
        last = found[limit - 1] if len(found) > limit else None
        return Page(len(self.images), self._records(found[:limit]), last)

    def stream(
        self, after: KeysetPosition | None = None, most: int | None = None
    ) -> Iterator[list[Record]]:
        """All of them beyond one by chunks; who may see each is judged when its chunk is made."""
        ids = islice(self.images.after(after.image if after else -1), most)
        while chunk := list(islice(ids, CHUNK_RECORDS)):
            yield self._records(chunk, whole=True)

    def _records(self, ids: list[int], *, whole: bool = False) -> list[Record]:
        still = set(self._seen().filter(pk__in=ids).values_list("pk", flat=True))
        return fetch.fetch([image for image in ids if image in still], whole=whole)
