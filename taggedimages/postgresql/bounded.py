"""Ids that several indexes find, as long as these are few."""

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet


def ids_if_few(ways: Iterable[QuerySet[Any, Any]], most: int) -> list[int] | None:
    """The ids that any of some querysets of one column has, each by an index of its own.

    One statement, which reads `most` and one of each at most; None: they are more than that.
    """
    first, *others = (way[: most + 1] for way in ways)
    found = [one for (one,) in first.union(*others)[: most + 1]]
    return found if len(found) <= most else None
