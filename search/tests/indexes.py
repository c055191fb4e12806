"""Bitmaps for tags that a test chooses."""

from collections.abc import Iterable

from search.index import merging
from search.models import SetSize
from taggedimages.factories import make_tag

# Links that no tag of a test has: with this limit, none gets bitmaps by itself.
MANY = 10**9


def give_bitmaps(names: Iterable[str]) -> None:
    """The index takes in all that was changed, and these tags have bitmaps from now on."""
    for name in names:
        SetSize.objects.update_or_create({"heavy": True}, set=make_tag(name).pk)
    # A tag that had bitmaps keeps them, if any image has it.
    merging.rebuild()
