"""TIFF: the first picture of a file as it is meant to be seen, at any depth and in any layout.

tifffile reads the structure and imagecodecs the compressed parts. What the numbers mean (which is
white, how colours are mapped, how far tones are spread) is decided here, by TIFF 6.0.
"""

import logging
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms
from PIL.Image import Exif
from PIL.Image import Image as Picture
from tifffile import PHOTOMETRIC, TiffFile, TiffPage

from images.inspection import tones
from images.inspection.findings import Findings, Limits, Refused
from images.inspection.raster import note_exif

# Compression schemes: none, CCITT (RLE, G3, G4), LZW, JPEG, Deflate (two numbers), PackBits, LERC,
# LZMA, Zstandard (two numbers), WebP, JPEG 2000 (four), PNG, JPEG XL (two), lossless JPEG.
CODECS = {1, 2, 3, 4, 5, 7, 8, 32946, 32773, 34887, 34925, 50000, 34926, 50001}
CODECS |= {33003, 33004, 33005, 34712, 34933, 50002, 52546, 34892}
# Those that tell when their data ends too early; the others make something up for it.
EXACT = {1, 5, 8, 32946, 32773, 34925, 50000, 34926}
CCITT = {2, 3, 4}
# Their decoder turns YCbCr into RGB by itself.
IN_RGB = {7, 34892, 50001}
COLOURS: dict[int, int] = {
    PHOTOMETRIC.RGB: 3,
    PHOTOMETRIC.SEPARATED: 4,
    PHOTOMETRIC.YCBCR: 3,
    PHOTOMETRIC.CIELAB: 3,
    PHOTOMETRIC.ICCLAB: 3,
    PHOTOMETRIC.LINEAR_RAW: 3,
}
# Numbers of tags.
PHOTOMETRY, COLOUR_MAP, EXTRA_SAMPLES, PROFILE, NO_DATA = 262, 320, 338, 34675, 42113
ASSOCIATED, UNASSOCIATED = 1, 2
LAB = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
# Beyond it no float is a measurement: writers mark with it, with or without a tag, what is none.
GREATEST = float(np.finfo(np.float32).max)
# It tells of every oddity, and some files have nothing else.
logging.getLogger("tifffile").disabled = True


class Unusual(Exception):
    """The picture is in one of the rare layouts that tifffile leaves alone."""


def read(source: BinaryIO, limits: Limits, findings: Findings) -> Picture:
    """The first picture, decoded, as stored and not turned.

    Raises Refused, Unusual for libtiff to try, and whatever tifffile does on a broken file.
    """
    # A name of its own, for that of a descriptor is a number.
    file = TiffFile(source, name="tiff", _multifile=False)
    page = file.pages.first
    if not isinstance(page, TiffPage):
        raise Refused("unreadable: the first page is none")
    findings.measure(page.imagewidth, page.imagelength, limits)
    source.seek(0)
    note_exif(lambda: _exif(source), findings)
    _check(page, limits)
    profile = page.tags.valueof(PROFILE)
    picture = _shown(page, _samples(page))
    if isinstance(profile, bytes) and len(profile) <= limits.metadata:
        picture.info.setdefault("icc_profile", profile)
    return picture


def _exif(source: BinaryIO) -> Exif:
    noted = Exif()
    noted.load_from_fp(source)
    return noted


def _check(page: TiffPage, limits: Limits) -> None:
    if page.compression not in CODECS or (page.is_subsampled and page.compression not in IN_RGB):
        raise Unusual
    if page.dtype is None or page.dtype.kind == "c":
        raise Refused(f"unreadable: {page.bitspersample} bits of format {page.sampleformat}")
    size = int(np.prod([int(side) for side in page.shaped], dtype=object)) * page.dtype.itemsize
    if size > limits.memory:
        raise Refused(f"too_large: {size} bytes of pixels, {limits.memory} are allowed")
    end = page.parent.filehandle.size
    if page.compression in EXACT:
        # Room is made for as many bytes as the file tells, and that may be any number.
        page.databytecounts = tuple(min(count, end) for count in page.databytecounts)
        return
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False):
        if offset + count > end:
            raise Refused(f"unreadable: the file ends at {end}, the picture at {offset + count}")


def _samples(page: TiffPage) -> NDArray[Any]:
    """The numbers in rows, columns and samples."""
    # One core a file; of a volume the first plane.
    planes = page.asarray(squeeze=False, maxworkers=1)[:, 0]
    return planes[0] if len(planes) == 1 else np.moveaxis(planes[..., 0], 0, -1)


def _shown(page: TiffPage, samples: NDArray[Any]) -> Picture:
    kind = _photometry(page)
    colours = COLOURS.get(kind, 1)
    if samples.shape[-1] < colours:
        raise Refused(f"unreadable: {samples.shape[-1]} samples for {kind!r}")
    parts = samples[..., :colours]
    if kind == PHOTOMETRIC.PALETTE:
        picture = Image.fromarray(_mapped(page, parts[..., 0]))
    elif kind in (PHOTOMETRIC.CIELAB, PHOTOMETRIC.ICCLAB):
        picture = _lab(parts, kind, _bits(page))
    elif kind == PHOTOMETRIC.SEPARATED:
        picture = _picture("CMYK", _tones(page, parts))
    elif kind == PHOTOMETRIC.YCBCR and page.compression not in IN_RGB:
        picture = _picture("YCbCr", _tones(page, parts)).convert("RGB")
    elif colours == 3:
        picture = _picture("RGB", _tones(page, parts))
    else:
        grey = _tones(page, parts[..., 0], inverted=kind == PHOTOMETRIC.MINISWHITE)
        picture = _picture("L", grey)
    return _with_alpha(page, picture, samples, colours)


