"""The orders that images may be asked for in; each is total, so that pages never overlap."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import F, Q
from django.db.models.functions import Collate, Upper

from images.models import Image, ImageQuerySet


@dataclass(frozen=True)
class Order:
    """What images are sorted by; equal ones by id, in the same direction.

    Where the key may be null, those without it come last.
    """

    key: F | Collate
    descending: bool = False
    nullable: bool = False

    def applied(self, images: ImageQuerySet) -> ImageQuerySet:
        """The images in this order, whatever theirs was."""
        if not self.descending:
            return images.order_by(self.key.asc(), "pk")
        # Said only where it matters: no index is used whose nulls lie elsewhere.
        nulls: dict[str, Any] = {"nulls_last": True} if self.nullable else {}
        return images.order_by(self.key.desc(**nulls), "-pk")

    def walk(self, images: ImageQuerySet, chunk: int = 500) -> Iterator[Image]:
        """All of some images in this order, however many, with a chunk of them in memory."""
        images = self.applied(images.annotate(sort_key=self.key))
        lacking = Q(sort_key=None)
        # Apart, because no index can begin at a condition for both.
        parts = [~lacking, lacking] if self.nullable else [Q()]
        for part in map(images.filter, parts):
            found = list(part[:chunk])
            while found:
                yield from found
                found = list(part.filter(self._after(found[-1]))[:chunk])

    def _after(self, last: Any) -> Q:
        beyond, from_there = ("lt", "lte") if self.descending else ("gt", "gte")
        at_its_place = Q(**{f"pk__{beyond}": last.pk})
        if last.sort_key is None:
            return at_its_place
        # Says nothing more, but where in an index to begin.
        begin = Q(**{f"sort_key__{from_there}": last.sort_key})
        return begin & (Q(**{f"sort_key__{beyond}": last.sort_key}) | at_its_place)


ORDERS = {
    "newest": Order(F("created_at"), descending=True),
    "oldest": Order(F("created_at")),
    "uploaded": Order(F("uploaded_at"), descending=True, nullable=True),
    "largest": Order(F("size"), descending=True),
    "smallest": Order(F("size")),
    # In any case; by code point, whatever the collation of the database.
    "filename": Order(Collate(Upper("filename"), "C")),
}
