"""What is asked of the splits of a release, read from JSON (contract of releases, splits)."""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from itertools import chain
from typing import Any, NamedTuple

from taggedimages.postgresql.text import is_storable

# In one table of 10,000 buckets a per cent is 100 of them, and two decimals are exact.
BUCKETS = 10_000
BUCKETS_OF_PER_CENT = 100

# The longest text of a group, and how many groups a release may pin.
MAX_GROUP = 255
MAX_PINS = 10_000
# Fingerprints that differ by more bits are of pictures that don't look alike.
MAX_DISTANCE = 10
MAX_PAIRS = 2**53


class Split(StrEnum):
    """The parts of a release, in the order in which they are protected from those after them."""

    TEST = "test"
    VALIDATION = "validation"
    TRAIN = "train"


class Missing(StrEnum):
    """What becomes of images without a group: the release is refused, they are left out of it, or
    each file is a group of its own."""

    REFUSE = "refuse"
    EXCLUDE = "exclude"
    OWN = "own"


class Near(NamedTuple):
    """Which pictures look too much alike: fingerprints that differ by at most `distance` bits, and
    how many such pairs may be in two splits; None for any number."""

    distance: int
    max_pairs: int | None = None


class Splits(NamedTuple):
    """How members are divided."""

    # Buckets of each split; all together are BUCKETS.
    shares: Mapping[Split, int]
    missing: Missing = Missing.REFUSE
    # Where groups go whatever their buckets say, by what a line or a group's source says of them.
    pins: Mapping[str, Split] = {}
    near: Near | None = None


class BadSplits(ValueError):
    """The splits contradict themselves, or name what there is not."""


def read(asked: Any) -> Splits:
    """The splits that `{"ratios", "missing", "pins", "near"}` ask for. Raises BadSplits."""
    _object("splits", asked, {"ratios", "missing", "pins", "near"})
    if "ratios" not in asked:
        raise BadSplits("ratios: This is needed, such as {'train': 80, 'test': 20}.")
    return Splits(
        _shares(asked["ratios"]),
        _missing(asked.get("missing", Missing.REFUSE)),
        _pins(asked.get("pins", {})),
        _near(asked["near"]) if asked.get("near") is not None else None,
    )


def per_cent(share: int) -> int | float:
    """A share as its ratio is written.

    >>> per_cent(8_000), per_cent(3_333)
    (80, 33.33)
    """
    whole, rest = divmod(share, BUCKETS_OF_PER_CENT)
    return share / BUCKETS_OF_PER_CENT if rest else whole


def _shares(ratios: Any) -> dict[Split, int]:
    _object("ratios", ratios, set(Split))
    shares = {split: _share(split, ratios.get(split, 0)) for split in Split}
    if (total := sum(shares.values())) != BUCKETS:
        raise BadSplits(f"ratios: They sum up to {total / BUCKETS_OF_PER_CENT:g}, not to 100.")
    return shares


def _share(split: Split, ratio: Any) -> int:
    """The buckets of so many per cent."""
    if not _is_number(ratio) or not 0 <= ratio <= 100:
        raise BadSplits(f"ratios.{split}: Must be a number from 0 to 100.")
    # By its digits: 33.33 is no exact float.
    share = Decimal(str(ratio)) * BUCKETS_OF_PER_CENT
    if share != int(share):
        raise BadSplits(f"ratios.{split}: At most two decimals.")
    return int(share)


def _missing(asked: Any) -> Missing:
    if not isinstance(asked, str) or asked not in set(Missing):
        raise BadSplits(f"missing: Must be one of: {', '.join(Missing)}.")
    return Missing(asked)


def _pins(asked: Any) -> dict[str, Split]:
    _object("pins", asked, set(Split))
    if not all(isinstance(groups, list) for groups in asked.values()):
        raise BadSplits("pins: Each split has a list of groups.")
    if sum(map(len, asked.values())) > MAX_PINS:
        raise BadSplits(f"pins: At most {MAX_PINS} groups.")
    if not all(map(_is_group, chain.from_iterable(asked.values()))):
        raise BadSplits(f"pins: A group is a text of 1 to {MAX_GROUP} characters.")
    pins: dict[str, Split] = {}
    for split, groups in asked.items():
        for group in groups:
            if pins.setdefault(group, Split(split)) != split:
                raise BadSplits(f"pins: {group!r} is in two splits.")
    return pins


def _near(asked: Any) -> Near:
    _object("near", asked, {"distance", "max_pairs"})
    distance, max_pairs = asked.get("distance"), asked.get("max_pairs")
    if not _is_whole(distance) or not 0 <= distance <= MAX_DISTANCE:
        raise BadSplits(f"near.distance: Must be a whole number from 0 to {MAX_DISTANCE}.")
    if max_pairs is not None and not (_is_whole(max_pairs) and 0 <= max_pairs <= MAX_PAIRS):
        raise BadSplits("near.max_pairs: Must be a whole number from 0, or null.")
    return Near(distance, max_pairs)


def _object(name: str, asked: Any, known: set[Any]) -> None:
    if not isinstance(asked, Mapping):
        raise BadSplits(f"{name}: Must be an object.")
    if unknown := sorted(str(key) for key in asked.keys() - known):
        raise BadSplits(f"{name}: {unknown[0]!r} is not known here.")


def _is_group(asked: Any) -> bool:
    return isinstance(asked, str) and 0 < len(asked) <= MAX_GROUP and is_storable(asked)


def _is_number(asked: Any) -> bool:
    return isinstance(asked, int | float) and not isinstance(asked, bool)


def _is_whole(asked: Any) -> bool:
    return isinstance(asked, int) and not isinstance(asked, bool)