def _photometry(page: TiffPage) -> int:
    """What the samples mean; where the file does not say so, what most readers take for granted."""
    told = page.tags.valueof(PHOTOMETRY)
    if isinstance(told, int):
        return int(told)
    if page.samplesperpixel >= 3:
        return int(PHOTOMETRIC.RGB)
    whites = page.compression in CCITT
    return int(PHOTOMETRIC.MINISWHITE if whites else PHOTOMETRIC.MINISBLACK)


def _bits(page: TiffPage) -> int:
    bits = page.bitspersample
    # Samples of several depths, such as 5, 6 and 5 bits, come scaled to the deepest there is.
    return bits if isinstance(bits, int) else 8 * page.dtype.itemsize


def _tones(page: TiffPage, values: NDArray[Any], inverted: bool = False) -> NDArray[np.uint8]:
    """The values in 8 bits: on the scale of their depth, or spread where that is no scale."""
    if (values.dtype.kind in "ub" and values.dtype.itemsize <= 2) or _bits(page) == 24:
        shown = tones.scaled(values, _bits(page))
        return 255 - shown if inverted else shown
    valid = _valid(page, values)
    shown = tones.spread(values, valid)
    if inverted:
        shown = np.where(valid, 255 - shown, 0).astype(np.uint8)
    return shown


def _valid(page: TiffPage, values: NDArray[Any]) -> NDArray[np.bool_]:
    """Which values are measurements: finite ones, and not what GDAL has noted as none."""
    valid = np.ones(values.shape, np.bool_)
    if values.dtype.kind == "f":
        limit = min(GREATEST, float(np.finfo(values.dtype).max))
        valid = (values > -limit) & (values < limit)
    try:
        nodata = float(str(page.tags.valueof(NO_DATA)).strip("\0 ").replace(",", "."))
        valid &= values != values.dtype.type(nodata)
    except (ValueError, OverflowError):
        # None is noted, or none that a value could have.
        pass
    return valid


def _mapped(page: TiffPage, indices: NDArray[Any]) -> NDArray[np.uint8]:
    told = page.tags.valueof(COLOUR_MAP)
    colours: NDArray[np.int64] = np.asarray(() if told is None else told, np.int64).ravel()
    size = len(colours) // 3
    colours = colours[: 3 * size].reshape(3, size).T
    if not colours.size or indices.dtype.kind not in "ub":
        raise Refused("unreadable: a palette without colours")
    # Of 16 bits each; but where none is over 255, the writer meant 8, as all readers guess.
    deep = colours.max() > 255
    table = (colours >> 8 if deep else colours).clip(0, 255).astype(np.uint8)
    return tones.looked_up(table, indices)


def _lab(parts: NDArray[Any], kind: int, bits: int) -> Picture:
    if bits not in (8, 16):
        raise Refused(f"unreadable: CIELab of {bits} bits")
    eight = tones.scaled(parts.view(f"u{parts.dtype.itemsize}"), bits)
    if kind == PHOTOMETRIC.ICCLAB:
        # a* and b* are from 128 on there; Pillow takes numbers with a sign, as of the other kind.
        eight = eight ^ np.array([0, 128, 128], np.uint8)
    picture = _picture("LAB", eight)
    picture.info["icc_profile"] = LAB
    return picture


def _with_alpha(page: TiffPage, picture: Picture, samples: NDArray[Any], colours: int) -> Picture:
    told = page.tags.valueof(EXTRA_SAMPLES)
    extra = tuple(told) if isinstance(told, tuple) else () if told is None else (told,)
    if not extra and picture.mode == "RGB" and samples.shape[-1] == 4:
        # Many writers do not say what a fourth sample is, and mean this.
        extra = (UNASSOCIATED,)
    places = [at for at, kind in enumerate(extra) if kind in (ASSOCIATED, UNASSOCIATED)]
    if not places or picture.mode not in ("L", "RGB") or colours + places[0] >= samples.shape[-1]:
        return picture
    values = samples[..., colours + places[0]]
    if values.dtype.kind in "ub":
        alpha = tones.scaled(values, _bits(page))
    else:
        alpha = tones.between(values, 0, 1)
    rgba = picture.convert("RGBA")
    rgba.putalpha(_picture("L", alpha))
    if extra[places[0]] == ASSOCIATED:
        rgba = Image.frombytes("RGBa", rgba.size, rgba.tobytes()).convert("RGBA")
    return rgba


def _picture(mode: str, values: NDArray[np.uint8]) -> Picture:
    return Image.fromarray(np.ascontiguousarray(values), mode)
