"""A Query with the names of tags as the vocabulary spells them."""

from dataclasses import replace

from search.query import Query, TagValues
from tags.spelling import settled


def spelt(query: Query) -> Query:
    """The query, whose tags are found by their exact names from here on.

    One statement at most, and none where all names are in form NFC.
    """
    groups = (query.with_all, query.without_all, query.without_any, *query.with_any)
    given = [*query.exact_tags, *(tag.name for group in groups for tag in group)]
    names = settled(given)
    if all(name == spelling for name, spelling in names.items()):
        return query

    def named(tags: tuple[TagValues, ...]) -> tuple[TagValues, ...]:
        return tuple(tag._replace(name=names[tag.name]) for tag in tags)

    return replace(
        query,
        exact_tags=tuple(names[name] for name in query.exact_tags),
        with_all=named(query.with_all),
        with_any=tuple(map(named, query.with_any)),
        without_all=named(query.without_all),
        without_any=named(query.without_any),
    )
