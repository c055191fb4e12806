"""Conditions on images that parts above search have a say in: each registers one when it starts.

`Query` has a field for each, which says it by its name until it is known who asks, and by a number
from then on.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from images.visibility import Viewer
from search.executor.blocks import Blocks
from search.query import Named, Query


class Unknown(ValueError):
    """Nothing of that name is there for whoever asks; the message says it."""


class Condition(NamedTuple):
    """What answers a condition."""

    # The number of what a viewer means by a name. Raises Unknown.
    number: Callable[[str, Viewer], int]
    # Those of some images, or with None of all that are current, that fulfil what has a number, by
    # the tags that a query goes by: of now, or of its instant.
    images: Callable[[int, Query, Blocks | None], Blocks]


_registered: dict[str, Condition] = {}
# The fields of Query that are answered here.
NAMES = ("failing",)


def register(name: str, condition: Condition) -> None:
    """Have a field of Query answered from now on."""
    assert name in NAMES
    _registered[name] = condition


def settled(query: Query, viewer: Viewer) -> Query:
    """The query with the numbers of what its conditions name for a viewer. Raises Unknown."""
    for name in NAMES:
        asked: Named | None = getattr(query, name)
        if asked is not None and asked.number is None:
            number = _registered[name].number(asked.name, viewer)
            said: dict[str, Any] = {name: asked._replace(number=number)}
            query = replace(query, **said)
    return query


def fulfilling(query: Query, among: Blocks | None = None) -> Blocks | None:
    """Those of some images, or of all that are current, that fulfil every such condition of a
    query, which is settled; None where it has none."""
    for name in NAMES:
        asked: Named | None = getattr(query, name)
        if asked is not None:
            assert asked.number is not None
            among = _registered[name].images(asked.number, query, among)
    return among
