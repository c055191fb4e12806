"""Images that contain texts somewhere, in any case: by trigrams, wherever an index has them."""

from functools import reduce
from operator import or_
from typing import Any

from django.db.models import CharField, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Cast

from images.models import Image
from images.querysets import ImageQuerySet
from taggedimages.identity.models import User
from taggedimages.postgresql.bounded import ids_if_few
from tags.models import ImageTag, Tag
from tags.names import folded

# Images up to which they are looked up one by one; of more, the first are soon met among all.
LOOKED_UP_IMAGES_MAX = 10_000
# Words of which it is tried whether they have few images; tags and users that are listed.
TRIED_WORDS_MAX, LISTED_RECORDS_MAX = 3, 1_000


def containing(images: ImageQuerySet, words: tuple[str, ...]) -> ImageQuerySet:
    """Those with each word, in any case, within their id, name, description, tags or creator.

    Unevaluated, after up to three statements for each word that say whether it has few images.
    """
    images = _with_ids_as_text(images)
    # The longest are mostly the rarest.
    asked = [(_conditions(word), _links(word)) for word in sorted(words, key=len, reverse=True)]
    for at, (conditions, links) in enumerate(asked[:TRIED_WORDS_MAX]):
        alone = [_with_ids_as_text(Image.objects.all()).filter(each) for each in conditions]
        ways = [*(way.values_list("pk") for way in alone), links.values_list("image")]
        found = ids_if_few(ways, LOOKED_UP_IMAGES_MAX)
        if found is not None:
            images = images.filter(pk__in=found)
            del asked[at]
            break
    for conditions, links in asked:
        linked = Q(Exists(links.filter(image=OuterRef("pk"))))
        images = images.filter(reduce(or_, conditions, linked))
    return images


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
    listed = list(ids[: LISTED_RECORDS_MAX + 1])
    return listed if len(listed) <= LISTED_RECORDS_MAX else ids


def _with_ids_as_text(images: ImageQuerySet) -> ImageQuerySet:
    return images.alias(id_text=Cast("pk", CharField()))
