"""The query language of `q`: words and `field:value`, OR-ed (contract SharinPix, tokens).

A word matches an album id as a whole, and a tag or file name as a whole or one word of it.
"""

import re
from typing import NamedTuple

from django.conf import settings
from django.db.models import Exists, OuterRef, Q

from images.models import DEFAULT_ALBUM, Image
from taggedimages.postgresql.bounded import ids_if_few
from tags.models import ImageTag, Tag
from tags.names import folded, part_pattern

MATCHES_ALL = ~Q(pk__in=[])
MATCHES_NOTHING = Q(pk__in=[])
# Images up to which they are looked up one by one; of more, the first are soon met among all.
LOOKED_UP_IMAGES_MAX = 10_000
METACHARACTERS = re.compile(r"[\\.^$*+?()\[\]{}|]")
TERM = re.compile(r'(?:(album_id|tags|filename):)?(?:"([^"]*)"|(\S+))')


class Asked(NamedTuple):
    """What a query asks for: any of these. Conditions on images, and ids of tags."""

    albums: Q
    names: Q
    tags: list[int]
    # Everything, or an album that most images are in.
    most: bool = False


def matching(query: str) -> Q:
    """The images that a query asks for, as a condition; an empty query asks for none."""
    return _condition(_read(query))


def listed(query: str, looked_up_images_max: int = LOOKED_UP_IMAGES_MAX) -> Q:
    """The same, to be found among all images; `matching` is quicker asked of a few."""
    asked = _read(query)
    found = None if asked.most else _few(asked, looked_up_images_max)
    return _condition(asked) if found is None else Q(pk__in=found)


def _read(query: str) -> Asked:
    albums, names, tags, most = MATCHES_NOTHING, MATCHES_NOTHING, MATCHES_NOTHING, False
    found = [(field, quoted or bare) for field, quoted, bare in TERM.findall(query)]
    for field, value in found[: settings.MAX_SEARCH_TERMS]:
        if (field, value) == ("", "*"):
            return Asked(MATCHES_ALL, MATCHES_NOTHING, [], most=True)
        if field in ("", "album_id"):
            albums |= Q(album_id__iexact=value)
            most |= value.lower() == DEFAULT_ALBUM
        if field in ("", "filename"):
            names |= _named(value)
        if field == "tags":
            tags |= Q(folded=folded(value))
        if field == "":
            tags |= _word_of_tag(value)
    # Looked up first: the database then knows how many they are, and walks or joins accordingly.
    return Asked(albums, names, list(Tag.objects.filter(tags).values_list("pk", flat=True)), most)


def _condition(asked: Asked) -> Q:
    links = ImageTag.objects.filter(image=OuterRef("pk"), tag__in=asked.tags)
    return asked.albums | asked.names | Q(Exists(links))


def _few(asked: Asked, most: int) -> list[int] | None:
    """The ids of all that match, each kind by an index of its own; None where they are many."""
    # Albums have an index but for the default one.
    in_albums = Image.objects.filter(asked.albums).exclude(album_id=DEFAULT_ALBUM)
    return ids_if_few(
        [
            in_albums.values_list("pk"),
            Image.objects.filter(asked.names).values_list("pk"),
            ImageTag.objects.filter(tag__in=asked.tags).values_list("image"),
        ],
        most,
    )


def _word_of_tag(value: str) -> Q:
    # The part says nothing more, but has an index.
    return Q(folded__like=part_pattern(value), folded__regex=_word(value))


def _named(value: str) -> Q:
    return Q(filename__folded__like=part_pattern(value), filename__folded__regex=_word(value))


def _word(value: str) -> str:
    escaped = METACHARACTERS.sub(r"\\\g<0>", folded(value))
    return rf"(^|[^[:alnum:]]){escaped}($|[^[:alnum:]])"
