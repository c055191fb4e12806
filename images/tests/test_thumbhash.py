"""The hashes are those of the format's own JavaScript."""

from base64 import b64encode

import pytest
from PIL import Image as Picture

from images.inspection import thumbhash


def painted(width: int, height: int, transparent: bool = False) -> Picture.Image:
    """A picture in which no frequency is zero, so that nothing hangs on how halves are rounded."""

    def value(x: int, y: int, step: int) -> int:
        return (x * x * step + y * 13 + x * y * (step + 2) + step * y * y) % 256

    picture = Picture.new("RGBA", (width, height))
    for x in range(width):
        for y in range(height):
            alpha = value(x, y, 7) if transparent else 255
            picture.putpixel((x, y), (value(x, y, 1), value(x, y, 3), value(x, y, 5), alpha))
    return picture


@pytest.mark.parametrize(
    ("picture", "hashed"),
    [
        (painted(32, 20), "4PcFDIRCZGVwZVREJ2fydanAQg=="),
        (painted(20, 32), "3/cBDAICSmMCJlJTomMNQwxJlw=="),
        (painted(30, 30, transparent=True), "4OeBBQIIZZOFpKCHc8sJdUDFNVhjUIeHEg=="),
        (painted(100, 10), "3/cBAYJwgkJFQoR3egarAiU="),
        (Picture.new("RGBA", (16, 16)), "AAiCBQAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="),
    ],
    ids=["wide", "tall", "transparent", "strip", "invisible"],
)
def test_known_pictures_have_known_hashes(picture, hashed):
    assert b64encode(thumbhash.encode(picture)).decode() == hashed


def test_large_pictures_are_made_small_first():
    assert len(thumbhash.encode(Picture.new("RGB", (3000, 20), "red"))) <= 25
