"""An index in which a handful of images is many."""

from collections.abc import Iterator

import pytest

from search.tests.limits import lowered


@pytest.fixture
def bitmaps() -> Iterator[None]:
    """Every tag of two images has bitmaps once it was folded, and they are used."""
    with lowered():
        yield
