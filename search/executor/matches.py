"""What is known of all that a search finds, before any of it is read."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import NamedTuple

from search.models import BLOCK
from search.ordering import KeysetPosition
from taggedimages.epochs import EPOCH

MICROSECOND = timedelta(microseconds=1)


class MatchingIds(NamedTuple):
    """Which images match, newest first: microseconds since 1970 of their creation, and ids."""

    created_us: Sequence[int] = ()
    images: Sequence[int] = ()

    def but(
        self, gone: Iterable[int], blocks: Iterable[int], new: list[list[int]]
    ) -> "MatchingIds":
        """The same without some images and blocks of images, and with others, each (us, id)."""
        gone, blocks = set(gone), set(blocks)
        if not (gone or blocks or new):
            return self
        kept = [
            (created, image)
            for created, image in zip(self.created_us, self.images, strict=True)
            if image not in gone and image // BLOCK not in blocks
        ]
        kept += [(created, image) for created, image in new]
        kept.sort(reverse=True)
        return MatchingIds(array("q", [at for at, _ in kept]), array("q", [it for _, it in kept]))

    def page(self, limit: int, offset: int, after: KeysetPosition | None) -> list[KeysetPosition]:
        """So many of them, from `offset` images after a position."""
        if after:
            beyond = (after.key - EPOCH) // MICROSECOND, after.image
            offset += bisect_left(
                range(len(self.images)),
                True,
                key=lambda at: (self.created_us[at], self.images[at]) < beyond,
            )
        part = slice(offset, offset + limit)
        pairs = zip(self.created_us[part], self.images[part], strict=True)
        return [KeysetPosition(EPOCH + us * MICROSECOND, image) for us, image in pairs]


class MatchCount(NamedTuple):
    """How many images match, exactly for the moment of its statement."""

    images: int
    # How many of them have an end that lies ahead, so that no scan of links meets them.
    ending: int = 0
    # Whether bitmaps told, and so may be used for a page.
    by_bitmaps: bool = False
    # How many images there are at all, as PostgreSQL estimates.
    all_images: float = 1
    # Blocks whose images are as young as some of the newest block's; 0 where that is not known.
    newest_blocks: int = 0
    # Which match, where the count cache keeps that.
    ids: MatchingIds | None = None


NO_MATCHES = MatchCount(0)
