"""The picture of an image, as its page shows it large."""

from dataclasses import dataclass
from typing import NamedTuple

from images import previews, serving
from images.models import Facts, Image

# What browsers show in a page. Of a file of another format, the largest preview is all there is.
BROWSER_FORMATS = {"png", "jpeg", "gif", "webp", "bmp", "avif"}
# EXIF orientations that turn a picture on its side.
ON_ITS_SIDE = {5, 6, 7, 8}


@dataclass(frozen=True)
class Picture:
    """What is shown large: `preview`, and for a closer look `full`; each None where there is none.

    `is_file` says that `full` is the stored file itself and not its largest preview.
    """

    preview: str | None
    full: str | None
    is_file: bool
    # Pixels across of what is shown of the file.
    width: int
    words: str


def picture_of(image: Image) -> Picture:
    """The picture of an image. Reads `image.facts`."""
    facts = image.known_facts
    urls = previews.urls(image)
    preview = urls["full"] if urls else None
    is_shown = bool(facts and facts.format in BROWSER_FORMATS and not facts.problem)
    file = serving.url(image) if is_shown and image.uploaded_at else None
    cut = _cut(image)
    width = round(upright(facts)[0] * (1 - cut.left - cut.right))
    return Picture(preview or file, file or preview, file is not None, width, _words(image, file))


def _words(image: Image, file: str | None) -> str:
    """What has to be said of the picture: nothing where the whole file is seen upon zooming in."""
    facts = image.known_facts
    if file or facts is None or not facts.has_previews:
        return ""
    turned = f"A {facts.format.upper()} is not shown by browsers"
    return f"{turned}: this is the largest preview, no side longer than 1920 pixels."


class Cut(NamedTuple):
    """The shares of a picture that are cut off at its sides."""

    top: float = 0
    right: float = 0
    bottom: float = 0
    left: float = 0


def crop_of(image: Image) -> str:
    """What is cut off the picture where it is shown, as CSS `inset()` takes it; empty: nothing."""
    cut = _cut(image)
    return " ".join(f"{share:.2%}" for share in cut) if any(cut) else ""


def _cut(image: Image) -> Cut:
    """What the record cuts off: of up to 1 each of its numbers is a share of a side, above that
    pixels (contract SharinPix)."""
    if not (image.crop_w > 0 and image.crop_h > 0):
        return Cut()
    width, height = upright(image.known_facts)
    left, right = _ends(image.crop_x, image.crop_w, width)
    top, bottom = _ends(image.crop_y, image.crop_h, height)
    return Cut(top, right, bottom, left)


def _ends(start: float, length: float, side: int) -> tuple[float, float]:
    """The shares of a side before and after a part of it."""
    shares = [one if one <= 1 else one / side if side else 1 for one in (start, length)]
    before = min(max(shares[0], 0), 1)
    return before, max(1 - before - shares[1], 0)


def upright(facts: Facts | None) -> tuple[int, int]:
    """Width and height of the picture set upright; 0 where they are not known."""
    if facts is None:
        return 0, 0
    sides = facts.width, facts.height
    return sides[::-1] if facts.orientation in ON_ITS_SIDE else sides
