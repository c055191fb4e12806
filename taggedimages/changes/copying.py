"""The tags of one image for others: what is given to duplicates and to images that look alike."""

from taggedimages.changes.operations import Operation, TagRef, meant
from taggedimages.changes.refusals import BadOperation
from tags.models import ImageTag


def same_tags(source: int) -> Operation:
    """What gives an image all tags of the one with this id, and their values; what it has besides
    stays. Raises BadOperation where there are none."""
    given: dict[TagRef, str] = {}
    links = ImageTag.objects.filter(image=source).select_related("tag__alias_of").order_by("id")
    for link in links:
        tag = meant(link.tag)
        given.setdefault(TagRef(tag.pk, tag.name), link.value)
    if not given:
        raise BadOperation("That image has no tags to be given.")
    return Operation(
        add=tuple(tag for tag, value in given.items() if not value),
        values={tag: value for tag, value in given.items() if value},
    )
