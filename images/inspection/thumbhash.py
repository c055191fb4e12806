"""ThumbHash: some 25 bytes from which a page paints a blurred image before the image loads.

After the published format of Evan Wallace (evanw.github.io/thumbhash): the average and the lowest
frequencies of brightness, of two colour differences and, where there is any, of opacity.
"""

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image as Picture

Plane = NDArray[np.float64]
MAX_SIDE = 100


def encode(picture: Picture) -> bytes:
    """The hash of a picture; the picture is made small first."""
    small = picture.convert("RGBA")
    small.thumbnail((MAX_SIDE, MAX_SIDE))
    red, green, blue, alpha = np.moveaxis(np.asarray(small, np.float64) / 255, 2, 0)
    has_alpha = bool(alpha.sum() < alpha.size)
    red, green, blue = (_over_average(plane, alpha) for plane in (red, green, blue))
    width, height = small.size
    landscape = width > height
    finest = (5 if has_alpha else 7) / max(width, height)
    across, down = (max(1, _rounded(finest * side)) for side in (width, height))
    l_dc, l_scale, l_ac = _channel((red + green + blue) / 3, max(3, across), max(3, down))
    p_dc, p_scale, p_ac = _channel((red + green) / 2 - blue, 3, 3)
    q_dc, q_scale, q_ac = _channel(red - green, 3, 3)
    first = (
        _rounded(63 * l_dc)
        | _rounded(31.5 + 31.5 * p_dc) << 6
        | _rounded(31.5 + 31.5 * q_dc) << 12
        | _rounded(31 * l_scale) << 18
        | has_alpha << 23
    )
    second = (
        (down if landscape else across)
        | _rounded(63 * p_scale) << 3
        | _rounded(63 * q_scale) << 9
        | landscape << 15
    )
    hashed = first.to_bytes(3, "little") + second.to_bytes(2, "little")
    terms = [*l_ac, *p_ac, *q_ac]
    if has_alpha:
        a_dc, a_scale, a_ac = _channel(alpha, 5, 5)
        hashed += bytes([_rounded(15 * a_dc) | _rounded(15 * a_scale) << 4])
        terms += a_ac
    return hashed + _nibbles(terms)


def _over_average(plane: Plane, alpha: Plane) -> Plane:
    opacity = alpha.sum()
    average = (plane * alpha).sum() / opacity if opacity else 0.0
    return np.asarray(average * (1 - alpha) + plane * alpha)


def _channel(plane: Plane, across: int, down: int) -> tuple[float, float, list[float]]:
    """The average, the largest frequency, and the frequencies as parts of it, 0 to 1."""
    height, width = plane.shape
    frequencies = _waves(down, height) @ plane @ _waves(across, width).T / plane.size
    kept = [
        float(frequencies[y, x])
        for y in range(down)
        for x in range(across)
        if x * down < across * (down - y)
    ]
    scale = max(map(abs, kept[1:]), default=0.0)
    return kept[0], scale, [0.5 + 0.5 / scale * term if scale else term for term in kept[1:]]


def _waves(count: int, length: int) -> Plane:
    return np.cos(np.pi / length * np.outer(np.arange(count), np.arange(length) + 0.5))


def _nibbles(terms: list[float]) -> bytes:
    values = [_rounded(15 * term) for term in terms] + [0] * (len(terms) % 2)
    return bytes(low | high << 4 for low, high in zip(values[::2], values[1::2], strict=True))


def _rounded(value: float) -> int:
    # Halves go up, as they do where the format comes from.
    return int(value + 0.5)
