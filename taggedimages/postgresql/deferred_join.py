"""Lists as paginators want them, whose pages are found by keys in an index and fetched by these."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet

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


@dataclass(frozen=True)
class DeferredJoin(Generic[M]):
    """Records, counted by something that knows the total, and sliced by keys first.

    `key` is unique and in the index that has their order: what a deep page skips is read in that
    index alone. `total_statement` selects the total, where there is one that takes little; pages
    in the second half are then counted from the end.
    """

    records: QuerySet[M]
    total: Callable[[], int]
    key: str = "pk"
    total_statement: Fragment | None = None

    def count(self) -> int:
        """How many there are."""
        return self._total

    def __getitem__(self, part: slice) -> list[M]:
        keys: Any = self.records.prefetch_related(None).values(self.key)
        if self.total_statement and part.start > self._total / 2:
            keys = self._from_the_end(self.total_statement, keys, part)
        else:
            keys = keys[part]
        return list(self.records.filter(**{f"{self.key}__in": keys}))

    @cached_property
    def _total(self) -> int:
        return self.total()

    def _from_the_end(self, told: Fragment, keys: Any, part: slice) -> list[Any]:
        backwards, values = keys.reverse().query.sql_with_params()
        # The queryset has its parameters by place, and the statement by name.
        named = {f"key_{at}": value for at, value in enumerate(values)}
        text = backwards % tuple(f"%({name})s" for name in named)
        asked = statement(
            FROM_THE_END,
            told=told,
            backwards=Fragment(text, named),
            parameters={"start": part.start, "stop": part.stop},
        )
        with read_connection().cursor() as cursor:
            cursor.execute(asked.text, asked.parameters)
            return [key for (key,) in cursor.fetchall()]
