"""EXIF: what a camera noted, when and where, as bounded JSON."""

import re
from datetime import datetime
from typing import Any

from PIL import ExifTags
from PIL.Image import Exif

from images.inspection.findings import Findings, bounded, jsonable

# Blocks of the maker's own, pointers and tables of the file's inside say nothing to a reader.
SKIPPED = {"MakerNote", "UserComment", "ExifOffset", "GPSInfo", "ExifInteroperabilityOffset"}
STRUCTURE = ("Strip", "Tile", "JPEGTables", "SubIFDs", "InterColorProfile", "XMLPacket")
MOMENT = re.compile(r"(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)", re.ASCII)
ZONE = re.compile(r"[+-]\d\d:\d\d", re.ASCII)


def read(exif: Exif, findings: Findings) -> None:
    """Note what EXIF says in the findings; raises whatever Pillow does on broken blocks."""
    camera = exif.get_ifd(ExifTags.IFD.Exif)
    findings.exif = _named(dict(exif) | dict(camera))
    orientation = exif.get(ExifTags.Base.Orientation)
    if isinstance(orientation, int) and 1 <= orientation <= 8:
        findings.orientation = orientation
    findings.taken_at = _taken_at(findings.exif)
    findings.gps = _place(exif.get_ifd(ExifTags.IFD.GPSInfo))


def _named(fields: dict[int, Any]) -> dict[str, Any]:
    named = {}
    for tag, value in fields.items():
        name = ExifTags.TAGS.get(tag, "")
        if name and name not in SKIPPED and not name.startswith(STRUCTURE):
            named[name] = jsonable(value)
    return bounded(named)


def _taken_at(exif: dict[str, Any]) -> float | None:
    for name, offset in (("DateTimeOriginal", "OffsetTimeOriginal"), ("DateTime", "OffsetTime")):
        if written := MOMENT.match(str(exif.get(name, ""))):
            zone = ZONE.fullmatch(str(exif.get(offset, "")))
            try:
                # Without a zone, and that is usual, the camera's clock is read as UTC.
                return datetime.fromisoformat(
                    "{}-{}-{}T{}".format(*written.groups()) + (zone[0] if zone else "+00:00")
                ).timestamp()
            except (ValueError, OverflowError):
                continue
    return None


def _place(gps: dict[int, Any]) -> tuple[float, float] | None:
    latitude = _degrees(gps.get(ExifTags.GPS.GPSLatitude), gps.get(ExifTags.GPS.GPSLatitudeRef))
    longitude = _degrees(gps.get(ExifTags.GPS.GPSLongitude), gps.get(ExifTags.GPS.GPSLongitudeRef))
    if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
        return None
    return latitude, longitude


def _degrees(value: Any, reference: Any) -> float | None:
    parts = jsonable(value)
    if not isinstance(parts, list) or not 1 <= len(parts) <= 3 or None in parts:
        return None
    degrees: float = sum(float(part) / 60**place for place, part in enumerate(parts))
    letter = jsonable(reference)
    return round(-degrees if str(letter).upper()[:1] in ("S", "W") else degrees, 7)
