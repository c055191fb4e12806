"""A lookup for each field of Query, each narrowing a queryset: what is right for all other ways.

The planner's ways are quicker and cover less; tests hold them against these.
"""

from collections.abc import Callable
from dataclasses import fields
from functools import reduce
from operator import and_, or_
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.db.models.expressions import RawSQL

from images.querysets import UPLOAD_STATES, ImageQuerySet
from search.executor.substrings import containing
from search.query import Query, TagValues
from taggedimages.postgresql.bulk import array
from tags.models import ImageTag, Tag
from tags.names import distinct, like_pattern, part_pattern

# Pixels of an image that could be read; 0 says that they are not known.
KNOWN_PIXELS_MIN = 1


def narrowed(images: ImageQuerySet, query: Query) -> ImageQuerySet:
    """Those of some images that match, unevaluated and in their order.

    Names and patterns are looked up at once, a statement for each list, so that each tag costs an
    image one probe of an index.
    """
    for field in fields(query):
        if (asked := getattr(query, field.name)) != field.default:
            images = LOOKUPS[field.name](images, asked)
    return images


def _ids(images: ImageQuerySet, ids: tuple[int, ...]) -> ImageQuerySet:
    # As one parameter: thousands would take longer to read than to look up.
    return images.filter(pk__in=RawSQL("SELECT unnest(%s::bigint[])", [array(ids)]))


def _exact_tags(images: ImageQuerySet, wanted: tuple[str, ...]) -> ImageQuerySet:
    names = distinct(list(wanted))
    ids = list(Tag.objects.filter(name__in=names).values_list("pk", flat=True))
    if len(ids) < len(names):
        return images.none()
    return images.filter(*(_linked(Q(tag=tag)) for tag in ids))


def _match_tags(images: ImageQuerySet, patterns: tuple[str, ...]) -> ImageQuerySet:
    """One tag may serve several patterns."""
    for pattern in distinct([like_pattern(pattern) for pattern in patterns]):
        matching = Tag.objects.filter(folded__like=pattern).values("pk")
        images = images.filter(_linked(Q(tag__in=matching)))
    return images


def _with_all(images: ImageQuerySet, wanted: tuple[TagValues, ...]) -> ImageQuerySet:
    links = _links(wanted)
    if len(links) < len(wanted):
        return images.none()
    return images.filter(*map(_linked, links))


def _with_any(images: ImageQuerySet, groups: tuple[tuple[TagValues, ...], ...]) -> ImageQuerySet:
    for group in groups:
        links = _links(group)
        images = images.filter(_linked(reduce(or_, links))) if links else images.none()
    return images


def _without_all(images: ImageQuerySet, unwanted: tuple[TagValues, ...]) -> ImageQuerySet:
    links = _links(unwanted)
    if len(links) < len(unwanted):
        return images
    return images.filter(~reduce(and_, [Q(_linked(link)) for link in links]))


def _without_any(images: ImageQuerySet, unwanted: tuple[TagValues, ...]) -> ImageQuerySet:
    links = _links(unwanted)
    return images.filter(~_linked(reduce(or_, links))) if links else images


def _upload_states(images: ImageQuerySet, states: tuple[str, ...]) -> ImageQuerySet:
    if not states:
        return images.none()
    return images.filter(reduce(or_, [UPLOAD_STATES[state] for state in states]))


def _links(wanted: tuple[TagValues, ...]) -> list[Q]:
    """A condition on links for each of the tags that there are."""
    names = [tag.name for tag in wanted]
    ids = dict(Tag.objects.filter(name__in=names).values_list("name", "pk"))
    return [
        Q(tag=ids[tag.name]) & (Q(value__in=tag.values) if tag.values else Q())
        for tag in wanted
        if tag.name in ids
    ]


def _linked(link: Q) -> Exists:
    return Exists(ImageTag.objects.filter(link, image=OuterRef("pk")))


def _column(lookup: str) -> Callable[[ImageQuerySet, Any], ImageQuerySet]:
    """A lookup of Django's, by one column."""
    return lambda images, asked: images.filter(**{lookup: asked})


def _part(column: str) -> Callable[[ImageQuerySet, str], ImageQuerySet]:
    """A lookup of a part of a column's text, in any case."""
    return lambda images, part: images.filter(**{f"{column}__folded__like": part_pattern(part)})


def _at_least(pixels: str) -> Callable[[ImageQuerySet, int], ImageQuerySet]:
    return lambda images, least: images.filter(**{f"{pixels}__gte": max(least, KNOWN_PIXELS_MIN)})


def _at_most(pixels: str) -> Callable[[ImageQuerySet, int], ImageQuerySet]:
    return lambda images, most: images.filter(
        **{f"{pixels}__gte": KNOWN_PIXELS_MIN, f"{pixels}__lte": most}
    )


LOOKUPS: dict[str, Callable[[ImageQuerySet, Any], ImageQuerySet]] = {
    "ids": _ids,
    "exact_tags": _exact_tags,
    "match_tags": _match_tags,
    "tag_id": lambda images, tag: images.filter(_linked(Q(tag=tag))),
    "with_all": _with_all,
    "with_any": _with_any,
    "without_all": _without_all,
    "without_any": _without_any,
    "untagged": lambda images, _: images.filter(~_linked(Q())),
    "name": _column("name"),
    "name_contains": _part("name"),
    "words": lambda images, words: containing(images, words),
    "uuid": lambda images, text: images.with_uuid(text),
    "created_by": _column("created_by__username"),
    "created_from": _column("created_at__gte"),
    "created_before": _column("created_at__lt"),
    "uploaded_only": lambda images, _: images.uploaded(),
    "upload_states": _upload_states,
    "uploaded_from": _column("uploaded_at__gte"),
    "uploaded_before": _column("uploaded_at__lt"),
    "filename_contains": _part("filename"),
    "formats": _column("facts__format__in"),
    "min_width": _at_least("facts__width"),
    "max_width": _at_most("facts__width"),
    "min_height": _at_least("facts__height"),
    "max_height": _at_most("facts__height"),
    "min_size": _column("size__gte"),
    "max_size": _column("size__lte"),
}
