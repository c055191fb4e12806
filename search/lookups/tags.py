"""The lookups of tags among `search.lookups`: of those that images have, or had at an instant."""

import sys
from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from operator import and_, or_
from typing import Any, NamedTuple

from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Coalesce

from images.querysets import ImageQuerySet
from search.executor.had import Had
from search.planner.then import ids_then, meanings_then
from search.query import Query, Rules, TagValues
from tags.models import Closure, ImageTag, Tag, TagQuerySet
from tags.names import distinct, like_pattern
from tags.past import vocabulary

NO_LIMIT = sys.maxsize // 2


class Meant(NamedTuple):
    """Tags, of which an image is to have any with one of some values; none listed: any."""

    tags: list[int]
    values: tuple[str, ...] = ()


def _exact_tags(images: ImageQuerySet, wanted: tuple[str, ...], query: Query) -> ImageQuerySet:
    return _with_all(images, tuple(map(TagValues, distinct(wanted))), query)


def _match_tags(images: ImageQuerySet, patterns: tuple[str, ...], query: Query) -> ImageQuerySet:
    """One tag may serve several patterns."""
    if query.as_of is not None:
        for tags in _matched(patterns, query):
            images = images.filter(_linked([Meant(tags)], query))
        return images
    for pattern in distinct([like_pattern(pattern) for pattern in patterns]):
        images = images.filter(_exists(_of(Tag.objects.filter(folded__like=pattern), query.rules)))
    return images


def _tag_id(images: ImageQuerySet, tag: int, query: Query) -> ImageQuerySet:
    rules, at = query.rules, query.names_at
    if at is not None:
        means = meanings_then([tag], rules, at)
    else:
        own = Tag.objects.filter(pk=tag).values_list("alias_of", flat=True)
        target = own.first() if rules else 0
        means = _meanings({tag: target or tag}, rules)
    return images.filter(_linked([Meant(means[tag])], query))


def _with_all(images: ImageQuerySet, wanted: tuple[TagValues, ...], query: Query) -> ImageQuerySet:
    meant = _meant(wanted, query)
    if len(meant) < len(wanted):
        return images.none()
    return images.filter(*(_linked([one], query) for one in meant))


def _with_any(
    images: ImageQuerySet, groups: tuple[tuple[TagValues, ...], ...], query: Query
) -> ImageQuerySet:
    for group in groups:
        meant = _meant(group, query)
        images = images.filter(_linked(meant, query)) if meant else images.none()
    return images


def _without_all(
    images: ImageQuerySet, unwanted: tuple[TagValues, ...], query: Query
) -> ImageQuerySet:
    meant = _meant(unwanted, query)
    if len(meant) < len(unwanted):
        return images
    return images.filter(~reduce(and_, [_linked([one], query) for one in meant]))


def _without_any(
    images: ImageQuerySet, unwanted: tuple[TagValues, ...], query: Query
) -> ImageQuerySet:
    meant = _meant(unwanted, query)
    return images.filter(~_linked(meant, query)) if meant else images


def _untagged(images: ImageQuerySet, _asked: bool, query: Query) -> ImageQuerySet:
    if query.as_of is not None:
        return images.filter(~Q(Had(F("pk"), query.as_of)))
    return images.filter(~_exists(Q()))


def _linked(meant: list[Meant], query: Query) -> Q:
    """Whether an image has, or had at the instant of the query, any of these."""
    if query.as_of is not None:
        at = query.as_of
        told = [Had(F("pk"), at, tags=one.tags, values=one.values) for one in meant]
        return reduce(or_, map(Q, told))
    links = [
        Q(tag__in=one.tags) & (Q(value__in=one.values) if one.values else Q()) for one in meant
    ]
    return _exists(reduce(or_, links))


def _exists(link: Q) -> Q:
    return Q(Exists(ImageTag.objects.filter(link, image=OuterRef("pk"))))


def _meant(wanted: tuple[TagValues, ...], query: Query) -> list[Meant]:
    """What is meant by each of the tags that there are, or were."""
    names = [tag.name for tag in wanted]
    if query.names_at is not None:
        ids = ids_then(names, query.names_at)
        means = meanings_then(ids.values(), query.rules, query.names_at)
    else:
        rows = list(Tag.objects.filter(name__in=names).values_list("name", "pk", "alias_of"))
        ids = {name: tag for name, tag, _ in rows}
        means = _meanings({tag: target or tag for _, tag, target in rows}, query.rules)
    return [Meant(means[ids[tag.name]], tag.values) for tag in wanted if tag.name in ids]


def _matched(patterns: tuple[str, ...], query: Query) -> Iterable[list[int]]:
    """All that the tags which match each pattern stand for, or stood."""
    at = query.names_at
    if at is None:
        for pattern in distinct([like_pattern(pattern) for pattern in patterns]):
            named = Tag.objects.filter(folded__like=pattern).values_list("pk", "alias_of")
            means = _meanings({tag: target or tag for tag, target in named}, query.rules)
            yield sorted({tag for others in means.values() for tag in others})
        return
    for tags in vocabulary.ids_matching(patterns, at, NO_LIMIT) or ():
        means = meanings_then(tags, query.rules, at)
        yield sorted({tag for others in means.values() for tag in others})


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


TAG_LOOKUPS: dict[str, Callable[[ImageQuerySet, Any, Query], ImageQuerySet]] = {
    "exact_tags": _exact_tags,
    "match_tags": _match_tags,
    "tag_id": _tag_id,
    "with_all": _with_all,
    "with_any": _with_any,
    "without_all": _without_all,
    "without_any": _without_any,
    "untagged": _untagged,
}
