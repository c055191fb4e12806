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
    needs: frozenset[str] = NO_NEEDS,
    parameters: Mapping[str, Any] = NO_VALUES,
    **pieces: Fragment,
) -> Fragment:
    """A template with pieces in the places `{name}`; `{{` and `}}` are braces.

    `provides` are the aliases and CTEs that the template gives its pieces, `needs` those that it
    names itself; what a piece needs besides, the whole needs. Raises ValueError where two pieces
    have another value for a parameter of the same name.
    """
    texts = {}
    # Some dozens of these make a search: nothing is copied where nothing is to be merged.
    for name, (text, values, wanted) in pieces.items():
        texts[name] = text
        if wanted:
            needs = needs | wanted
        if values:
            parameters = _merged(parameters, values)
    if needs and provides:
        needs = needs.difference(provides)
    return Fragment(template.format_map(texts), parameters, needs)


def statement(template: str, /, **parts: Any) -> Fragment:
    """A whole statement: what `compose` makes of the same. Raises MissingNeed, and ValueError."""
    whole = compose(template, **parts)
    if whole.needs:
        raise MissingNeed(f"{', '.join(sorted(whole.needs))} in: {template.strip()[:200]}")
    return whole


def column(relation: str, name: str) -> Fragment:
    """A column of a relation or alias, which it needs."""
    return Fragment(f"{relation}.{name}", needs=frozenset({relation}))


def join(separator: str, pieces: Iterable[Fragment]) -> Fragment:
    """Pieces one after the other; what any of them needs, the whole does."""
    texts, parameters, needs = [], NO_VALUES, NO_NEEDS
    for text, values, wanted in pieces:
        texts.append(text)
        if wanted:
            needs = needs | wanted
        if values:
            parameters = _merged(parameters, values)
    return Fragment(separator.join(texts), parameters, needs)


def bigint(number: int) -> Fragment:
    """A number as SQL, in the form that `prepared` takes out of a statement's text."""
    return Fragment(f"'{number}'::bigint")


def bigints(numbers: Iterable[int]) -> Fragment:
    """A list of numbers as an array in SQL, likewise."""
    return Fragment("'{" + ",".join(map(str, numbers)) + "}'::bigint[]")


def _merged(values: Mapping[str, Any], more: Mapping[str, Any]) -> Mapping[str, Any]:
    if not values:
        return more
    for name in values.keys() & more.keys():
        if values[name] != more[name]:
            raise ValueError(f"Two values for the parameter {name}.")
    return {**values, **more}
