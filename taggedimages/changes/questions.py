"""The question of a change as it is kept: a Query, and the tags that its names once meant."""

from collections.abc import Callable
from dataclasses import fields
from datetime import datetime
from typing import Any

from images.querysets import ImageQuerySet
from images.visibility import Viewer
from search.query import AnyOf, Named, Query, TagValues
from search.results import SearchResults
from taggedimages.changes.models import Change
from tags import spelling
from tags.models import Tag

# The name of a tag that is gone: no tag has it.
GONE = ""


def written(query: Query) -> dict[str, Any]:
    """A Query as JSON: what is not at rest in it."""
    return {
        field.name: _plain(asked)
        for field in fields(query)
        if (asked := getattr(query, field.name)) != field.default
    }


def read(question: dict[str, Any]) -> Query:
    """What `written` wrote."""
    return Query(**{name: READ.get(name, _as_is)(asked) for name, asked in question.items()})


def tags_of(query: Query) -> dict[str, int]:
    """The ids of the tags that the names of a query mean now; names of none are left out.

    What names meant at an instant no longer changes, and is looked up again.
    """
    if query.names_at is not None:
        return {}
    spelt = spelling.settled(query.names)
    known = Tag.objects.filter(name__in=set(spelt.values())).values_list("name", "pk")
    ids = dict(known)
    return {name: ids[spelling_] for name, spelling_ in spelt.items() if spelling_ in ids}


def of(change: Change) -> Query | None:
    """What a change asks, with the tags that were meant by the names they have now; None where it
    asks nothing. One statement at most."""
    if change.question is None:
        return None
    query, meant = read(change.question), change.query_tags
    if not meant:
        return query
    present = dict(Tag.objects.filter(pk__in=meant.values()).values_list("pk", "name"))
    names = {name: present.get(tag, GONE) for name, tag in meant.items()}
    return query.renamed({name: names.get(name, name) for name in query.names})


def found(change: Change, images: ImageQuerySet) -> ImageQuerySet:
    """Those of some images that a change asks for now, row by row; all where it asks nothing.

    Images that the author is not shown are to be left out before.
    """
    query = of(change)
    if query is None:
        return images
    return SearchResults(query, Viewer(audiences=None), images=images).images.order_by()


def _plain(asked: Any) -> Any:
    if isinstance(asked, tuple):
        return [_plain(one) for one in asked]
    return asked.isoformat() if isinstance(asked, datetime) else asked


def _as_is(asked: Any) -> Any:
    return tuple(asked) if isinstance(asked, list) else asked


def _tags(asked: list[Any]) -> tuple[TagValues, ...]:
    return tuple(TagValues(name, tuple(values)) for name, values in asked)


def _any_of(groups: list[list[list[Any]]]) -> tuple[AnyOf, ...]:
    return tuple(AnyOf(*map(tuple, group)) for group in groups)


READ: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("with_all", "without_all", "without_any"), _tags),
    "failing": lambda asked: Named(*asked),
    "any_of": _any_of,
    "with_any": lambda groups: tuple(map(_tags, groups)),
    **dict.fromkeys(
        ("created_from", "created_before", "uploaded_from", "uploaded_before", "as_of"),
        datetime.fromisoformat,
    ),
}
