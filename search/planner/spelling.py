"""A Query with the names of tags as the vocabulary spells them."""

from search.query import Query
from tags.spelling import settled


def spelt(query: Query) -> Query:
    """The query, whose tags are found by their exact names from here on.

    One statement at most, and none where all names are in form NFC. How a name was spelt at an
    instant, `search.planner.then` says.
    """
    if query.names_at is not None:
        return query
    names = settled(query.names)
    if all(name == spelling for name, spelling in names.items()):
        return query
    return query.renamed(names)
