"""A lookup for each field of Query, each narrowing a queryset: what is right for all other ways.

The planner's ways are quicker and cover less; tests hold them against these.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.db.models.expressions import RawSQL
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Upper

from images.querysets import UPLOAD_STATES, ImageQuerySet
from search.executor import whole
from search.executor.substrings import containing
from search.lookups import any_of
from search.lookups.tags import TAG_LOOKUPS
from search.query import AnyOf, Query, conditions
from taggedimages.postgresql.bulk import array
from tags.names import part_pattern

# Pixels of an image that could be read; 0 says that they are not known.
KNOWN_PIXELS_MIN = 1
ID, MAX_ID = re.compile("[0-9]{1,19}"), 2**63 - 1

# Narrows images by what a field of the query asks.
Lookup = Callable[[ImageQuerySet, Any, Query], ImageQuerySet]


def narrowed(images: ImageQuerySet, query: Query) -> ImageQuerySet:
    """Those of some images that match, unevaluated and in their order.

    Names and patterns are looked up at once, a statement for each list, so that each tag costs an
    image one probe of an index.
    """
    for field in fields(query):
        if (asked := getattr(query, field.name)) != field.default:
            images = LOOKUPS[field.name](images, asked, query)
    return images


def _ids(images: ImageQuerySet, ids: tuple[int, ...], _: Query) -> ImageQuerySet:
    # As one parameter: thousands would take longer to read than to look up.
    return images.filter(pk__in=RawSQL("SELECT unnest(%s::bigint[])", [array(ids)]))


def _upload_states(images: ImageQuerySet, states: tuple[str, ...], _: Query) -> ImageQuerySet:
    if not states:
        return images.none()
    return images.filter(reduce(or_, [UPLOAD_STATES[state] for state in states]))


def _called(images: ImageQuerySet, words: tuple[str, ...], _: Query) -> ImageQuerySet:
    return images.filter(*map(_is_called, words))


def _is_called(word: str) -> Q:
    """By this id, this uuid or this part of a filename; each has an index."""
    told = Q(filename__folded__like=part_pattern(word))
    if ID.fullmatch(word) and int(word) <= MAX_ID:
        told |= Q(pk=int(word))
    with suppress(ValueError):
        told |= Q(uuid=UUID(word))
    return told


def _any_of(images: ImageQuerySet, groups: tuple[AnyOf, ...], _: Query) -> ImageQuerySet:
    return images.filter(*map(any_of.condition, groups))


def _fulfilling(images: ImageQuerySet, _: Any, query: Query) -> ImageQuerySet:
    """What is asked besides has narrowed the images by now: no others are judged."""
    found = conditions.fulfilling(query, whole.of_queryset(images))
    return _ids(images, tuple(found or ()), query)


def _registered_by(images: ImageQuerySet, instant: datetime, _: Query) -> ImageQuerySet:
    """When the oldest came, nobody knows: they were there."""
    return images.filter(Q(registered_at=None) | Q(registered_at__lte=instant))


def _column(lookup: str) -> Lookup:
    """A lookup of Django's, by one column."""
    return lambda images, asked, _: images.filter(**{lookup: asked})


def _of_header(keyword: str) -> Lookup:
    """A lookup of what the header of a DICOM file says under a keyword, in upper case."""
    said = Upper(KeyTextTransform(keyword, "facts__dicom"))
    return lambda images, values, _: images.alias(**{keyword: said}).filter(
        **{f"{keyword}__in": values}
    )


def _part(column: str) -> Lookup:
    """A lookup of a part of a column's text, in any case."""
    return lambda images, part, _: images.filter(**{f"{column}__folded__like": part_pattern(part)})


def _at_least(pixels: str) -> Lookup:
    return lambda images, least, _: images.filter(
        **{f"{pixels}__gte": max(least, KNOWN_PIXELS_MIN)}
    )


def _at_most(pixels: str) -> Lookup:
    return lambda images, most, _: images.filter(
        **{f"{pixels}__gte": KNOWN_PIXELS_MIN, f"{pixels}__lte": most}
    )


LOOKUPS: dict[str, Lookup] = {
    "ids": _ids,
    **TAG_LOOKUPS,
    "as_of": _registered_by,
    # They say how tags are understood.
    "vocabulary_now": lambda images, *_: images,
    "aliased": lambda images, *_: images,
    "implied": lambda images, *_: images,
    "name": _column("name"),
    "name_contains": _part("name"),
    "words": lambda images, words, query: containing(images, words, as_of=query.as_of),
    "called": _called,
    "any_of": _any_of,
    "project": lambda images, project, _: images.of_project(project),
    "uuid": lambda images, text, _: images.with_uuid(text),
    "created_by": _column("created_by__username"),
    "created_from": _column("created_at__gte"),
    "created_before": _column("created_at__lt"),
    "uploaded_only": lambda images, *_: images.uploaded(),
    "upload_states": _upload_states,
    "uploaded_from": _column("uploaded_at__gte"),
    "uploaded_before": _column("uploaded_at__lt"),
    "filename_contains": _part("filename"),
    "formats": _column("facts__format__in"),
    "modalities": _of_header("Modality"),
    "body_parts": _of_header("BodyPartExamined"),
    "min_width": _at_least("facts__width"),
    "max_width": _at_most("facts__width"),
    "min_height": _at_least("facts__height"),
    "max_height": _at_most("facts__height"),
    "min_size": _column("size__gte"),
    "max_size": _column("size__lte"),
    "failing": _fulfilling,
}
