"""TIFF files for tests, tag by tag, for what writers of pictures do not write."""

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

SHORT, LONG, LONG8 = 3, 4, 16
CODES = {1: "B", SHORT: "H", LONG: "I", LONG8: "Q"}


def tiff(tags: dict[int, Any], strips: list[bytes], order: str = "<", big: bool = False) -> bytes:
    """A file of one page; strips are placed behind its head, and their tags added.

    Whole numbers are LONG, lists of them SHORT, and text ASCII.
    """
    width = "Q" if big else "I"
    mark = b"II" if order == "<" else b"MM"
    head = struct.pack(f"{order}HHH", 43, 8, 0) if big else struct.pack(f"{order}H", 42)
    start = len(mark + head) + struct.calcsize(width)
    places = [start + sum(map(len, strips[:at])) for at in range(len(strips))]
    fields = tags | {273: Longs(places), 279: Longs([len(strip) for strip in strips])}
    at = start + sum(map(len, strips))
    entries, spare, beyond = b"", b"", at + struct.calcsize(width)
    beyond += (8 + 20 * len(fields)) if big else (2 + 12 * len(fields))
    for tag, value in sorted(fields.items()):
        kind, count, data = _field(value, order)
        room = struct.calcsize(width)
        if len(data) > room:
            spare, data = spare + data, struct.pack(order + width, beyond + len(spare))
        entries += struct.pack(f"{order}HH{width}", tag, kind, count) + data.ljust(room, b"\0")
    number = struct.pack(order + ("Q" if big else "H"), len(fields))
    ending = struct.pack(order + width, 0)
    pointer = struct.pack(order + width, at)
    return mark + head + pointer + b"".join(strips) + number + entries + ending + spare


def page(
    width: int, height: int, bits: list[int], photometric: int, form: int = 1, **other: Any
) -> dict[int, Any]:
    """The tags of a page: depths of its samples, what they mean, and their format."""
    return {
        256: width,
        257: height,
        258: bits,
        259: [1],
        262: [photometric],
        277: [len(bits)],
        278: other.get("rows", height),
        284: [other.get("planar", 1)],
        339: [form] * len(bits),
    }


def packed(values: NDArray[Any], bits: int) -> bytes:
    """Rows of numbers of that many bits, each row filled up to whole bytes."""
    places = np.arange(bits)[::-1]
    digits = (values[..., None].astype(np.uint64) >> places.astype(np.uint64)) & 1
    return np.packbits(digits.reshape(len(values), -1).astype(np.uint8), axis=1).tobytes()


class Longs(list[int]):
    """Numbers of 32 bits."""


def _field(value: Any, order: str) -> tuple[int, int, bytes]:
    if isinstance(value, str):
        text = value.encode() + b"\0"
        return 2, len(text), text
    if isinstance(value, int):
        value = Longs([value])
    kind = LONG if isinstance(value, Longs) else SHORT
    return kind, len(value), struct.pack(f"{order}{len(value)}{CODES[kind]}", *value)
