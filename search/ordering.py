"""The orders that images may be asked for in; each is total, so that pages never overlap."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import F, Q
from django.db.models.functions import Collate, Upper
from django.db.models.lookups import IsNull

from images.models import Image
from images.querysets import ImageQuerySet


class KeysetPosition(NamedTuple):
    """Where an image stands in an order: by its key, and by its id among equal ones."""

    # As its Order has it; None where the image lacks one.
    key: Any
    image: int


@dataclass(frozen=True)
class Order:
    """What images are sorted by; equal ones by id, in the same direction.

    Where the key may be null, those without it come last where it descends, else first. `of` is
    what it is otherwise.
    """

    key: F | Collate
    of: type[datetime | int | str]
    descending: bool = False
    nullable: bool = False

    def applied(self, images: ImageQuerySet) -> ImageQuerySet:
        """The images in this order, whatever theirs was."""
        # Said only where it matters: no index is used whose nulls lie elsewhere.
        if not self.descending:
            first: dict[str, Any] = {"nulls_first": True} if self.nullable else {}
            return images.order_by(self.key.asc(**first), "pk")
        last: dict[str, Any] = {"nulls_last": True} if self.nullable else {}
        return images.order_by(self.key.desc(**last), "-pk")

    def reversed(self) -> "Order":
        """The same from its end: what comes before a position comes after it there."""
        return replace(self, descending=not self.descending)

    def scan(self, images: ImageQuerySet, chunk: int = 500) -> Iterator[Image]:
        """All of some images in this order, however many, with a chunk of them in memory."""
        after = None
        while found := self._taken(self._parts(images, after), chunk):
            yield from found
            after = KeysetPosition(found[-1].sort_key, found[-1].pk)

    def positions(
        self,
        images: ImageQuerySet,
        limit: int,
        offset: int = 0,
        after: KeysetPosition | None = None,
    ) -> list[KeysetPosition]:
        """Where some of the images stand: so many, from `offset` images after a position.

        One statement; two where the key may be null and the page reaches those without one.
        """
        if offset:
            pairs = self._keyed(images).values_list("sort_key", "pk")[offset : offset + limit]
        else:
            parts = self._parts(images, after)
            pairs = self._taken((part.values_list("sort_key", "pk") for part in parts), limit)
        return [KeysetPosition(*pair) for pair in pairs]

    def _keyed(self, images: ImageQuerySet) -> Any:
        return self.applied(images.annotate(sort_key=self.key))

    def _parts(self, images: ImageQuerySet, after: KeysetPosition | None) -> Iterator[Any]:
        """The images after a position; those without a key apart.

        No index can begin at a condition for both.
        """
        keyed = self._keyed(images)
        beyond = keyed.filter(self._after(after)) if after else keyed
        if not self.nullable:
            yield beyond
            return
        is_among_null = bool(after) and after.key is None  # type: ignore[union-attr]
        if self.descending:
            if not is_among_null:
                yield beyond.exclude(sort_key=None)
            yield (beyond if is_among_null else keyed).filter(sort_key=None)
        else:
            if after is None or is_among_null:
                yield beyond.filter(sort_key=None)
            yield (keyed if is_among_null else beyond).exclude(sort_key=None)

    def _taken(self, parts: Iterator[Any], limit: int) -> list[Any]:
        taken: list[Any] = []
        for part in parts:
            taken += part[: limit - len(taken)]
            if len(taken) == limit:
                break
        return taken

    def _after(self, position: KeysetPosition) -> Q:
        beyond, from_there = ("lt", "lte") if self.descending else ("gt", "gte")
        at_its_place = Q(**{f"pk__{beyond}": position.image})
        if position.key is None:
            return at_its_place
        # Says nothing more, but where in an index to begin.
        begin = Q(**{f"sort_key__{from_there}": position.key})
        return begin & (Q(**{f"sort_key__{beyond}": position.key}) | at_its_place)


HAS_END = Q(ended_at__isnull=False)


@dataclass(frozen=True)
class ColumnOrder:
    """An order by any columns, for lists that are paged by number alone.

    `unended` is what images without an end are sorted by, where these come first: each of the two
    parts then has an index in its order, which both together have not. Empty: newest first.
    """

    terms: tuple[Any, ...]
    unended: tuple[Any, ...] | None = None
    # Which of the images have an end, in words that an index has.
    ended: Q = HAS_END

    def applied(self, images: ImageQuerySet) -> ImageQuerySet:
        """The images in this order, whatever theirs was."""
        return images.order_by(*self.terms)


ORDERS = {
    "newest": Order(F("created_at"), datetime, descending=True),
    "oldest": Order(F("created_at"), datetime),
    "uploaded": Order(F("uploaded_at"), datetime, descending=True, nullable=True),
    "largest": Order(F("size"), int, descending=True),
    "smallest": Order(F("size"), int),
    # In any case; by code point, whatever the collation of the database.
    "filename": Order(Collate(Upper("filename"), "C"), str),
}

NEWEST = "newest"
# What has no end, then what has one; each the newest first.
UNENDED_FIRST = ColumnOrder((IsNull(F("ended_at"), True).desc(), "-created_at", "-id"), unended=())
