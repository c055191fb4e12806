"""One small function per field of Query, each narrowing a queryset of images."""

import uuid as uuids
from datetime import datetime
from functools import reduce
from operator import and_, or_
from typing import NamedTuple

from django.db.models import Exists, OuterRef, Q

from images.querysets import ImageQuerySet
from search.ordering import ORDERS
from tags.models import ImageTag, Tag
from tags.names import distinct, like_pattern

# Pixels of an image that could be read; 0 says that they are not known.
KNOWN = 1


class TagValues(NamedTuple):
    """A tag by its exact name, and the values its link may have; none listed: any."""

    name: str
    values: tuple[str, ...] = ()


def exact_tags(images: ImageQuerySet, wanted: tuple[str, ...]) -> ImageQuerySet:
    """All of these names, exactly; resolved first, so that each costs one index probe."""
    names = distinct(list(wanted))
    ids = list(Tag.objects.filter(name__in=names).values_list("pk", flat=True))
    if len(ids) < len(names):
        return images.none()
    for tag in ids:
        images = tag_id(images, tag)
    return images


def match_tags(images: ImageQuerySet, patterns: tuple[str, ...]) -> ImageQuerySet:
    """A tag for each pattern; one tag may serve several."""
    for pattern in distinct([like_pattern(pattern) for pattern in patterns]):
        matching = Tag.objects.filter(folded__like=pattern).values("pk")
        images = images.filter(
            Exists(ImageTag.objects.filter(image=OuterRef("pk"), tag__in=matching))
        )
    return images


def tag_id(images: ImageQuerySet, tag: int) -> ImageQuerySet:
    """The tag with this id."""
    return images.filter(Exists(ImageTag.objects.filter(image=OuterRef("pk"), tag=tag)))


def with_all(images: ImageQuerySet, wanted: tuple[TagValues, ...]) -> ImageQuerySet:
    """Every one of these tags, each with one of its values."""
    links = _links(wanted)
    if len(links) < len(wanted):
        return images.none()
    for link in links:
        images = images.filter(_linked(link))
    return images


def with_any(images: ImageQuerySet, wanted: tuple[TagValues, ...]) -> ImageQuerySet:
    """At least one of these tags with one of its values."""
    links = _links(wanted)
    return images.filter(_linked(reduce(or_, links))) if links else images.none()


def without_all(images: ImageQuerySet, unwanted: tuple[TagValues, ...]) -> ImageQuerySet:
    """Not all of these tags at once."""
    links = _links(unwanted)
    if len(links) < len(unwanted):
        return images
    return images.filter(~reduce(and_, [Q(_linked(link)) for link in links]))


def without_any(images: ImageQuerySet, unwanted: tuple[TagValues, ...]) -> ImageQuerySet:
    """None of these tags with one of its values."""
    links = _links(unwanted)
    return images.filter(~_linked(reduce(or_, links))) if links else images


def untagged(images: ImageQuerySet, asked: bool) -> ImageQuerySet:
    """No tag at all."""
    return images.filter(~_linked(Q())) if asked else images


def name(images: ImageQuerySet, wanted: str) -> ImageQuerySet:
    """This name exactly; the empty one too."""
    return images.filter(name=wanted)


def name_contains(images: ImageQuerySet, part: str) -> ImageQuerySet:
    """This text within the name, any case."""
    return images.filter(name__icontains=part)


def uuid(images: ImageQuerySet, wanted: str) -> ImageQuerySet:
    """The one with this uuid; text that is none has no image."""
    try:
        return images.filter(uuid=uuids.UUID(wanted))
    except ValueError:
        return images.none()


def created_from(images: ImageQuerySet, instant: datetime) -> ImageQuerySet:
    """Created at that instant or later."""
    return images.filter(created_at__gte=instant)


def created_before(images: ImageQuerySet, instant: datetime) -> ImageQuerySet:
    """Created before that instant."""
    return images.filter(created_at__lt=instant)


def uploaded_only(images: ImageQuerySet, asked: bool) -> ImageQuerySet:
    """Only those whose file is present."""
    return images.uploaded() if asked else images


def uploaded_from(images: ImageQuerySet, instant: datetime) -> ImageQuerySet:
    """The file arrived at that instant or later."""
    return images.filter(uploaded_at__gte=instant)


def uploaded_before(images: ImageQuerySet, instant: datetime) -> ImageQuerySet:
    """The file arrived before that instant."""
    return images.filter(uploaded_at__lt=instant)


def filename_contains(images: ImageQuerySet, part: str) -> ImageQuerySet:
    """This text within the filename, in any case as the database's locale has it."""
    return images.filter(filename__icontains=part)


def formats(images: ImageQuerySet, wanted: tuple[str, ...]) -> ImageQuerySet:
    """The file is of one of these formats."""
    return images.filter(facts__format__in=wanted)


def min_width(images: ImageQuerySet, pixels: int) -> ImageQuerySet:
    """At least as wide."""
    return images.filter(facts__width__gte=max(pixels, KNOWN))


def max_width(images: ImageQuerySet, pixels: int) -> ImageQuerySet:
    """At most as wide."""
    return images.filter(facts__width__gte=KNOWN, facts__width__lte=pixels)


def min_height(images: ImageQuerySet, pixels: int) -> ImageQuerySet:
    """At least as high."""
    return images.filter(facts__height__gte=max(pixels, KNOWN))


def max_height(images: ImageQuerySet, pixels: int) -> ImageQuerySet:
    """At most as high."""
    return images.filter(facts__height__gte=KNOWN, facts__height__lte=pixels)


def min_size(images: ImageQuerySet, count: int) -> ImageQuerySet:
    """At least so many bytes."""
    return images.filter(size__gte=count)


def max_size(images: ImageQuerySet, count: int) -> ImageQuerySet:
    """At most so many bytes."""
    return images.filter(size__lte=count)


def order(images: ImageQuerySet, wanted: str) -> ImageQuerySet:
    """In one of ORDERS."""
    return ORDERS[wanted].applied(images)


def _links(wanted: tuple[TagValues, ...]) -> list[Q]:
    # Names resolved first, in one statement, so that each tag costs one index probe.
    names = [tag.name for tag in wanted]
    ids = dict(Tag.objects.filter(name__in=names).values_list("name", "pk"))
    return [
        Q(tag=ids[tag.name]) & (Q(value__in=tag.values) if tag.values else Q())
        for tag in wanted
        if tag.name in ids
    ]


def _linked(link: Q) -> Exists:
    return Exists(ImageTag.objects.filter(link, image=OuterRef("pk")))
