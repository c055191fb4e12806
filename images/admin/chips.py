"""The tags of images as pages show them, in little boxes of their colours."""

from collections.abc import Iterable
from typing import Any

from images.models import Image
from images.visibility import Viewer
from tags.models import ImageTag


def chips_of(ids: Iterable[int], viewer: Viewer) -> dict[int, list[dict[str, Any]]]:
    """The tags of each of some images that a viewer is shown, in the order they came: id, name,
    value and colour, of an alias those of its target. Two statements."""
    shown = Image.objects.filter(pk__in=list(ids), deleted_at=None)
    if viewer.project is not None:
        shown = shown.of_project(viewer.project)
    chips: dict[int, list[dict[str, Any]]] = {pk: [] for pk in shown.values_list("pk", flat=True)}
    links = ImageTag.objects.filter(image__in=list(chips)).select_related("tag__alias_of")
    for link in links.order_by("image_id", "pk"):
        tag = link.tag.alias_of or link.tag
        if all(chip["id"] != tag.pk for chip in chips[link.image_id]):
            chips[link.image_id].append(
                {"id": tag.pk, "name": tag.name, "value": link.value, "color": tag.color}
            )
    return chips
