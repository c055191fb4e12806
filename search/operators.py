"""One small function per field of Query, each narrowing a queryset of images."""

from datetime import datetime

from django.db.models import Exists, OuterRef

from images.models import ImageQuerySet
from tags.models import ImageTag, Tag
from tags.names import distinct, like_pattern


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


def created_from(images: ImageQuerySet, instant: datetime) -> ImageQuerySet:
    """Created at that instant or later."""
    return images.filter(created_at__gte=instant)


def created_before(images: ImageQuerySet, instant: datetime) -> ImageQuerySet:
    """Created before that instant."""
    return images.filter(created_at__lt=instant)


def uploaded_only(images: ImageQuerySet, asked: bool) -> ImageQuerySet:
    """Only those whose file is present."""
    return images.uploaded() if asked else images
