"""The index, brought up to date by a test."""

from collections.abc import Iterable

from search.index.building import rebuild
from search.index.merging import merge
from search.index.thresholds import DEFAULT, Thresholds
from search.models import TermStats
from search.tests.thresholds import SPARSE
from taggedimages.factories import make_tag


def merge_all(thresholds: Thresholds = DEFAULT) -> int:
    """Merge all that is pending; returns how many changes that was."""
    merged = 0
    while taken := merge(thresholds=thresholds):
        merged += taken
    return merged


def give_bitmaps(names: Iterable[str]) -> None:
    """The index merges all that is pending, and these tags alone are dense from now on."""
    for name in names:
        TermStats.objects.update_or_create({"has_bitmap": True}, term=make_tag(name).pk)
    # A tag that had bitmaps keeps them, if any image has it.
    rebuild(SPARSE)
