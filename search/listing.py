"""Lists as paginators want them, counted and sliced at less cost than a queryset's own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.db.models import F, Model, QuerySet
from django.db.models.expressions import OrderBy
from django.db.models.functions import Now

from images.models import Image
from images.querysets import ImageQuerySet
from images.visibility import Viewer
from search.executor import counts, pages
from search.executor.totals import Total
from search.planner.resolution import Plan, plan
from search.query import Query
from taggedimages.identity.models import User
from taggedimages.postgresql.routing import read_connection

M = TypeVar("M", bound=Model)

# The total of the statement's own moment, so that what is added meanwhile moves no page.
FROM_THE_END = """
WITH told (total) AS MATERIALIZED ({told})
{backwards}
LIMIT (SELECT greatest(least(%s, total) - %s, 0) FROM told)
OFFSET (SELECT greatest(total - %s, 0) FROM told)
"""


@dataclass(frozen=True)
class Listing(Generic[M]):
    """Records of which something tells the total.

    `key` is unique and in the index that has their order. `told` is the statement of the total,
    where there is one that takes little.
    """

    records: QuerySet[M]
    total: Callable[[], int]
    key: str = "pk"
    told: str = ""

    def count(self) -> int:
        """How many there are."""
        return self._total

    def __getitem__(self, part: slice) -> list[M]:
        # Keys first: what a deep page skips is then read in the index alone.
        keys: Any = self.records.prefetch_related(None).values(self.key)
        nearer_the_end = self.told and part.start > self._total / 2
        keys = self._from_the_end(keys, part) if nearer_the_end else keys[part]
        return list(self.records.filter(**{f"{self.key}__in": keys}))

    @cached_property
    def _total(self) -> int:
        return self.total()

    def _from_the_end(self, keys: Any, part: slice) -> list[Any]:
        backwards, parameters = keys.reverse().query.sql_with_params()
        statement = FROM_THE_END.format(told=self.told, backwards=backwards)
        with read_connection().cursor() as cursor:
            cursor.execute(statement, [*parameters, part.stop, part.start, part.stop])
            return [key for (key,) in cursor.fetchall()]


@dataclass
class Found:
    """Images that the tag index finds, newest first, and after them those that it was not asked of.

    `images` are all of them as a queryset, `reordered` those found, where they have another order.
    """

    images: ImageQuerySet
    plan: Plan
    rest: ImageQuerySet | None = None
    reordered: ImageQuerySet | None = None

    def count(self) -> int:
        """How many there are."""
        return self._total.images + (0 if self.rest is None else self.rest.count())

    def __getitem__(self, part: slice) -> list[Image]:
        keys = self._keys(part.start or 0, part.stop)
        images = {image.pk: image for image in self.images.order_by().filter(pk__in=keys)}
        return [images[key] for key in keys if key in images]

    @cached_property
    def _total(self) -> Total:
        return counts.total(self.plan)

    def _keys(self, start: int, stop: int) -> list[int]:
        beyond = self._total.images
        if self.reordered is not None:
            keys = _keys_of(self.reordered, start, min(stop, beyond)) if start < beyond else []
        else:
            found = pages.page(self.plan, self._total, stop - start, start)
            keys = [position.image for position in found]
        if self.rest is not None and stop > beyond:
            keys += _keys_of(self.rest, max(start - beyond, 0), stop - beyond)
        return keys


def unended_first(
    images: ImageQuerySet,
    query: Query,
    user: User | AnonymousUser | None,
    order: Sequence[OrderBy] = (),
    *,
    current: bool = False,
) -> Found | Listing[Image] | ImageQuerySet:
    """The images of a user that match a query, by the tag index if it can tell.

    `images` are the same as a queryset, which has ended ones too unless `current`, in the order
    given; without one, what has no end comes first, newest first.
    """
    planned = plan(query, Viewer.of(user))
    if planned is None:
        return images
    # Few have an end, and these have an index.
    ends = images.filter(ended_at__gt=Now()) if current else images.exclude(ended_at=None)
    found = Found(images, replace(planned, unended=True), ends)
    if not order:
        return found
    first, *others = order
    if first.expression != F("ended_at"):
        return Listing(images, found.count)
    # Each of the two has an index in its order, and both together have none.
    return replace(found, reordered=images.filter(ended_at=None).order_by(*others))


def of_project(images: ImageQuerySet, query: Query, project_id: str) -> Found | ImageQuerySet:
    """The current images of a project that match a query, by the tag index if it can tell.

    `images` are the same as a queryset.
    """
    # Where there is no other, no image need be asked whose it is.
    alone = Image.objects.are_all_of(project_id)
    planned = plan(query, Viewer(audiences=None, project=None if alone else project_id))
    return Found(images, planned) if planned else images


def _keys_of(images: ImageQuerySet, start: int, stop: int) -> list[int]:
    keys: Any = images.prefetch_related(None).values_list("pk", flat=True)
    return list(keys[start:stop])
