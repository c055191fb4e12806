"""Numbers of any depth as 8 bit tones, which never fall as the value rises."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Values are looked at in bands of rows, so that no copy of all is made at a higher precision.
BAND = 1024**2


def scaled(values: NDArray[Any], bits: int) -> NDArray[np.uint8]:
    """Whole numbers of `bits` bits without a sign: 0 is black, and the greatest there is white."""
    if bits == 8:
        return np.asarray(values, np.uint8)
    if bits >= 16:
        return np.asarray(values >> np.array(bits - 8, values.dtype), np.uint8)
    greatest = (1 << bits) - 1
    tones = (np.arange(greatest + 1) * 255 / greatest).round().astype(np.uint8)
    return looked_up(tones, values)


def looked_up(table: NDArray[np.uint8], indices: NDArray[Any]) -> NDArray[np.uint8]:
    """The entries of a table that the indices name, the last one for those beyond it."""
    found = np.empty(indices.shape + table.shape[1:], np.uint8)
    for rows in _bands(indices):
        found[rows] = table.take(indices[rows], axis=0, mode="clip")
    return found


def spread(values: NDArray[Any], valid: NDArray[np.bool_] | None = None) -> NDArray[np.uint8]:
    """Numbers of no known scale: the least that is valid is black, and the greatest white.

    What is not valid takes no part, and is black.
    """
    low, high = extremes(values, valid)
    tones = np.zeros(values.shape, np.uint8)
    for rows in _bands(values):
        tones[rows] = between(values[rows], low, high)
    if valid is not None:
        tones[~valid] = 0
    return tones


def extremes(values: NDArray[Any], valid: NDArray[np.bool_] | None = None) -> tuple[float, float]:
    """The least and the greatest of the valid values; 0 and 0 where there are none."""
    found = []
    for rows in _bands(values):
        band = values[rows] if valid is None else values[rows][valid[rows]]
        if band.size:
            found.append((float(band.min()), float(band.max())))
    if not found:
        return 0.0, 0.0
    return min(low for low, _ in found), max(high for _, high in found)


def between(values: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """Tones of 0 at `low` to 255 at `high`; all is black where these are one."""
    if not high > low:
        return np.zeros(values.shape, np.uint8)
    with np.errstate(all="ignore"):
        # Of halves: the range of the greatest numbers is none that can be written.
        parts = (values.astype(np.float64) / 2 - low / 2) / (high / 2 - low / 2)
        return np.nan_to_num(np.clip(parts, 0, 1) * 255, nan=0.0).round().astype(np.uint8)


def _bands(values: NDArray[Any]) -> Iterator[slice]:
    step = max(1, BAND * len(values) // max(1, values.size))
    for top in range(0, len(values), step):
        yield slice(top, top + step)
