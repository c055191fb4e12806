"""A decoded picture made fit to be shown: upright, sRGB, 8 bits, in the sizes of previews."""

import io
from typing import Any

import numpy as np
from PIL import Image, ImageCms, ImageOps
from PIL.Image import Image as Picture

from images.inspection import tones
from images.inspection.sizes import SIZES

LARGEST = max(side for side, _ in SIZES.values())
LARGEST_SQUARE = max(side for side, fills in SIZES.values() if fills)
SRGB = ImageCms.createProfile("sRGB")
QUALITY = 80

# EXIF orientation: what sets the picture upright.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def presentable(picture: Picture, orientation: int) -> Picture:
    """The picture in RGB or RGBA and sRGB, upright, no side longer than the largest preview."""
    profile = picture.info.get("icc_profile")
    if picture.mode.startswith("I;16"):
        picture = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    elif picture.has_transparency_data:
        picture = picture.convert("RGBA")
    elif picture.mode in ("1", "P"):
        # These cannot be averaged.
        picture = picture.convert("L" if picture.mode == "1" else "RGB")
    picture.thumbnail((LARGEST, LARGEST), reducing_gap=2.0)
    if picture.mode in ("I", "F"):
        # Deep greys of no known scale.
        picture = Image.fromarray(tones.spread(np.asarray(picture)))
    picture = _in_srgb(picture, profile)
    turn = TURNS.get(orientation)
    return picture.transpose(turn) if turn is not None else picture


def previews(picture: Picture) -> dict[str, bytes]:
    """The files of a presentable picture's previews by name, never larger than the picture."""
    # Averaged down by a whole number first, which is quick, to twice what squares need.
    small = picture.reduce(max(1, min(picture.size) // (2 * LARGEST_SQUARE)))
    rendered = {}
    for name, (side, fills) in SIZES.items():
        side = min(side, *picture.size) if fills else side
        # Presentable pictures fit into the largest already.
        rendered[name] = _file(ImageOps.fit(small, (side, side)) if fills else picture)
    return rendered


def average_color(picture: Picture) -> str:
    """`#RRGGBB`; what cannot be seen through counts more."""
    red, green, blue = _average(picture)
    return f"#{red:02X}{green:02X}{blue:02X}"


def _average(picture: Picture) -> tuple[int, int, int]:
    if picture.mode == "RGBA":
        pixel: Any = picture.convert("RGBa").resize((1, 1), Image.Resampling.BOX).convert("RGBA")
    else:
        pixel = picture.resize((1, 1), Image.Resampling.BOX)
    red, green, blue = pixel.getpixel((0, 0))[:3]
    return red, green, blue


def _file(picture: Picture) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=QUALITY, method=1)
    return buffer.getvalue()


def _in_srgb(picture: Picture, profile: bytes | None) -> Picture:
    mode = "RGBA" if picture.has_transparency_data else "RGB"
    if profile:
        try:
            origin = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            turned = ImageCms.profileToProfile(picture, origin, SRGB, outputMode=mode)
        except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
            # A profile that is broken, or of other colours than the picture's, says nothing.
            turned = None
        if turned is not None:
            return turned
    return picture if picture.mode == mode else picture.convert(mode)
