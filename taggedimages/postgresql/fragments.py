"""SQL that is composed: each piece says what it needs around it, and is refused where that lacks.

A piece may rely on a name that the statement around it has to give: an alias such as `i`, or a
CTE such as `recheck`. `compose` puts pieces into a larger one, `statement` into a whole statement,
which raises MissingNeed for a name that nothing in it provides. Texts come from code alone: numbers
are written by `bigint` and `bigints`, and all other values travel as parameters.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

NO_NEEDS: frozenset[str] = frozenset()
NO_VALUES: Mapping[str, Any] = {}


class MissingNeed(Exception):
    """A piece of SQL relies on a name that the statement around it does not have."""


class Fragment(NamedTuple):
    """A piece of SQL: its text, its parameters by name, and the names that it needs around it."""

    text: str
    parameters: Mapping[str, Any] = NO_VALUES
    needs: frozenset[str] = NO_NEEDS


EMPTY = Fragment("")


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
    names itself; what a piece needs besides, the whole needs. Raises ValueError where two pieces
    have another value for a parameter of the same name.
    """
    return _composed(template, provides, needs, parameters, pieces)


def _composed(
    template: str,
    provides: Collection[str],
    needs: Collection[str],
    parameters: Mapping[str, Any],
    pieces: Mapping[str, Fragment],
) -> Fragment:
    texts, values, wanted = {}, dict(parameters), set(needs)
    for name, piece in pieces.items():
        texts[name] = piece.text
        if piece.needs:
            wanted |= piece.needs
        if piece.parameters:
            _merge(values, piece.parameters)
    if wanted:
        wanted.difference_update(provides)
    return Fragment(template.format_map(texts), values, frozenset(wanted) if wanted else NO_NEEDS)


def statement(
    template: str,
    /,
    *,
    provides: Collection[str] = (),
    parameters: Mapping[str, Any] = NO_VALUES,
    **pieces: Fragment,
) -> Fragment:
    """A whole statement, composed likewise. Raises MissingNeed, and ValueError likewise."""
    whole = _composed(template, provides, (), parameters, pieces)
    if whole.needs:
        raise MissingNeed(f"{', '.join(sorted(whole.needs))} in: {template.strip()[:200]}")
    return whole


def column(relation: str, name: str) -> Fragment:
    """A column of a relation or alias, which it needs."""
    return Fragment(f"{relation}.{name}", needs=frozenset({relation}))


def join(separator: str, pieces: Iterable[Fragment]) -> Fragment:
    """Pieces one after the other; what any of them needs, the whole does."""
    every = list(pieces)
    values: dict[str, Any] = {}
    for piece in every:
        if piece.parameters:
            _merge(values, piece.parameters)
    needs = NO_NEEDS.union(*(piece.needs for piece in every))
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
