"""SQL that is composed: each piece says what it needs around it, and is refused where that lacks.

A piece may rely on a name that the statement around it has to give: an alias such as `i`, or a
CTE such as `recheck`. `compose` puts pieces into a template and raises MissingNeed for a name that
the template neither provides nor says that it needs itself. Texts come from code alone: numbers
are written by `bigint` and `bigints`, and all other values travel as parameters.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

NOTHING: frozenset[str] = frozenset()
NO_VALUES: Mapping[str, Any] = {}


class MissingNeed(Exception):
    """A piece of SQL relies on a name that the statement around it does not have."""


class Fragment(NamedTuple):
    """A piece of SQL: its text, its parameters by name, and the names that it needs around it."""

    text: str
    parameters: Mapping[str, Any] = NO_VALUES
    needs: frozenset[str] = NOTHING


def compose(
    template: str,
    /,
    *,
    provides: Collection[str] = (),
    needs: Collection[str] = (),
    parameters: Mapping[str, Any] = NO_VALUES,
    **pieces: Fragment,
) -> Fragment:
    """A template with pieces in the places `{name}`; `{{` and `}}` are braces.

    `provides` are the aliases and CTEs that the template gives its pieces, `needs` those that it
    relies on itself or leaves to whatever it is put into. Raises MissingNeed, and ValueError where
    two pieces have another value for a parameter of the same name.
    """
    texts, values, wanted = {}, dict(parameters), set()
    for name, piece in pieces.items():
        texts[name] = piece.text
        if piece.needs:
            wanted |= piece.needs
        if piece.parameters:
            _merge(values, piece.parameters)
    if wanted and (missing := wanted.difference(provides, needs)):
        raise MissingNeed(f"{', '.join(sorted(missing))} in: {template.strip()[:200]}")
    return Fragment(template.format_map(texts), values, frozenset(needs) if needs else NOTHING)


def join(separator: str, pieces: Iterable[Fragment]) -> Fragment:
    """Pieces one after the other; what any of them needs, the whole does."""
    every = list(pieces)
    values: dict[str, Any] = {}
    for piece in every:
        if piece.parameters:
            _merge(values, piece.parameters)
    needs = NOTHING.union(*(piece.needs for piece in every))
    return Fragment(separator.join([piece.text for piece in every]), values, needs)


def bigint(number: int) -> Fragment:
    """A number as SQL, in the form that `prepared` takes out of a statement's text."""
    return Fragment(f"'{number}'::bigint")


def bigints(numbers: Iterable[int]) -> Fragment:
    """A list of numbers as an array in SQL, likewise."""
    return Fragment("'{" + ",".join(map(str, numbers)) + "}'::bigint[]")


def _merge(values: dict[str, Any], more: Mapping[str, Any]) -> None:
    for name, value in more.items():
        if name in values and values[name] != value:
            raise ValueError(f"Two values for the parameter {name}.")
        values[name] = value
