"""Common image formats, read with Pillow: their facts, and their first frame as a picture."""

import warnings
from typing import BinaryIO

import pillow_heif
from PIL import AvifImagePlugin, Image, PngImagePlugin
from PIL.Image import Image as Picture

from images.inspection import exif
from images.inspection.findings import Findings, Limits, Refused
from images.inspection.formats import Format

# Plug-ins are loaded once, before children are forked, and not in each.
Image.init()
pillow_heif.register_heif_opener(thumbnails=False)
# One core a file; threads would also each take address space.
pillow_heif.options.DECODE_THREADS = 1
AvifImagePlugin.DEFAULT_MAX_THREADS = 1


def read(
    source: BinaryIO, kind: Format, limits: Limits, findings: Findings, at_least: int
) -> Picture:
    """The first frame, decoded, of `at_least` pixels a side if the file has so many.

    Raises Refused, and whatever Pillow does on a broken file.
    """
    _restrict(limits)
    picture = Image.open(source, formats=[kind.opener])
    findings.measure(*picture.size, limits)
    # Frames may be larger than the file said at its beginning.
    Image.MAX_IMAGE_PIXELS = limits.pixels
    _metadata(picture, limits, findings)
    # JPEG can be decoded at a fraction of its size, which is most of the work saved.
    picture.draft(None, _reduced(picture.size, at_least))
    picture.load()
    if len(picture.info.get("icc_profile") or b"") > limits.metadata:
        del picture.info["icc_profile"]
    return picture


def _restrict(limits: Limits) -> None:
    Image.MAX_IMAGE_PIXELS = None
    PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY = limits.metadata
    warnings.simplefilter("ignore")
    warnings.simplefilter("error", Image.DecompressionBombWarning)


def _metadata(picture: Picture, limits: Limits, findings: Findings) -> None:
    if len(picture.info.get("exif") or b"") > limits.metadata:
        return
    try:
        exif.read(picture.getexif(), findings)
    except MemoryError as error:
        raise Refused("too_large: the metadata take too much memory") from error
    except Exception:  # noqa: BLE001 - broken EXIF is common and no reason to refuse a picture
        findings.exif = findings.exif or {}


def _reduced(size: tuple[int, int], at_least: int) -> tuple[int, int]:
    longest = max(size)
    return tuple(max(1, side * at_least // longest) for side in size)  # type: ignore[return-value]
