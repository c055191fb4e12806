"""What an inspection may use, and what it finds, as plain data that crosses processes as JSON."""

import json
import re
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

UNKNOWN_MEDIA_TYPE = "application/octet-stream"
# The longest text and list of a header that are kept.
MAX_FACT_CHARACTERS = 1000
MAX_ITEMS = 64
# The longest header that is kept, as JSON.
MAX_HEADER = 64 * 1024


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
    # Base64.
    thumbhash: str = ""
    # 64 bits as a signed number; None where nothing is to be seen.
    fingerprint: int | None = None
    problem: str = ""

    def measure(self, width: int, height: int, limits: Limits) -> None:
        """Note the size in pixels. Raises Refused where it is beyond the limit."""
        self.width, self.height = width, height
        if width * height > limits.pixels:
            raise Refused(f"too_large: {width} x {height} pixels, {limits.pixels} are allowed")


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
