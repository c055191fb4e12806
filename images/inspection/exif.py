"""EXIF: what a camera noted, when and where, as bounded JSON."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from PIL import ExifTags
from PIL.Image import Exif
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from images.inspection import written_text
from images.inspection.findings import Findings, bounded, clean, jsonable
from images.inspection.written_times import moment

# Blocks of the maker's own, pointers and tables of the file's inside say nothing to a reader.
SKIPPED = {"MakerNote", "ExifOffset", "GPSInfo", "ExifInteroperabilityOffset"}
STRUCTURE = ("Strip", "Tile", "JPEGTables", "SubIFDs", "InterColorProfile", "XMLPacket")
# UTF-16LE, by Microsoft's definition.
OF_WINDOWS = {"XPTitle", "XPComment", "XPAuthor", "XPKeywords", "XPSubject"}
# When, by field, each with those of its offset and its fraction: the first that makes sense.
MOMENTS = (
    ("DateTimeOriginal", "OffsetTimeOriginal", "SubsecTimeOriginal"),
    ("DateTimeDigitized", "OffsetTimeDigitized", "SubsecTimeDigitized"),
    ("DateTime", "OffsetTime", "SubsecTime"),
)
# EXIF 3.0 names a type of its own for UTF-8, which Pillow passes over.
UTF8 = 129
ImageFileDirectory_v2._load_dispatch[UTF8] = (1, ImageFileDirectory_v2.load_string)


def read(exif: Exif, findings: Findings) -> None:
    """Note what EXIF says in the findings; what cannot be read of it is left out."""
    is_big_endian = exif.endian == ">"
    named = _named(exif, is_big_endian) | _named(_part(exif, ExifTags.IFD.Exif), is_big_endian)
    findings.exif = bounded(named)
    with suppress(LookupError, ValueError):
        orientation = exif[ExifTags.Base.Orientation]
        if isinstance(orientation, int) and 1 <= orientation <= 8:
            findings.orientation = orientation
    findings.taken_at = _taken_at(named)
    findings.gps = _place(_part(exif, ExifTags.IFD.GPSInfo))


def _part(exif: Exif, tag: int) -> Mapping[int, Any]:
    """One of the directories that EXIF points to; empty where the pointer is broken."""
    try:
        return exif.get_ifd(tag)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - Pillow raises anything; the other directories are good
        return {}


def _named(fields: Mapping[int, Any], is_big_endian: bool) -> dict[str, Any]:
    named = {}
    for tag in fields:
        name = ExifTags.TAGS.get(tag, "")
        if name and name not in SKIPPED and not name.startswith(STRUCTURE):
            # One broken field is no reason to lose the others.
            with suppress(LookupError, ValueError, TypeError, ArithmeticError, SyntaxError):
                named[name] = _value(name, fields[tag], is_big_endian)
    return named


def _value(name: str, value: Any, is_big_endian: bool) -> Any:
    data = _bytes(value)
    if name in OF_WINDOWS:
        return clean(written_text.utf16(data if data is not None else _units(value)))
    if data is None:
        return jsonable(value)
    if name == "UserComment":
        return clean(written_text.comment(data, is_big_endian))
    if name == "Copyright":
        return clean(written_text.texts(data))
    if isinstance(value, str):
        return clean(written_text.text(data))
    return clean(written_text.printable(data))


def _bytes(value: Any) -> bytes | None:
    if isinstance(value, str):
        # Pillow reads text by the letter, as Latin-1, which loses nothing.
        return value.encode("latin-1")
    return value if isinstance(value, bytes) else None


def _units(value: Any) -> bytes:
    values = value if isinstance(value, tuple) else (value,)
    return written_text.units16([int(it) for it in values])


def _taken_at(named: dict[str, Any]) -> float | None:
    for field in MOMENTS:
        written, offset, part = (str(named.get(name) or "") for name in field)
        if (at := moment(written, offset, part)) is not None:
            return at
    return None


def _place(gps: Mapping[int, Any]) -> tuple[float, float] | None:
    axes = (
        (ExifTags.GPS.GPSLatitude, ExifTags.GPS.GPSLatitudeRef, "NS", 90),
        (ExifTags.GPS.GPSLongitude, ExifTags.GPS.GPSLongitudeRef, "EW", 180),
    )
    try:
        latitude, longitude = (
            _degrees(gps.get(value), gps.get(reference), letters, most)
            for value, reference, letters, most in axes
        )
    except (ValueError, TypeError, ArithmeticError):
        return None
    # Cameras without a fix write twice 0; nobody was there but a buoy.
    if latitude is None or longitude is None or latitude == longitude == 0:
        return None
    return latitude, longitude


def _degrees(value: Any, reference: Any, letters: str, most: int) -> float | None:
    """Degrees north or east of degrees, minutes and seconds; None where they have no sense.

    Without a letter they are north and east; one that is not understood is no place.
    """
    parts = jsonable(value if isinstance(value, tuple) else (value,))
    # 0/0 is what is not given: seconds beside minutes with a fraction, or nothing at all.
    while parts and parts[-1] is None:
        parts.pop()
    letter = str(jsonable(reference) or letters[0]).upper()[:1]
    if not 1 <= len(parts) <= 3 or None in parts or letter not in letters:
        return None
    degrees, *smaller = (float(part) for part in parts)
    if any(not 0 <= part <= 60 for part in smaller):
        return None
    size = sum((part / 60**place for place, part in enumerate(smaller, 1)), abs(degrees))
    is_negative = letter == letters[1] or degrees < 0
    # No -0.0.
    return round(-size if is_negative else size, 7) + 0.0 if size <= most else None
