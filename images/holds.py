"""Who holds files that would be removed otherwise: whoever does registers when it starts.

Images knows none of them. A holder only ever takes hold of files of images that are not deleted;
so what nobody holds once an image is deleted for good is not held later either.
"""

from collections.abc import Callable, Collection

# Tells of images which of them it holds; raises NotNow.
Holder = Callable[[Collection[int]], set[int]]

_holders: list[Holder] = []


class NotNow(Exception):
    """Somebody is just taking hold of files: who holds which is told when that is over."""


def register(holder: Holder) -> None:
    """Have a holder asked from now on, before any file is removed."""
    if holder not in _holders:
        _holders.append(holder)


def held(image_ids: Collection[int]) -> set[int]:
    """Those of these images whose files somebody holds; within a transaction.

    Raises NotNow, and then no file may be removed.
    """
    return {image_id for holder in _holders for image_id in holder(image_ids)}
