"""Texts in headers, read as what their bytes are and not as what a standard says they should be.

EXIF's ASCII fields hold UTF-8 or Latin-1 in most files of today, and more than one text in one.
"""

import codecs
from collections.abc import Sequence

# EXIF 3.0, 4.6.6, UserComment: the first eight bytes say what the others are.
CODE_BYTES = 8
ASCII, UNICODE, JIS, UNDEFINED = b"ASCII", b"UNICODE", b"JIS", b""
UTF16 = ("utf-16-le", "utf-16-be")


def text(data: bytes) -> str:
    r"""UTF-8 if the bytes are that, else Latin-1; up to the first null, after which rubbish lies.

    >>> text("José".encode()), text("José".encode("latin-1")), text(b"Canon\0\xff\xff")
    ('José', 'José', 'Canon')
    """
    return _decoded(data.partition(b"\0")[0])


def texts(data: bytes) -> str:
    r"""Those of a field of several, such as Copyright's (EXIF 3.0, 4.6.4), a line each.

    >>> texts(b"Photographer\0Editor\0")
    'Photographer\nEditor'
    """
    return "\n".join(filter(str.strip, map(_decoded, data.split(b"\0"))))


def utf16(data: bytes, codec: str = UTF16[0]) -> str:
    r"""UTF-16 up to the first null of two bytes, as in Microsoft's XPTitle and its kin.

    >>> utf16("写真\0?".encode("utf-16-le"))
    '写真'
    """
    units = [data[at : at + 2] for at in range(0, len(data) - 1, 2)]
    end = units.index(b"\0\0") if b"\0\0" in units else len(units)
    return b"".join(units[:end]).decode(codec, "ignore").removeprefix("\ufeff")


def comment(data: bytes, is_big_endian: bool) -> str:
    r"""EXIF's UserComment; empty where it is no text that can be told.

    >>> comment(b"ASCII\0\0\0A knee", False)
    'A knee'
    >>> comment(b"UNICODE\0" + "Knee".encode("utf-16-be"), False)
    'Knee'
    """
    code, data = data[:CODE_BYTES].rstrip(b"\0 "), data[CODE_BYTES:]
    if code == UNICODE:
        return utf16(data, _byte_order(data, is_big_endian))
    if code == JIS:
        return _strictly(data.partition(b"\0")[0], "iso2022_jp")
    if code == ASCII:
        return text(data)
    # Of no stated kind: often a maker's numbers.
    return printable(data) if code == UNDEFINED else ""


def printable(data: bytes) -> str:
    r"""UTF-8 without control characters; empty for other bytes, which are no text.

    >>> printable(b"0232"), printable(b"\x01\x02\x03\0"), printable(b"\xff\xfe")
    ('0232', '', '')
    """
    found = _strictly(data.rstrip(b"\0"), "utf-8")
    return found if all(it.isprintable() or it in "\t\r\n" for it in found) else ""


def units16(values: Sequence[int]) -> bytes:
    """Numbers of 16 bits as UTF-16LE: some writers of XPTitle and its kin state that type."""
    return b"".join(value.to_bytes(2, "little") for value in values if 0 <= value < 2**16)


def _decoded(data: bytes) -> str:
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        # What is cut off within its last character is UTF-8 still, if others of it are whole.
        found = codecs.getincrementaldecoder("utf-8")().decode(data, final=False)
    except UnicodeDecodeError:
        return data.decode("latin-1")
    return found if not found.isascii() else data.decode("latin-1")


def _strictly(data: bytes, codec: str) -> str:
    try:
        return data.decode(codec)
    except UnicodeDecodeError:
        return ""


def _byte_order(data: bytes, is_big_endian: bool) -> str:
    """The standard names none, and writers differ: as marked, else as characters are more usual,
    else as the numbers beside it."""
    for mark, codec in zip((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE), UTF16, strict=True):
        if data.startswith(mark):
            return codec
    # High bytes repeat, be they zeros of Latin letters or those of another script.
    even, odd = len(set(data[::2])), len(set(data[1::2]))
    return UTF16[is_big_endian if even == odd else even < odd]
