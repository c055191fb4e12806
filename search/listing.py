"""Lists as paginators want them, counted and sliced at less cost than a queryset's own."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.db.models import Model, QuerySet

from images.audience import Viewer
from images.models import Image, ImageQuerySet
from search import counting, pages
from search.plans import Plan, plan
from search.query import Query
from taggedimages.identity.models import User

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Listing(Generic[M]):
    """Records of which something tells the total.

    `key` is unique and in the index that has their order.
    """

    records: QuerySet[M]
    total: Callable[[], int]
    key: str = "pk"

    def count(self) -> int:
        """How many there are."""
        return self.total()

    def __getitem__(self, part: slice) -> list[M]:
        # Keys first: what a deep page skips is then read in the index alone.
        keys = self.records.prefetch_related(None).values(self.key)[part]
        return list(self.records.filter(**{f"{self.key}__in": keys}))


class Found:
    """Images that the tag index finds: those without an end before the others, each newest first.

    `images` are all of them, in that order unless `reordered`.
    """

    def __init__(self, images: ImageQuerySet, planned: Plan, *, reordered: bool = False) -> None:
        self.images, self.reordered = images, reordered
        self.plan = replace(planned, unended=True)

    def count(self) -> int:
        """How many there are."""
        return self._unended.images + self._ending.count()

    def __getitem__(self, part: slice) -> list[Image]:
        keys = self._keys(part.start or 0, part.stop)
        images = {image.pk: image for image in self.images.order_by().filter(pk__in=keys)}
        return [images[key] for key in keys if key in images]

    @cached_property
    def _unended(self) -> counting.Total:
        return counting.total(self.plan)

    @property
    def _ending(self) -> ImageQuerySet:
        """Those that have an end, which are few."""
        return self.images.exclude(ended_at=None)

    def _keys(self, start: int, stop: int) -> list[int]:
        if self.reordered:
            return _keys_of(self.images, slice(start, stop))
        found = pages.page(self.plan, self._unended, stop - start, start)
        keys = [position.image for position in found]
        unended = self._unended.images
        if stop > unended:
            keys += _keys_of(self._ending, slice(max(start - unended, 0), stop - unended))
        return keys


def found(
    images: ImageQuerySet,
    query: Query,
    user: User | AnonymousUser | None,
    *,
    reordered: bool = False,
) -> Found | ImageQuerySet:
    """The images of a user that match a query, by the tag index if that can tell.

    `images` are the same as a queryset, which may have ended ones too.
    """
    planned = plan(query, Viewer.of(user))
    return Found(images, planned, reordered=reordered) if planned else images


def _keys_of(images: ImageQuerySet, part: slice) -> list[int]:
    keys: Any = images.prefetch_related(None).values_list("pk", flat=True)
    return list(keys[part])
