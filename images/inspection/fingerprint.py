"""A perceptual hash: 64 bits that stay nearly the same when a picture is resized or recoded."""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.Image import Image as Picture

SIDE, KEPT_FREQUENCIES = 32, 8
# Below this spread of grey levels (of 255) nothing is to be seen, and noise would decide the bits.
FLAT = 2.0


def of(picture: Picture) -> int | None:
    """The hash as a signed 64 bit number; None for a picture of one colour.

    Each bit says whether one of the lowest 64 frequencies of the grey picture is above their
    median.
    """
    small = picture.convert("L").resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    grey = np.asarray(small, np.float64)
    if grey.std() < FLAT:
        return None
    waves = _waves()
    frequencies = (waves @ grey @ waves.T).ravel()
    # What is next to nothing is nothing: noise must not decide.
    frequencies[abs(frequencies) < abs(frequencies[1:]).max() / 100] = 0
    bits = frequencies > np.median(frequencies[1:])
    return int.from_bytes(np.packbits(bits).tobytes(), "big", signed=True)


@cache
def _waves() -> NDArray[np.float64]:
    return np.cos(np.pi / SIDE * np.outer(np.arange(KEPT_FREQUENCIES), np.arange(SIDE) + 0.5))
