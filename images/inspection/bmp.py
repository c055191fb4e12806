"""BMP with BITFIELDS: masks that say where in each number of 16 or 32 bits the colours are."""

import struct
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from PIL import Image
from PIL.Image import Image as Picture

from images.inspection import tones
from images.inspection.findings import Findings, Limits

# Lengths of the headers in which masks for colours, and one for alpha, have a place.
WITH_MASKS, WITH_ALPHA = 52, 56
PLAIN = 40
BITFIELDS, ALPHABITFIELDS = 3, 6
ROWS = 256


@dataclass(frozen=True)
class Masked:
    """Where the pixels are, how large the picture is (below 0: from the top), and the masks."""

    place: int
    width: int
    height: int
    bits: int
    masks: tuple[int, ...]


def masked(source: BinaryIO) -> Masked | None:
    """The layout of a picture with masks; None for any other."""
    source.seek(0)
    head = source.read(14 + WITH_ALPHA).ljust(14 + WITH_ALPHA, b"\0")
    place, length, width, height, _, bits, compression = struct.unpack_from("<IIiiHHI", head, 10)
    if length < PLAIN or bits not in (16, 32) or compression not in (BITFIELDS, ALPHABITFIELDS):
        return None
    # Behind a plain header, the masks follow it, and the one for alpha only if that is announced.
    alpha = length >= WITH_ALPHA or compression == ALPHABITFIELDS
    masks = struct.unpack_from("<4I" if alpha else "<3I", head, 14 + PLAIN)
    return Masked(place, width, height, bits, masks) if all(masks[:3]) else None


def read(source: BinaryIO, layout: Masked, limits: Limits, findings: Findings) -> Picture:
    """The picture. Raises Refused, and EOFError where the file ends before it."""
    findings.measure(layout.width, abs(layout.height), limits)
    rows, columns = abs(layout.height), layout.width
    # Each row takes a multiple of four bytes.
    stride = (columns * layout.bits + 31) // 32 * 4
    masks = [mask for mask in layout.masks if mask]
    pixels = np.empty((rows, columns, len(masks)), np.uint8)
    source.seek(layout.place)
    for top in range(0, rows, ROWS):
        band = pixels[top : top + ROWS]
        data = source.read(stride * len(band))
        if len(data) < stride * len(band):
            raise EOFError("the file ends before the picture")
        numbers = np.frombuffer(data, f"<u{layout.bits // 8}").reshape(len(band), -1)[:, :columns]
        for at, mask in enumerate(masks):
            shift = (mask & -mask).bit_length() - 1
            part = (numbers.astype(np.uint32) & mask) >> shift
            band[:, :, at] = tones.scaled(part, (mask >> shift).bit_length())
    return Image.fromarray(pixels if layout.height < 0 else pixels[::-1])
