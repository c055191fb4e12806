"""Today's names in a question about the past: only of tags that whoever asks is shown now.

A question about now finds images that are shown, and so nothing by the name of a tag that is on
hidden images alone. One about the past would: by such a name, or letter by letter by patterns, it
could be found out what a tag that an image had is called since.
"""

from dataclasses import replace

from django.db.models import F
from django.db.models.functions import Coalesce

from images.visibility import Viewer
from search.query import Query, TagValues
from tags.models import Tag, TagQuerySet
from tags.names import distinct, like_pattern
from tags.shown import IsShown

# What no tag is called.
NOBODY = ""
# Names that the patterns of a question may stand for.
NAMES_MAX = 10_000


class TooManyNames(Exception):
    """The patterns of a question stand for more names than are looked up for it."""


def with_names_shown(query: Query, viewer: Viewer) -> Query:
    """A query without the names of tags that a viewer is not shown, if it asks by today's names as
    of an instant. Up to a statement for its names and one for each pattern.

    Raises TooManyNames.
    """
    if query.as_of is None or not query.vocabulary_now or viewer.sees_all:
        return query
    if query.names:
        named = _shown(viewer).filter(name__in=set(query.names))
        known = set(named.values_list("name", flat=True))
        query = query.renamed(
            {name: name if name in known else NOBODY for name in set(query.names)}
        )
    groups = tuple(
        _group(_shown(viewer), pattern) for pattern in distinct(map(like_pattern, query.match_tags))
    )
    return replace(query, match_tags=(), with_any=(*query.with_any, *groups))


def _shown(viewer: Viewer) -> TagQuerySet:
    return Tag.objects.filter(IsShown(Coalesce(F("alias_of"), F("pk")), viewer, aliased=True))


def _group(shown: TagQuerySet, pattern: str) -> tuple[TagValues, ...]:
    matching = shown.filter(folded__like=pattern).values_list("name", flat=True)
    names = list(matching[: NAMES_MAX + 1])
    if len(names) > NAMES_MAX:
        raise TooManyNames(f"A pattern may stand for at most {NAMES_MAX:,} of today's names.")
    return tuple(map(TagValues, names)) or (TagValues(NOBODY),)
