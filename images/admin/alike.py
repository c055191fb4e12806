"""Images that are the same file as another one or look like it, for the page of one image."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from images import likeness, previews
from images.models import Image
from images.querysets import ImageQuerySet

# As many of each as are shown.
MOST = 24


@dataclass(frozen=True)
class Alike:
    """Another image: why it is shown, and its preview, if there is one."""

    image: Image
    why: str
    preview: str | None


@dataclass(frozen=True)
class Others:
    """The first images that are the same file as another, those that look like it, and whether
    there are more of either."""

    same: list[Alike]
    similar: list[Alike]
    has_more: bool

    @property
    def images(self) -> list[Image]:
        """All of them."""
        return [one.image for one in (*self.same, *self.similar)]


def others(image: Image, images: ImageQuerySet) -> Others:
    """What among some images is like another one. Two statements."""
    shown = images.select_related("facts").defer("facts__exif", "facts__dicom")
    same = list(likeness.duplicates_among(image, shown)[: MOST + 1])
    # The same file looks the same, too.
    near: Any = likeness.similar_among(image, shown)
    facts = image.known_facts
    if facts is not None and facts.sha256 is not None:
        near = near.exclude(facts__sha256=facts.sha256)
    similar = list(near[: MOST + 1])
    return Others(
        _cards((one, "The same file") for one in same[:MOST]),
        _cards((one, _nearness(one.distance)) for one in similar[:MOST]),
        len(same) > MOST or len(similar) > MOST,
    )


def _nearness(distance: int) -> str:
    if not distance:
        return "Looks the same"
    return f"Looks alike: {distance} of 64 bits differ"


def _cards(found: Iterable[tuple[Image, str]]) -> list[Alike]:
    return [Alike(image, why, _preview(image)) for image, why in found]


def _preview(image: Image) -> str | None:
    urls = previews.urls(image)
    return urls["large"] if urls else None
