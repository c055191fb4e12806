"""The query language of `q`: words and `field:value`, OR-ed (contract SharinPix, tokens)."""

import re

from django.conf import settings
from django.db.models import Exists, OuterRef, Q

from tags.models import ImageTag, Tag
from tags.names import folded, like_pattern

EVERYTHING = ~Q(pk__in=[])
NOTHING = Q(pk__in=[])
METACHARACTERS = re.compile(r"[\\.^$*+?()\[\]{}|]")
TERM = re.compile(r'(?:(album_id|tags|filename):)?(?:"([^"]*)"|(\S+))')


def matching(query: str) -> Q:
    """The images that a query asks for, as a condition; an empty query asks for none.

    A word matches an album id as a whole, and a tag or file name as a whole or one word of it.
    """
    terms = [(field, quoted or bare) for field, quoted, bare in TERM.findall(query)]
    condition = NOTHING
    for field, value in terms[: settings.MAX_SEARCH_TERMS]:
        condition |= EVERYTHING if (field, value) == ("", "*") else _term(field, value)
    return condition


def _term(field: str, value: str) -> Q:
    match field:
        case "album_id":
            return Q(album_id__iexact=value)
        case "tags":
            return _tagged(Q(folded=folded(value)))
        case "filename":
            return _named(value)
    return Q(album_id__iexact=value) | _tagged(_word_of_tag(value)) | _named(value)


def _tagged(condition: Q) -> Q:
    # Looked up first: the database then knows how many they are, and walks or joins accordingly.
    tags = list(Tag.objects.filter(condition).values_list("pk", flat=True))
    return Q(Exists(ImageTag.objects.filter(image=OuterRef("pk"), tag__in=tags)))


def _word_of_tag(value: str) -> Q:
    part = like_pattern(value).replace("%", r"\%")
    # The part says nothing more, but has an index.
    return Q(folded__like=f"%{part}%", name__iregex=_word(value))


def _named(value: str) -> Q:
    return Q(filename__iregex=_word(value))


def _word(value: str) -> str:
    escaped = METACHARACTERS.sub(r"\\\g<0>", value)
    return rf"(^|[^[:alnum:]]){escaped}($|[^[:alnum:]])"
