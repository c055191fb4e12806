"""DICOM: the header fields that may be kept, and what has to be known before a frame is decoded."""

import io
from contextlib import suppress
from hashlib import sha256
from typing import Any, BinaryIO
from unicodedata import normalize

from PIL.Image import Image as Picture
from pydicom import Dataset, dcmread
from pydicom.multival import MultiValue

from images.inspection import dicom_display, dicom_frames
from images.inspection.findings import (
    MAX_ITEMS,
    UNKNOWN_MEDIA_TYPE,
    Findings,
    Limits,
    Refused,
    bounded,
    jsonable,
)

# Longer values, such as a vendor's own blocks, are skipped and not read.
DEFERRED = 512 * 1024


def read(source: BinaryIO, limits: Limits, findings: Findings, at_least: int) -> Picture:
    """The first frame in 8 bits, of `at_least` pixels a side if it has so many.

    Raises Refused, and whatever pydicom does on a broken file.
    """
    header = dcmread(
        _Metered(source, limits.metadata), stop_before_pixels=True, defer_size=DEFERRED, force=True
    )
    findings.dicom = _kept(header, limits.dicom_fields)
    findings.subject = _subject(header)
    pixels_at = source.tell()
    _check_size(header, limits, findings)
    frame = dicom_frames.first(source, header, pixels_at)
    return dicom_display.shown(frame, header, dicom_frames.is_ybr(header), at_least)


class _Metered(io.BufferedIOBase):
    """A file of which only so many bytes may be read; what is skipped does not count."""

    def __init__(self, file: BinaryIO, limit: int) -> None:
        self.file, self.left = file, limit

    def read(self, size: int | None = -1) -> bytes:
        data = self.file.read(self.left + 1 if size is None or size < 0 else size)
        self.left -= len(data)
        if self.left < 0:
            raise Refused("too_large: the header of the DICOM file has no end in sight")
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self.file.seek(offset, whence)

    def tell(self) -> int:
        return self.file.tell()


def _kept(header: Dataset, fields: tuple[str, ...]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name in fields:
        # One unreadable field is no reason to lose the rest.
        with suppress(Exception):
            kept[name] = _plain(header.get(name))
    return bounded(kept)


def _subject(header: Dataset) -> str:
    """A digest of who the patient is, empty where the file does not tell: the id goes no further.

    An id counts within its issuer (DICOM PS3.3 C.2.2). Blanks around either say nothing (PS3.5 6.2,
    LO); the length of the issuer keeps the two apart.
    """
    try:
        issuer, patient = (_text(header.get(name)) for name in ("IssuerOfPatientID", "PatientID"))
    except Exception:  # noqa: BLE001 - of a broken field pydicom raises anything, with its value
        return ""
    if not patient:
        return ""
    return sha256(len(issuer).to_bytes(8, "big") + issuer + patient).hexdigest()


def _text(value: Any) -> bytes:
    # A backslash makes several values of one; nothing is what one is without any.
    parts = value if isinstance(value, MultiValue) else [value or ""]
    text = "\\".join(str(part) for part in parts)
    return normalize("NFC", text.replace("\0", "").strip()).encode("utf-8", "surrogatepass")


def _plain(value: Any) -> Any:
    if isinstance(value, MultiValue):
        return [_plain(item) for item in value[:MAX_ITEMS]]
    if isinstance(value, int | float | str | bytes):
        return jsonable(value)
    return jsonable(str(value)) if value is not None else None


def _check_size(header: Dataset, limits: Limits, findings: Findings) -> None:
    rows, columns = header.get("Rows"), header.get("Columns")
    if not rows or not columns:
        if "SOPClassUID" not in header:
            findings.format, findings.media_type = "", UNKNOWN_MEDIA_TYPE
            findings.dicom, findings.subject = None, ""
            raise Refused("not_an_image: the content is of no known image format")
        raise Refused("not_an_image: a DICOM file without a picture")
    findings.measure(int(columns), int(rows), limits)
    frames, samples = int(header.get("NumberOfFrames") or 1), int(header.get("SamplesPerPixel", 1))
    bits = int(header.get("BitsAllocated", 8))
    if frames < 1 or not 1 <= samples <= 4 or not 1 <= bits <= 64:
        raise Refused(f"unreadable: {frames} frames of {samples} samples of {bits} bits")
    size = int(rows) * int(columns) * frames * samples * bits // 8
    # Multiplied before anything is decoded: some 500 bytes can declare terabytes.
    if size > limits.memory:
        raise Refused(f"too_large: {frames} frames of {size} bytes, {limits.memory} are allowed")
