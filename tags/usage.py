"""Which tags and values a set of images uses."""

from django.db.models import F, QuerySet
from django.db.models.functions import Collate

from images.querysets import ImageQuerySet
from tags.models import ImageTag


def names_and_values_of(images: ImageQuerySet) -> QuerySet[ImageTag, tuple[str, str]]:
    """The distinct pairs of a tag's name and a value it has on some images, by code point,
    unevaluated. All links of the images are read."""
    links = ImageTag.objects.filter(image__in=images.order_by())
    pairs = links.annotate(name=F("tag__name"), held=Collate("value", "C"))
    return pairs.values_list("name", "held").distinct().order_by("name", "held")
