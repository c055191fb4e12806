"""Common image formats, read with Pillow: their facts, and their first frame as a picture."""

import io
import warnings
from collections.abc import Callable
from typing import BinaryIO

import pillow_heif
from PIL import AvifImagePlugin, ExifTags, Image, PngImagePlugin, TiffImagePlugin
from PIL.Image import Exif
from PIL.Image import Image as Picture

from images.inspection import bmp, exif, jpeg, png
from images.inspection.findings import MAX_SIDE, Findings, Limits, Refused
from images.inspection.formats import BMP, JPEG, PNG, WEBP, Format
from images.inspection.rendering import TURNS

# Plug-ins are loaded once, before children are forked, and not in each.
Image.init()
pillow_heif.register_heif_opener(thumbnails=False)
# One core a file; threads would also each take address space.
pillow_heif.options.DECODE_THREADS = 1
AvifImagePlugin.DEFAULT_MAX_THREADS = 1


def read(
    source: BinaryIO, kind: Format, limits: Limits, findings: Findings, at_least: int
) -> Picture:
    """The first frame as stored, decoded, of `at_least` pixels a side if the file has so many.

    Raises Refused, and whatever Pillow does on a broken file.
    """
    if kind is BMP and (layout := bmp.masked(source)):
        return bmp.read(source, layout, limits, findings)
    picture, source = _opened(source, kind, limits)
    findings.measure(*_stored_size(picture), limits)
    # Frames may be larger than the file said at its beginning.
    Image.MAX_IMAGE_PIXELS = limits.pixels
    if len(picture.info.get("exif") or b"") <= limits.metadata:
        note_exif(picture.getexif, findings)
    picture = _loaded(picture, source, kind, at_least)
    if len(picture.info.get("icc_profile") or b"") > limits.metadata:
        del picture.info["icc_profile"]
    return picture


def note_exif(get: Callable[[], Exif], findings: Findings) -> None:
    """Note what EXIF says, as far as it can be read. Raises Refused where it has no end."""
    try:
        exif.read(get(), findings)
    except MemoryError as error:
        raise Refused("too_large: the metadata take too much memory") from error
    except Exception:  # noqa: BLE001 - broken EXIF is common and no reason to refuse a picture
        findings.exif = findings.exif or {}


def restrict(limits: Limits) -> None:
    """Have Pillow keep to the limits from now on; sizes are measured before it decodes."""
    Image.MAX_IMAGE_PIXELS = None
    PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY = limits.metadata
    warnings.simplefilter("ignore")
    warnings.simplefilter("error", Image.DecompressionBombWarning)


def _opened(source: BinaryIO, kind: Format, limits: Limits) -> tuple[Picture, BinaryIO]:
    """The picture, and the file that it is read from."""
    if kind is PNG and png.is_damaged(source, limits.metadata):
        source = png.without_damage(source, limits.metadata)
    source.seek(0)
    try:
        return Image.open(source, formats=[kind.opener]), source
    except Exception:
        if kind is PNG:
            source = png.without_damage(source, limits.metadata)
        elif kind is WEBP:
            source = _padded(source)
        else:
            raise
    return Image.open(source, formats=[kind.opener]), source


def _padded(source: BinaryIO) -> BinaryIO:
    """The file with the zero that has to follow a last part of odd length, and is often missing."""
    source.seek(0)
    return io.BytesIO(source.read() + b"\0")


def _loaded(picture: Picture, source: BinaryIO, kind: Format, at_least: int) -> Picture:
    if kind is PNG and png.is_keyed(source):
        return _with_info(png.keyed(source), picture)
    if kind is JPEG:
        return jpeg.loaded(picture, source, _reduced(picture.size, at_least))
    turn = _turn_of_decoder(picture)
    picture.load()
    return picture if turn is None else picture.transpose(turn)


def _stored_size(picture: Picture) -> tuple[int, int]:
    if isinstance(picture, TiffImagePlugin.TiffImageFile):
        # Pillow tells the size that its own turning will lead to.
        tags = picture.tag_v2
        return tags[ExifTags.Base.ImageWidth], tags[ExifTags.Base.ImageLength]
    width, height = picture.size
    # Pillow takes a number below 0 for a great one.
    return (width - 2**32 if width > MAX_SIDE else width), height


def _turn_of_decoder(picture: Picture) -> Image.Transpose | None:
    """What undoes the turn that a decoder makes on its own, as Pillow's for TIFF does."""
    if not isinstance(picture, TiffImagePlugin.TiffImageFile):
        return None
    turn = TURNS.get(picture.getexif().get(ExifTags.Base.Orientation, 1))
    quarters = {
        Image.Transpose.ROTATE_90: Image.Transpose.ROTATE_270,
        Image.Transpose.ROTATE_270: Image.Transpose.ROTATE_90,
    }
    return quarters.get(turn, turn) if turn is not None else None


def _with_info(picture: Picture, other: Picture) -> Picture:
    if profile := other.info.get("icc_profile"):
        picture.info["icc_profile"] = profile
    return picture


def _reduced(size: tuple[int, int], at_least: int) -> tuple[int, int]:
    longest = max(size)
    return tuple(max(1, side * at_least // longest) for side in size)  # type: ignore[return-value]
