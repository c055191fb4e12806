"""The tag index at work on corpora that are small."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pytest

from search import counting, facets, folding
from search.models import SetSize
from taggedimages.factories import make_tag


@contextmanager
def eager_index() -> Iterator[None]:
    """Searches count by bitmaps wherever they can, however few images there are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counting, "FEW_LINKS", -1)
        patch.setattr(facets, "FEW_IMAGES", 0)
        yield


def give_bitmaps(heavy: Iterable[str]) -> None:
    """The index takes in all that was changed, and these tags have bitmaps from now on."""
    for name in heavy:
        SetSize.objects.update_or_create({"heavy": True}, set=make_tag(name).pk)
    # A tag that had bitmaps keeps them, if any image has it.
    folding.rebuild()


def take_in(most: int) -> None:
    """The index takes in so many of the changes since."""
    folding.fold(most)
