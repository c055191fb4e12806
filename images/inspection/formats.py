"""Which format a file has, told by its first bytes alone; its name is never asked."""

import re
from dataclasses import dataclass

HEAD_BYTES = 512


@dataclass(frozen=True)
class Format:
    """A format that is read: our name and Pillow's, and the media type."""

    name: str
    media_type: str
    opener: str = ""


PNG = Format("png", "image/png", "PNG")
JPEG = Format("jpeg", "image/jpeg", "JPEG")
GIF = Format("gif", "image/gif", "GIF")
WEBP = Format("webp", "image/webp", "WEBP")
TIFF = Format("tiff", "image/tiff", "TIFF")
BMP = Format("bmp", "image/bmp", "BMP")
AVIF = Format("avif", "image/avif", "AVIF")
HEIC = Format("heic", "image/heic", "HEIF")
DICOM = Format("dicom", "application/dicom")
NAMES = {kind.name for kind in (PNG, JPEG, GIF, WEBP, TIFF, BMP, AVIF, HEIC, DICOM)}

STARTS = (
    # First, for a DICOM file may look like a TIFF file in its preamble.
    (rb".{128}DICM", DICOM),
    (rb"\x89PNG\r\n\x1a\n", PNG),
    (rb"\xff\xd8\xff", JPEG),
    (rb"GIF8[79]a", GIF),
    (rb"RIFF....WEBP", WEBP),
    (rb"II[\x2a\x2b]\0|MM\0[\x2a\x2b]", TIFF),
    # The two words before the place of the pixels may have any content (OS/2 has a hot spot there);
    # of lengths of the header behind it there are few.
    (rb"BM.{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\0\0\0", BMP),
    # Data sets without the preamble that the standard asks for start with group 2 or 8.
    (rb"[\x02\x08]\0[\0-\x20]\0", DICOM),
)
ALSO_CALLED = {
    **dict.fromkeys(("jpg", "jpe", "jfif"), JPEG.name),
    "tif": TIFF.name,
    **dict.fromkeys(("dcm", "dicm"), DICOM.name),
    **dict.fromkeys(("heif", "hif"), HEIC.name),
    "dib": BMP.name,
}
AVIF_BRANDS = {b"avif", b"avis"}
HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}


def sniff(head: bytes) -> Format | None:
    """The format that the first HEAD_BYTES of a file announce; None for any other content.

    >>> sniff(b"GIF89a").name, sniff(b"<svg/>")
    ('gif', None)
    """
    for start, found in STARTS:
        if re.match(start, head, re.DOTALL):
            return found
    return _of_brands(head) if head[4:8] == b"ftyp" else None


def named(word: str) -> str:
    """The name that we have for a format, of one that others know it by, such as a file's ending.

    >>> named("JPG"), named("tiff"), named("xcf")
    ('jpeg', 'tiff', 'xcf')
    """
    word = word.casefold().strip().removeprefix(".")
    return ALSO_CALLED.get(word, word)


def _of_brands(head: bytes) -> Format | None:
    box = head[8 : int.from_bytes(head[:4], "big")]
    brands = {box[at : at + 4] for at in range(0, len(box), 4) if at != 4}
    if brands & AVIF_BRANDS:
        return AVIF
    return HEIC if brands & HEIC_BRANDS else None
