"""JPEG: files that end too early, but with all of the picture or nearly all."""

import io
from typing import BinaryIO

import numpy as np
from PIL import Image
from PIL.Image import Image as Picture

END = b"\xff\xd9"
# Stands where a file ends, in place of END: no end in sight, and unlike what END leads to.
ANYTHING = b"\x55\xaa" * 512
# What Pillow says of a file that ends too early, and of one that ends within a marker.
TOO_SHORT = ("image file is truncated", "broken data stream")
# Pixels of the file a row of blocks is high at most.
BLOCKS = 32


def loaded(picture: Picture, source: BinaryIO, reduced: tuple[int, int]) -> Picture:
    """A picture that was opened, decoded at a fraction of its size, down to `reduced` at least.

    Readers put the missing end in, with grey for what is missing (ITU T.81 leaves it to them). Here
    no more than the last row of blocks may be. Raises OSError where more is.
    """
    # At a fraction, most of the work is saved.
    picture.draft(None, reduced)
    try:
        picture.load()
    except OSError as error:
        if not str(error).startswith(TOO_SHORT):
            raise
        return _ended(picture, source, reduced, error)
    return picture


def _ended(picture: Picture, source: BinaryIO, reduced: tuple[int, int], error: OSError) -> Picture:
    source.seek(0)
    data = source.read().rstrip(b"\xff")
    ends = []
    for end in (END, ANYTHING + END):
        again = Image.open(io.BytesIO(data + end), formats=["JPEG"])
        again.draft(None, reduced)
        again.load()
        ends.append(again)
    # Where all is there, nothing behind it can change a pixel.
    first, second = (np.asarray(end) for end in ends)
    sure = first.shape[0] - max(1, BLOCKS * first.shape[0] // picture.size[1])
    if not np.array_equal(first[:sure], second[:sure]):
        raise error
    return ends[0]
