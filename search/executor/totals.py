"""What is known of all that a search finds, before any of it is read."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from search.models import BLOCK
from search.ordering import Position

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Newest(NamedTuple):
    """Images, newest first, with the times of their creation in microseconds since 1970."""

    created: Sequence[int] = ()
    images: Sequence[int] = ()

    def but(self, gone: Iterable[int], blocks: Iterable[int], others: list[list[int]]) -> "Newest":
        """The same without some images and blocks of images, and with others."""
        gone, blocks = set(gone), set(blocks)
        if not (gone or blocks or others):
            return self
        kept = [
            (created, image)
            for created, image in zip(self.created, self.images, strict=True)
            if image not in gone and image // BLOCK not in blocks
        ]
        kept += [(created, image) for created, image in others]
        kept.sort(reverse=True)
        return Newest(array("q", [at for at, _ in kept]), array("q", [it for _, it in kept]))

    def page(self, limit: int, offset: int, after: Position | None) -> list[Position]:
        """So many of them, from `offset` images after a position."""
        if after:
            beyond = (after.key - EPOCH) // MICROSECOND, after.image
            offset += bisect_left(
                range(len(self.images)),
                True,
                key=lambda at: (self.created[at], self.images[at]) < beyond,
            )
        part = slice(offset, offset + limit)
        pairs = zip(self.created[part], self.images[part], strict=True)
        return [Position(EPOCH + created * MICROSECOND, image) for created, image in pairs]


class Total(NamedTuple):
    """How many images match, how many of these have an end ahead, whether bitmaps told, about how
    many images there are at all, and which match, where that is known."""

    images: int
    ending: int = 0
    by_bitmaps: bool = False
    corpus: float = 1
    newest: Newest | None = None
