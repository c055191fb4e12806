"""A lookup for each field of Query, each narrowing a queryset: what is right for all other ways.

The planner's ways are quicker and cover less; tests hold them against these.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import fields
from functools import reduce
from operator import and_, or_
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce

from images.querysets import UPLOAD_STATES, ImageQuerySet
from search.executor.substrings import containing
from search.query import Query, Rules, TagValues
from taggedimages.postgresql.bulk import array
from tags.models import Closure, ImageTag, Tag, TagQuerySet
from tags.names import distinct, like_pattern, part_pattern

# Pixels of an image that could be read; 0 says that they are not known.
KNOWN_PIXELS_MIN = 1
ID, MAX_ID = re.compile("[0-9]{1,19}"), 2**63 - 1

# Narrows images by what a field asks, going by the rules of the query.
Lookup = Callable[[ImageQuerySet, Any, Rules], ImageQuerySet]


def narrowed(images: ImageQuerySet, query: Query) -> ImageQuerySet:
    """Those of some images that match, unevaluated and in their order.

    Names and patterns are looked up at once, a statement for each list, so that each tag costs an
    image one probe of an index.
    """
    for field in fields(query):
        if (asked := getattr(query, field.name)) != field.default:
            images = LOOKUPS[field.name](images, asked, query.rules)
    return images


def _ids(images: ImageQuerySet, ids: tuple[int, ...], _: Rules) -> ImageQuerySet:
    # As one parameter: thousands would take longer to read than to look up.
    return images.filter(pk__in=RawSQL("SELECT unnest(%s::bigint[])", [array(ids)]))


def _exact_tags(images: ImageQuerySet, wanted: tuple[str, ...], rules: Rules) -> ImageQuerySet:
    return _with_all(images, tuple(map(TagValues, distinct(wanted))), rules)


def _match_tags(images: ImageQuerySet, patterns: tuple[str, ...], rules: Rules) -> ImageQuerySet:
    """One tag may serve several patterns."""
    for pattern in distinct([like_pattern(pattern) for pattern in patterns]):
        images = images.filter(_linked(_of(Tag.objects.filter(folded__like=pattern), rules)))
    return images


def _tag_id(images: ImageQuerySet, tag: int, rules: Rules) -> ImageQuerySet:
    target = Tag.objects.filter(pk=tag).values_list("alias_of", flat=True).first() if rules else 0
    return images.filter(_linked(Q(tag__in=_meanings({tag: target or tag}, rules)[tag])))


def _with_all(images: ImageQuerySet, wanted: tuple[TagValues, ...], rules: Rules) -> ImageQuerySet:
    links = _links(wanted, rules)
    if len(links) < len(wanted):
        return images.none()
    return images.filter(*map(_linked, links))


def _with_any(
    images: ImageQuerySet, groups: tuple[tuple[TagValues, ...], ...], rules: Rules
) -> ImageQuerySet:
    for group in groups:
        links = _links(group, rules)
        images = images.filter(_linked(reduce(or_, links))) if links else images.none()
    return images


def _without_all(
    images: ImageQuerySet, unwanted: tuple[TagValues, ...], rules: Rules
) -> ImageQuerySet:
    links = _links(unwanted, rules)
    if len(links) < len(unwanted):
        return images
    return images.filter(~reduce(and_, [Q(_linked(link)) for link in links]))


def _without_any(
    images: ImageQuerySet, unwanted: tuple[TagValues, ...], rules: Rules
) -> ImageQuerySet:
    links = _links(unwanted, rules)
    return images.filter(~_linked(reduce(or_, links))) if links else images


def _upload_states(images: ImageQuerySet, states: tuple[str, ...], _: Rules) -> ImageQuerySet:
    if not states:
        return images.none()
    return images.filter(reduce(or_, [UPLOAD_STATES[state] for state in states]))


def _called(images: ImageQuerySet, words: tuple[str, ...], _: Rules) -> ImageQuerySet:
    return images.filter(*map(_is_called, words))


def _is_called(word: str) -> Q:
    """By this id, this uuid or this part of a filename; each has an index."""
    told = Q(filename__folded__like=part_pattern(word))
    if ID.fullmatch(word) and int(word) <= MAX_ID:
        told |= Q(pk=int(word))
    with suppress(ValueError):
        told |= Q(uuid=UUID(word))
    return told


def _links(wanted: tuple[TagValues, ...], rules: Rules) -> list[Q]:
    """A condition on links for each of the tags that there are."""
    named = Tag.objects.filter(name__in=[tag.name for tag in wanted])
    rows = list(named.values_list("name", "pk", "alias_of"))
    ids = {name: tag for name, tag, _ in rows}
    means = _meanings({tag: target or tag for _, tag, target in rows}, rules)
    return [
        Q(tag__in=means[ids[tag.name]]) & (Q(value__in=tag.values) if tag.values else Q())
        for tag in wanted
        if tag.name in ids
    ]


def _meanings(targets: Mapping[int, int], rules: Rules) -> dict[int, list[int]]:
    """What tags stand for by rules, each by its id; given with those that they are aliases of."""
    if not rules:
        return {tag: [tag] for tag in targets}
    means = {target: [target] for target in targets.values()}
    pairs: Iterable[tuple[Any, int]] = (
        Tag.objects.filter(alias_of__in=means).values_list("alias_of", "pk")
        if rules == Rules.ALIASES
        else Closure.objects.filter(ancestor__in=means).values_list("ancestor", "descendant")
    )
    for target, other in pairs:
        means[target].append(other)
    return {tag: means[target] for tag, target in targets.items()}


def _of(tags: TagQuerySet, rules: Rules) -> Q:
    """The links of what any of some tags stands for, which the database looks up meanwhile."""
    if not rules:
        return Q(tag__in=tags.values("pk"))
    targets = tags.annotate(target=Coalesce("alias_of", "pk")).values("target")
    others = (
        Tag.objects.filter(alias_of__in=targets).values("pk")
        if rules == Rules.ALIASES
        else Closure.objects.filter(ancestor__in=targets).values("descendant")
    )
    return Q(tag__in=targets) | Q(tag__in=others)


def _linked(link: Q) -> Exists:
    return Exists(ImageTag.objects.filter(link, image=OuterRef("pk")))


def _column(lookup: str) -> Lookup:
    """A lookup of Django's, by one column."""
    return lambda images, asked, _: images.filter(**{lookup: asked})


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
    "exact_tags": _exact_tags,
    "match_tags": _match_tags,
    "tag_id": _tag_id,
    "with_all": _with_all,
    "with_any": _with_any,
    "without_all": _without_all,
    "without_any": _without_any,
    "untagged": lambda images, *_: images.filter(~_linked(Q())),
    # They say how the tags above are understood.
    "aliased": lambda images, *_: images,
    "implied": lambda images, *_: images,
    "name": _column("name"),
    "name_contains": _part("name"),
    "words": lambda images, words, _: containing(images, words),
    "called": _called,
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
    "min_width": _at_least("facts__width"),
    "max_width": _at_most("facts__width"),
    "min_height": _at_least("facts__height"),
    "max_height": _at_most("facts__height"),
    "min_size": _column("size__gte"),
    "max_size": _column("size__lte"),
}
