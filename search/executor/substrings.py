"""Images that contain texts somewhere, in any case: by trigrams, wherever an index has them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import CharField, Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Cast

from images.models import Image
from images.querysets import ImageQuerySet
from search.executor.had import Had
from taggedimages.identity.models import User
from taggedimages.postgresql.bounded import ids_if_few
from tags.models import ImageTag, Tag
from tags.names import part_pattern


@dataclass(frozen=True)
class WordLimits:
    """Up to how many it is worth looking records up first."""

    # Images of a word; of more, the first are soon met among all.
    looked_up_images: int = 10_000
    # Words of which it is tried whether they have so few; tags and users that a word may have.
    tried_words: int = 3
    listed_records: int = 1_000


DEFAULT_LIMITS = WordLimits()
# For images that are few as it is.
ONE_BY_ONE = WordLimits(tried_words=0)


def containing(
    images: ImageQuerySet,
    words: Iterable[str],
    limits: WordLimits = DEFAULT_LIMITS,
    as_of: datetime | None = None,
) -> ImageQuerySet:
    """Those with each word, in any case, within their id, name, description, tags or creator.

    Unevaluated, after up to three statements for each word that say whether it has few images.
    With `as_of`, an image's tags are those that it had then, by the names that they have now.
    """
    images = _with_ids_as_text(images)
    if as_of is not None:
        for word in words:
            told = Had(F("pk"), as_of, tags=list(named(word).values_list("pk", flat=True)))
            images = images.filter(reduce(or_, _conditions(word, limits), Q(told)))
        return images
    # The longest are mostly the rarest.
    longest_first = sorted(words, key=len, reverse=True)
    asked = [(_conditions(word, limits), _links(word, limits)) for word in longest_first]
    for at, (conditions, links) in enumerate(asked[: limits.tried_words]):
        ways = [*_ways(conditions), links.values_list("image")]
        found = ids_if_few(ways, limits.looked_up_images)
        if found is not None:
            images = images.filter(pk__in=found)
            del asked[at]
            break
    for conditions, links in asked:
        linked = Q(Exists(links.filter(image=OuterRef("pk"))))
        images = images.filter(reduce(or_, conditions, linked))
    return images


def saying(word: str, limits: WordLimits = DEFAULT_LIMITS) -> ImageQuerySet:
    """The ids of all images with a word in what they say themselves, whatever their tags."""
    first, *others = _ways(_conditions(word, limits))
    every: ImageQuerySet = first.union(*others)
    return every


def _ways(conditions: list[Q]) -> list[Any]:
    """A queryset of ids for each condition, which has an index."""
    alone = [_with_ids_as_text(Image.objects.all()).filter(each) for each in conditions]
    return [way.values_list("pk") for way in alone]


def _conditions(word: str, limits: WordLimits) -> list[Q]:
    """What images say themselves, each of which has an index, but for ids."""
    part = part_pattern(word)
    creators = User.objects.filter(username__folded__like=part)
    conditions = [
        Q(name__folded__like=part),
        # The index has no empty ones.
        Q(description__folded__like=part) & ~Q(description=""),
        Q(created_by__in=_listed(creators, limits)),
    ]
    return [*conditions, Q(id_text__contains=word)] if word.isdecimal() else conditions


def _links(word: str, limits: WordLimits) -> QuerySet[ImageTag]:
    return ImageTag.objects.filter(tag__in=_listed(named(word), limits))


def named(word: str) -> QuerySet[Tag]:
    """The tags that have a word in their name or description."""
    part = part_pattern(word)
    # The index has no empty descriptions.
    described = Q(description__folded__like=part) & ~Q(description="")
    return Tag.objects.filter(Q(folded__like=part) | described)


def _listed(records: QuerySet[Any], limits: WordLimits) -> Any:
    """Ids of these, looked up first where they are few: the database then plans for just them."""
    ids = records.values_list("pk", flat=True)
    listed = list(ids[: limits.listed_records + 1])
    return listed if len(listed) <= limits.listed_records else ids


def _with_ids_as_text(images: ImageQuerySet) -> ImageQuerySet:
    return images.alias(id_text=Cast("pk", CharField()))
