"""Lists as paginators want them, whose pages are found by keys in an index and fetched by these."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet
from django.db.models.expressions import RawSQL

from taggedimages.postgresql.fragments import Fragment, statement
from taggedimages.postgresql.routing import read_connection

M = TypeVar("M", bound=Model)

# The total of the statement's own moment, so that what is added meanwhile moves no page.
FROM_THE_END = """
WITH told (total) AS MATERIALIZED ({told})
{backwards}
LIMIT (SELECT greatest(least(%(stop)s, total) - %(start)s, 0) FROM told)
OFFSET (SELECT greatest(total - %(stop)s, 0) FROM told)
"""
# As many keys as are walked whatever is known of where a page starts.
NEAR = 20_000
# The queryset begins at the key; without one it walks from the first.
FROM_NEAR = """
WITH near (key, passed) AS MATERIALIZED ({near})
{forwards}
LIMIT %(stop)s::bigint - %(start)s::bigint
OFFSET (SELECT %(start)s - coalesce(max(passed), 0) FROM near)
"""
# Of a table in the statement around it; nothing that anybody says is in it.
KEY_NEAR = "(SELECT coalesce(max(key), 0)::bigint FROM near)"


@dataclass(frozen=True)
class DeferredJoin(Generic[M]):
    """Records, counted by something that knows the total, and sliced by keys first.

    `key` is unique and in the index that has their order: what a deep page skips is read in that
    index alone. `total_statement` selects the total, where there is one that takes little; pages
    in the second half are then counted from the end. `near_statement`, whose parameter is `start`,
    selects (key, passed): a whole number shortly before a page, and how many keys are below it; or
    nothing where that is not known.
    """

    records: QuerySet[M]
    total: Callable[[], int]
    key: str = "pk"
    total_statement: Fragment | None = None
    near_statement: Fragment | None = None

    def count(self) -> int:
        """How many there are."""
        return self._total

    def __getitem__(self, part: slice) -> list[M]:
        keys: Any = self.records.prefetch_related(None).values(self.key)
        if part.start > NEAR and (near := self.near_statement) and self._is_known(near, part):
            keys = self._from_near(near, keys, part)
        elif self.total_statement and part.start > self._total / 2:
            keys = self._from_the_end(self.total_statement, keys, part)
        else:
            keys = keys[part]
        return list(self.records.filter(**{f"{self.key}__in": keys}))

    @cached_property
    def _total(self) -> int:
        return self.total()

    def _is_known(self, near: Fragment, part: slice) -> bool:
        asked = statement("SELECT EXISTS ({near})", near=near, parameters={"start": part.start})
        with read_connection().cursor() as cursor:
            cursor.execute(asked.text, asked.parameters)
            return bool(cursor.fetchone()[0])

    def _from_near(self, near: Fragment, keys: Any, part: slice) -> list[Any]:
        begun = keys.filter(**{f"{self.key}__gte": RawSQL(KEY_NEAR, [])})  # noqa: S611
        return self._keys(FROM_NEAR, part, near=near, forwards=_fragment(begun))

    def _from_the_end(self, told: Fragment, keys: Any, part: slice) -> list[Any]:
        return self._keys(FROM_THE_END, part, told=told, backwards=_fragment(keys.reverse()))

    def _keys(self, template: str, part: slice, **values: Fragment) -> list[Any]:
        places = {"start": part.start, "stop": part.stop}
        asked = statement(template, parameters=places, **values)
        with read_connection().cursor() as cursor:
            cursor.execute(asked.text, asked.parameters)
            return [key for (key,) in cursor.fetchall()]


def _fragment(records: Any) -> Fragment:
    text, values = records.query.sql_with_params()
    # The queryset has its parameters by place, and the statement by name.
    named = {f"key_{at}": value for at, value in enumerate(values)}
    return Fragment(text % tuple(f"%({name})s" for name in named), named)
