"""Groups that go to a split whatever their hashes say, such as those of an external test set.

Who pins a group writes it as its source has it, or by the hash that a line shows.
"""

import re
from collections.abc import Collection, Iterable, Mapping

from taggedimages.datasets.refusals import Refused
from taggedimages.datasets.splits.asking import Split
from taggedimages.datasets.splits.assigning import hash_of

HASH = re.compile("[0-9a-f]{32}")


def by_hash(salt: bytes, asked: Mapping[str, Split]) -> dict[bytes, Split]:
    """Where the groups go, by all hashes that may be meant: two of a text that looks like one
    itself. Raises Refused where one is to go to two splits."""
    pins: dict[bytes, Split] = {}
    for pinned, split in asked.items():
        for group in _readings(salt, pinned):
            if pins.setdefault(group, split) != split:
                raise Refused(
                    "A group is pinned to two splits, once by its hash.",
                    {"pins": {"count": 1, "sample": [{"group": group.hex()}]}},
                )
    return pins


def unmeant(salt: bytes, asked: Iterable[str], found: Collection[bytes]) -> set[bytes]:
    """Of texts that look like a hash, the reading by which no group was found; the text's own hash
    where none was by either."""
    dropped: set[bytes] = set()
    for pinned in asked:
        as_group, *as_hash = _readings(salt, pinned)
        if as_hash:
            absent = {as_group, *as_hash} - set(found)
            dropped |= absent if len(absent) < 2 else {as_group}
    return dropped


def told(pins: Mapping[bytes, Split]) -> dict[str, list[str]]:
    """The same as a statement tells it: groups by their hashes alone, for their texts are nobody's
    business."""
    said: dict[str, list[str]] = {}
    for group, split in sorted(pins.items()):
        said.setdefault(split.value, []).append(group.hex())
    return said


def _readings(salt: bytes, pinned: str) -> list[bytes]:
    as_group = hash_of(salt, pinned)
    return [as_group, bytes.fromhex(pinned)] if HASH.fullmatch(pinned) else [as_group]
