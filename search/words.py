"""Full-text search of the plain kind: images that contain every word somewhere."""

from django.db.models import CharField, Exists, OuterRef, Q
from django.db.models.functions import Cast

from images.models import ImageQuerySet
from tags.models import ImageTag, Tag
from tags.names import folded


def containing(images: ImageQuerySet, words: list[str]) -> ImageQuerySet:
    """Those with each word, in any case, within their id, name, description, tags or creator."""
    images = images.alias(id_text=Cast("pk", CharField()))
    for word in words:
        images = images.filter(
            Q(name__icontains=word)
            | Q(description__icontains=word)
            | Q(created_by__username__icontains=word)
            | Q(id_text__contains=word)
            | _tagged(word)
        )
    return images


def _tagged(word: str) -> Q:
    # As a list of tags first: it is the same for all images.
    named = Tag.objects.filter(
        Q(folded__contains=folded(word)) | Q(description__icontains=word)
    ).values("pk")
    return Q(Exists(ImageTag.objects.filter(image=OuterRef("pk"), tag__in=named)))
