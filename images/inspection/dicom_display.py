"""How a frame of a DICOM file is meant to be seen: PS3.3 C.7.6.3, C.11.1 and C.11.2, PS3.4 N.2."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.Image import Image as Picture
from pydicom import Dataset
from pydicom.multival import MultiValue
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi_lut

from images.inspection import tones
from images.inspection.findings import jsonable

# What is no picture in a frame (C.7.5.1.1.2): one value, or all up to a limit.
PADDING = ("PixelPaddingValue", "FloatPixelPaddingValue", "DoubleFloatPixelPaddingValue")


def shown(frame: NDArray[Any], header: Dataset, ybr: bool, at_least: int) -> Picture:
    """The frame in 8 bits, `at_least` pixels a side if it has so many."""
    step = max(1, max(frame.shape[:2]) // at_least)
    frame = frame[::step, ::step]
    photometric = str(header.get("PhotometricInterpretation", ""))
    if photometric == "PALETTE COLOR":
        return Image.fromarray(_coloured(frame, header))
    if frame.ndim == 3:
        bits = int(header.get("BitsStored") or 8)
        colours = tones.scaled(np.ascontiguousarray(frame[..., :3]), bits)
        return Image.fromarray(colours, "YCbCr" if ybr else "RGB").convert("RGB")
    valid = _picture(frame, header)
    grey = _windowed(frame, header, valid)
    if photometric == "MONOCHROME1" or header.get("PresentationLUTShape") == "INVERSE":
        grey = 255 - grey
    if valid is not None:
        grey[~valid] = 0
    return Image.fromarray(grey)


def _coloured(indices: NDArray[Any], header: Dataset) -> NDArray[np.uint8]:
    colours = apply_color_lut(indices, header)[..., :3]
    if colours.dtype == np.uint8:
        return np.asarray(colours)
    # Some writers have 8 bits in tables of 16.
    return np.asarray(colours >> (8 if colours.max() > 255 else 0), np.uint8)


def _picture(frame: NDArray[Any], header: Dataset) -> NDArray[np.bool_] | None:
    """Which pixels are of the picture and no padding; None where all are."""
    for name in PADDING:
        value = _stored(header.get(name), frame)
        if value is None:
            continue
        limit = _stored(header.get(name.replace("Value", "RangeLimit")), frame)
        low, high = sorted((value, value if limit is None else limit))
        return np.asarray((frame < low) | (frame > high))
    return None


def _stored(value: Any, frame: NDArray[Any]) -> float | None:
    """A value of the header with the sign that the pixels have: writers mix up the two kinds."""
    number = _first(value)
    if number is None or frame.dtype.kind == "f":
        return number
    signed = frame.dtype.kind == "i"
    if signed and 2**15 <= number < 2**16:
        return number - 2**16
    return number + 2**16 if not signed and number < 0 else number


def _windowed(
    frame: NDArray[Any], header: Dataset, valid: NDArray[np.bool_] | None
) -> NDArray[np.uint8]:
    """Grey levels as the header's table or window, or else the extremes, spread them."""
    values = apply_modality_lut(frame, _place(header, "PixelValueTransformationSequence"))
    if header.get("VOILUTSequence"):
        return tones.spread(apply_voi_lut(values, header), valid)
    window = _place(header, "FrameVOILUTSequence")
    centre, width = _first(window.get("WindowCenter")), _first(window.get("WindowWidth"))
    function = str(window.get("VOILUTFunction") or "LINEAR").strip().upper()
    if centre is None or width is None or width <= 0 or (function == "LINEAR" and width < 1):
        return tones.spread(values, valid)
    if function == "SIGMOID":
        with np.errstate(over="ignore"):
            parts = 255 / (1 + np.exp(-4 * (values.astype(np.float64) - centre) / width))
        return np.asarray(parts.round(), np.uint8)
    if function == "LINEAR_EXACT":
        return tones.between(values, centre - width / 2, centre + width / 2)
    # C.11.2.1.2.1 has half a level and a level less.
    centre, width = centre - 0.5, width - 1
    if width == 0:
        return np.where(values > centre, 255, 0).astype(np.uint8)
    return tones.between(values, centre - width / 2, centre + width / 2)


def _place(header: Dataset, group: str) -> Dataset:
    """Where the attributes of a group are: for the first frame, for all frames, or at the top."""
    for sequence in ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence"):
        items = header.get(sequence)
        inner = items[0].get(group) if items else None
        if inner:
            found: Dataset = inner[0]
            return found
    return header


def _first(value: Any) -> float | None:
    number = jsonable(value[0] if isinstance(value, MultiValue) and value else value)
    return float(number) if isinstance(number, int | float) else None
