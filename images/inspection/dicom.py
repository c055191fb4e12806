"""DICOM: the header fields that may be kept, and the first frame as it is meant to be seen."""

import io
from contextlib import suppress
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.Image import Image as Picture
from pydicom import Dataset, dcmread
from pydicom.multival import MultiValue
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi_lut
from pydicom.pixels.utils import pixel_array

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
DEFERRED = 64 * 1024


def read(source: BinaryIO, limits: Limits, findings: Findings, at_least: int) -> Picture:
    """The first frame in 8 bits, of `at_least` pixels a side if it has so many.

    Raises Refused, and whatever pydicom does on a broken file.
    """
    header = dcmread(
        _Metered(source, limits.metadata), stop_before_pixels=True, defer_size=DEFERRED, force=True
    )
    findings.dicom = _kept(header, limits.dicom_fields)
    _check_size(header, limits, findings)
    return _seen(_first_frame(source), header, at_least)


def _first_frame(source: BinaryIO) -> NDArray[Any]:
    source.seek(0)
    try:
        # Reads nothing but that frame; some odd but valid files are not read in this way.
        return pixel_array(source, index=0)
    except (ValueError, AttributeError):
        source.seek(0)
        return pixel_array(dcmread(source, force=True), index=0)


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
            findings.format, findings.media_type, findings.dicom = "", UNKNOWN_MEDIA_TYPE, None
            raise Refused("not_an_image: the content is of no known image format")
        raise Refused("not_an_image: a DICOM file without a picture")
    findings.measure(int(columns), int(rows), limits)
    frames, samples = int(header.get("NumberOfFrames") or 1), int(header.get("SamplesPerPixel", 1))
    size = int(rows) * int(columns) * frames * samples * int(header.get("BitsAllocated", 8)) // 8
    # Multiplied before anything is decoded: some 500 bytes can declare terabytes.
    if size > limits.memory:
        raise Refused(f"too_large: {frames} frames of {size} bytes, {limits.memory} are allowed")


def _seen(frame: NDArray[Any], header: Dataset, at_least: int) -> Picture:
    step = max(1, max(frame.shape[:2]) // at_least)
    frame = frame[::step, ::step]
    photometric = str(header.get("PhotometricInterpretation", ""))
    if photometric == "PALETTE COLOR":
        frame = apply_color_lut(frame, header)
    if frame.ndim == 3:
        return Image.fromarray(_eight_bits(frame))
    grey = _windowed(frame, header)
    return Image.fromarray(255 - grey if photometric == "MONOCHROME1" else grey)


def _eight_bits(colours: NDArray[Any]) -> NDArray[np.uint8]:
    if colours.dtype == np.uint8:
        return colours
    return (colours >> (8 if colours.max() > 255 else 0)).astype(np.uint8)


def _windowed(frame: NDArray[Any], header: Dataset) -> NDArray[np.uint8]:
    """Grey levels as the header's window, or else the darkest and brightest pixel, spread them."""
    values = apply_modality_lut(frame, header)
    centre, width = _first(header.get("WindowCenter")), _first(header.get("WindowWidth"))
    if "VOILUTSequence" in header:
        values = apply_voi_lut(values, header)
    elif centre is not None and width is not None and width >= 1:
        # PS3.3 C.11.2.1.2.1, the linear function.
        low = centre - 0.5 - (width - 1) / 2
        return _spread(values, low, low + max(width - 1, 1e-9))
    return _spread(values, float(values.min()), float(values.max()))


def _spread(values: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    parts = (values.astype(np.float32) - low) / ((high - low) or 1)
    return np.asarray(np.clip(parts, 0, 1) * 255, np.uint8)


def _first(value: Any) -> float | None:
    number = jsonable(value[0] if isinstance(value, MultiValue) and value else value)
    return float(number) if isinstance(number, int | float) else None
