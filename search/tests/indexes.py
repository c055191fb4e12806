"""Bitmaps for tags that a test chooses."""

from collections.abc import Iterable

from search.index import merging
from search.models import SetSize
from taggedimages.factories import make_tag

MANY = 10**9


def merge_all(thresholds=None):
    return merging.fold_all()


def give_bitmaps(names: Iterable[str]) -> None:
    """The index takes in all that was changed, and these tags have bitmaps from now on."""
    for name in names:
        SetSize.objects.update_or_create({"heavy": True}, set=make_tag(name).pk)
    # A tag that had bitmaps keeps them, if any image has it.
    merging.rebuild()
