"""PNG: what Pillow leaves out of it, or refuses for what the picture does not need."""

import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.Image import Image as Picture

SIGNATURE, LAST = b"\x89PNG\r\n\x1a\n", b"IEND"
# Side chunks that say something about the picture which is kept or shown; the others, such as
# physical sizes, times and gamma, are not asked for.
TOLD = {b"tRNS", b"iCCP", b"eXIf", b"tEXt", b"zTXt", b"iTXt"}
GREY, COLOUR = 0, 2
# The bit of a name's first letter that says whether the picture can be shown without a chunk.
ASIDE = 32


def is_damaged(source: BinaryIO, most: int) -> bool:
    """Whether a side chunk is damaged: Pillow refuses the file, or behind the picture believes it.

    Chunks of more than `most` bytes are not looked at.
    """
    source.seek(len(SIGNATURE))
    while len(head := source.read(8)) == 8 and head[4:] != LAST:
        length = int.from_bytes(head[:4], "big")
        if not head[4] & ASIDE or length > most:
            source.seek(length + 4, io.SEEK_CUR)
        elif zlib.crc32(head[4:] + source.read(length)) != int.from_bytes(source.read(4), "big"):
            return True
    return False


def without_damage(source: BinaryIO, most: int) -> BinaryIO:
    """The file without side chunks that are damaged or not asked for.

    A decoder may go on after such damage (PNG 13.1). Text and the like beyond `most` bytes is left
    out, too.
    """
    kept = [SIGNATURE]
    for name, head, body, checksum in _chunks(source):
        aside = name[0] & ASIDE
        sound = zlib.crc32(head[4:] + body) == checksum
        if not aside or (sound and name in TOLD and len(body) <= most):
            kept += [head, body, struct.pack(">I", checksum)]
    return io.BytesIO(b"".join(kept))


def is_keyed(source: BinaryIO) -> bool:
    """Whether a colour is transparent that only the numbers in the file tell from its neighbours.

    So it is in grey or colour of other depths than 8 bits, which Pillow scales before it compares.
    """
    source.seek(len(SIGNATURE))
    head = source.read(8 + 13 + 4)
    depth, kind = head[16], head[17]
    if kind not in (GREY, COLOUR) or depth == 8:
        return False
    return any(name == b"tRNS" for name in _names_before_pixels(source))


def keyed(source: BinaryIO) -> Picture:
    """Such a picture, by libpng, which compares first: PNG 11.3.2.1."""
    source.seek(0)
    pixels: NDArray[Any] = imagecodecs.png_decode(source.read())
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    return Image.fromarray(pixels)


def _chunks(source: BinaryIO) -> Iterator[tuple[bytes, bytes, bytes, int]]:
    end = source.seek(0, io.SEEK_END)
    source.seek(len(SIGNATURE))
    while len(head := source.read(8)) == 8:
        # Room is made for as much as is asked for, and a damaged length is any number.
        length = min(int.from_bytes(head[:4], "big"), end)
        body, checksum = source.read(length), source.read(4)
        yield head[4:], head, body, int.from_bytes(checksum, "big")
        if head[4:] == LAST:
            return


def _names_before_pixels(source: BinaryIO) -> Iterator[bytes]:
    while len(head := source.read(8)) == 8 and head[4:] != b"IDAT":
        yield head[4:]
        source.seek(int.from_bytes(head[:4], "big") + 4, io.SEEK_CUR)
