"""What an inspection may use, and what it finds, as plain data that crosses processes as JSON."""

import json
import re
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from images.inspection.formats import NAMES

UNKNOWN_MEDIA_TYPE = "application/octet-stream"
# The longest text and list of a header that are kept.
MAX_FACT_CHARACTERS = 1000
MAX_ITEMS = 64
# The longest header that is kept, as JSON.
MAX_HEADER = 64 * 1024
# Of the reason why a file cannot be read.
MAX_PROBLEM = 255
# The greatest whole number that a column of sizes holds.
MAX_SIDE = 2**31 - 1
# The moments, in epoch seconds, that have a date: years 1 to 9999.
MOMENTS = (-62_135_596_800, 253_402_300_799)


@dataclass(frozen=True)
class Limits:
    """What one file may cost: pixels, bytes of memory and of metadata, seconds of CPU."""

    pixels: int
    memory: int
    metadata: int
    cpu_seconds: int
    # The DICOM header fields that may be kept, by keyword.
    dicom_fields: tuple[str, ...] = ()


class Refused(Exception):
    """The content can never be read; the text is "word: explanation"."""


@dataclass
class Findings:
    """The facts of a file. Sizes are in pixels as stored, before the orientation is applied."""

    format: str = ""
    media_type: str = UNKNOWN_MEDIA_TYPE
    width: int = 0
    height: int = 0
    orientation: int = 1
    color: str = ""
    # Epoch seconds.
    taken_at: float | None = None
    exif: dict[str, Any] = field(default_factory=dict)
    # Degrees north and east.
    gps: tuple[float, float] | None = None
    dicom: dict[str, Any] | None = None
    # SHA-256 of who the patient is, in hexadecimal digits; empty where nothing tells.
    subject: str = ""
    # Base64.
    thumbhash: str = ""
    # 64 bits as a signed number; None where nothing is to be seen.
    fingerprint: int | None = None
    problem: str = ""

    def measure(self, width: int, height: int, limits: Limits) -> None:
        """Note the size in pixels. Raises Refused where it is none, or beyond the limit."""
        width, height = int(width), int(height)
        if width < 1 or height < 1:
            raise Refused(f"unreadable: a size of {width} x {height} pixels")
        if max(width, height) <= MAX_SIDE:
            self.width, self.height = width, height
        if width * height > limits.pixels or max(width, height) > MAX_SIDE:
            raise Refused(f"too_large: {width} x {height} pixels, {limits.pixels} are allowed")


def believed(told: dict[str, Any]) -> Findings:
    """What a child told, as findings that the database can hold.

    The child has read a hostile file, and may say anything. Raises ValueError and TypeError.
    """
    findings = Findings(**told)
    sound = (
        (findings.format == "" or findings.format in NAMES)
        and _is_text(findings.media_type, r"[a-z]+/[a-z0-9.+-]{1,80}")
        and _is_whole(findings.width, 0, MAX_SIDE)
        and _is_whole(findings.height, 0, MAX_SIDE)
        and _is_whole(findings.orientation, 1, 8)
        and _is_text(findings.color, "(#[0-9A-F]{6})?")
        and (findings.taken_at is None or _is_within(findings.taken_at, *MOMENTS))
        and _is_place(findings.gps)
        and isinstance(findings.exif, dict)
        and (findings.dicom is None or isinstance(findings.dicom, dict))
        and _is_text(findings.subject, "([0-9a-f]{64})?")
        and _is_storable([findings.exif, findings.dicom])
        and _is_text(findings.thumbhash, "[A-Za-z0-9+/]{0,40}=*")
        and len(findings.thumbhash) <= 40
        and (findings.fingerprint is None or _is_whole(findings.fingerprint, -(2**63), 2**63 - 1))
        and isinstance(findings.problem, str)
    )
    if not sound:
        raise ValueError("the findings cannot be kept")
    findings.problem = clean(findings.problem)[:MAX_PROBLEM]
    return findings


def jsonable(value: Any) -> Any:
    """A header value as JSON that PostgreSQL takes: bounded, finite, without NULs; else None."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, bytes):
        # Binary has no reading; text fields of EXIF are bytes to Pillow.
        return clean(value.decode("ascii")) if value.rstrip(b"\0").isascii() else None
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value[:MAX_ITEMS]]
    return _number(value)


def bounded(fields: dict[str, Any]) -> dict[str, Any]:
    """As many of the fields of a header as fit into MAX_HEADER, without the empty ones."""
    kept, size = {}, 0
    for name, value in fields.items():
        if value in (None, "", []):
            continue
        size += len(name) + len(json.dumps(value))
        if size > MAX_HEADER:
            break
        kept[name] = value
    return kept


def clean(text: str) -> str:
    """Text without control characters and surrogates, trimmed and bounded."""
    return re.sub("[\0-\x08\x0b-\x1f\x7f\ud800-\udfff]", "", text).strip()[:MAX_FACT_CHARACTERS]


def _number(value: Any) -> int | float | None:
    try:
        if isinstance(value, int):
            return int(value) if abs(value) < 2**53 else None
        number = float(value)
    except (TypeError, ValueError, ArithmeticError):
        return None
    return number if isfinite(number) else None


def _is_text(value: Any, pattern: str) -> bool:
    return isinstance(value, str) and re.fullmatch(pattern, value, re.ASCII) is not None


def _is_whole(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _is_within(value: Any, low: float, high: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def _is_place(value: Any) -> bool:
    if value is None:
        return True
    pair = isinstance(value, list | tuple) and len(value) == 2
    return pair and _is_within(value[0], -90, 90) and _is_within(value[1], -180, 180)


def _is_storable(value: Any, depth: int = 8) -> bool:
    """Whether PostgreSQL takes a value as JSON: without NULs, half characters and infinities."""
    if isinstance(value, dict):
        parts = [*value, *value.values()]
        return depth > 0 and all(_is_storable(part, depth - 1) for part in parts)
    if isinstance(value, list | tuple):
        return depth > 0 and all(_is_storable(part, depth - 1) for part in value)
    if isinstance(value, str):
        return re.search("[\0\ud800-\udfff]", value) is None
    return value is None or isinstance(value, bool) or _is_within(value, -(2**1000), 2**1000)
