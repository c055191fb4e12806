"""Full-text search of the plain kind: images that contain every word somewhere."""

from collections.abc import Iterable
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import CharField, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Cast

from images.models import Image
from images.querysets import ImageQuerySet
from taggedimages.identity.models import User
from tags.models import ImageTag, Tag
from tags.names import folded

# Images up to which they are looked up one by one; of more, the first are soon met among all.
FEW = 10_000
# Words of which it is tried whether they have few images; tags and users that are listed.
TRIED, LISTED = 3, 1_000


def containing(images: ImageQuerySet, words: list[str]) -> ImageQuerySet:
    """Those with each word, in any case, within their id, name, description, tags or creator."""
    images = _with_ids_as_text(images)
    # The longest are mostly the rarest.
    asked = [(_conditions(word), _links(word)) for word in sorted(words, key=len, reverse=True)]
    for at, (conditions, links) in enumerate(asked[:TRIED]):
        alone = [_with_ids_as_text(Image.objects.all()).filter(each) for each in conditions]
        found = few([*(way.values_list("pk") for way in alone), links.values_list("image")])
        if found is not None:
            images = images.filter(pk__in=found)
            del asked[at]
            break
    for conditions, links in asked:
        linked = Q(Exists(links.filter(image=OuterRef("pk"))))
        images = images.filter(reduce(or_, conditions, linked))
    return images


def few(ways: Iterable[QuerySet[Any, Any]]) -> list[int] | None:
    """The ids of images that any of these has, each by an index of its own; None: they are many."""
    first, *others = (way[: FEW + 1] for way in ways)
    found = [image for (image,) in first.union(*others)[: FEW + 1]]
    return found if len(found) <= FEW else None


def _conditions(word: str) -> list[Q]:
    """What images say themselves, each of which has an index, but for ids."""
    creators = User.objects.filter(username__icontains=word)
    conditions = [
        Q(name__icontains=word),
        # The index has no empty ones.
        Q(description__icontains=word) & ~Q(description=""),
        Q(created_by__in=_listed(creators)),
    ]
    return [*conditions, Q(id_text__contains=word)] if word.isdecimal() else conditions


def _links(word: str) -> QuerySet[ImageTag]:
    named = Q(folded__contains=folded(word)) | Q(description__icontains=word)
    return ImageTag.objects.filter(tag__in=_listed(Tag.objects.filter(named)))


def _listed(records: QuerySet[Any]) -> Any:
    """Ids of these, looked up first where they are few: the database then plans for just them."""
    ids = records.values_list("pk", flat=True)
    listed = list(ids[: LISTED + 1])
    return listed if len(listed) <= LISTED else ids


def _with_ids_as_text(images: ImageQuerySet) -> ImageQuerySet:
    return images.alias(id_text=Cast("pk", CharField()))
