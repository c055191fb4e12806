"""The query language of `q`: words and `field:value`, OR-ed (contract SharinPix, tokens).

A word matches an album id as a whole, and a tag or file name as a whole or one word of it.
"""

import re

from django.conf import settings
from django.db.models import Q

from search.query import AnyOf
from tags.models import Tag
from tags.names import folded, part_pattern, word_pattern

TERM = re.compile(r'(?:(album_id|tags|filename):)?(?:"([^"]*)"|(\S+))')


def read(query: str) -> AnyOf | None:
    """What a query asks for; None where that is everything, and nothing of an empty one.

    One statement where it asks for tags.
    """
    albums, words, tags = [], [], Q(pk__in=[])
    found = [(field, quoted or bare) for field, quoted, bare in TERM.findall(query)]
    for field, value in found[: settings.MAX_SEARCH_TERMS]:
        if (field, value) == ("", "*"):
            return None
        if field in ("", "album_id"):
            albums.append(value)
        if field in ("", "filename"):
            words.append(value)
        if field == "tags":
            tags |= Q(folded=folded(value))
        if field == "":
            # The part says nothing more, but has an index.
            tags |= Q(folded__like=part_pattern(value), folded__regex=word_pattern(value))
    ids = Tag.objects.filter(tags).values_list("pk", flat=True)
    return AnyOf((), tuple(albums), tuple(words), tuple(ids))
