"""Rows of the clean-up list as its page shows them: tags with numbers and pictures, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.http import QueryDict
from django.urls import reverse
from django.utils.http import urlencode

from images import previews
from images.inspection.sizes import SIZES
from images.models import Image
from images.visibility import Viewer
from tags import names
from tags.cleanup import examples, telling
from tags.cleanup.judging import links_of
from tags.cleanup.models import TWINS, Finding, Kind
from tags.models import Tag

# Links of a tag that are counted one by one.
COUNTED_MOST = 200
SIDE, _ = SIZES["mini"]


class Picture(NamedTuple):
    """An image with a tag; the preview is None where there is none."""

    filename: str
    url: str
    preview: str | None


class Side(NamedTuple):
    """A tag of a row."""

    tag: Tag
    images: str
    pictures: list[Picture]
    # Whether it stays unless somebody says otherwise.
    stays: bool


@dataclass(frozen=True)
class Row:
    """A row, with what can be done about it."""

    finding: Finding
    why: str
    sides: list[Side]
    # Where all its images are shown, as a grid; empty where there is nothing to be looked at.
    grid: str = ""

    @property
    def kind(self) -> Kind:
        return Kind(self.finding.kind)

    @property
    def is_pair(self) -> bool:
        """Whether one of the two may stay, whichever somebody chooses."""
        return self.kind in TWINS

    @property
    def merges(self) -> bool:
        return self.is_pair or self.kind == Kind.LEFT_OVER

    @property
    def is_rare(self) -> bool:
        return self.kind in (Kind.NEVER, Kind.ONCE)


def shown(found: Sequence[Finding], viewer: Viewer) -> list[Row]:
    """The rows of a page. Three statements, however many they are."""
    tags = {tag.pk: tag for row in found for tag in (row.tag, row.other) if tag}
    links = links_of(tags, COUNTED_MOST) if viewer.project is None else {}
    of_sides = examples.examples(found, viewer)
    pictures = _pictures({image for some in of_sides.values() for image in some}, viewer)
    return [_row(row, viewer, links, of_sides, pictures) for row in found]


def _row(
    row: Finding,
    viewer: Viewer,
    links: Mapping[int, int],
    of_sides: Mapping[tuple[int, int], list[int]],
    pictures: Mapping[int, Picture],
) -> Row:
    kind, sides = Kind(row.kind), []
    own = row.projects.get(viewer.project or "", (0, 0, 0, 0))
    for tag, number in ((row.tag, own[0]), (row.other, own[2])):
        if tag is not None:
            some = [pictures[one] for one in of_sides.get((row.pk, tag.pk), ()) if one in pictures]
            images = links[tag.pk] if viewer.project is None else number
            said = telling.count(images)
            sides.append(Side(tag, said, some[: examples.MOST], tag.pk == row.other_id))
    grid = ""
    if kind == Kind.CONTRADICTION:
        grid = grid_url([side.tag.name for side in sides])
    return Row(row, telling.why(row, counted=viewer.project is None), sides, grid)


def grid_url(tags: Sequence[str]) -> str:
    """The images that have all these tags, as a grid."""
    page = reverse("admin:images_image_changelist")
    return f"{page}?{urlencode({'view': 'grid', 'q': asked_for(tags)})}"


def asked_for(tags: Sequence[str]) -> str:
    """What is typed to find the images that have all these tags."""
    conditions = QueryDict(mutable=True)
    conditions["exact_tags"] = names.joined(tags)
    return conditions.urlencode(safe="|/ ")


def _pictures(ids: set[int], viewer: Viewer) -> dict[int, Picture]:
    if not ids:
        return {}
    images = Image.objects.shown_to(viewer).filter(pk__in=ids).select_related("facts")
    return {image.pk: _picture(image) for image in images}


def _picture(image: Image) -> Picture:
    urls = previews.urls(image)
    page = reverse("admin:images_image_change", args=[image.pk])
    return Picture(image.filename, page, urls["mini"] if urls else None)
