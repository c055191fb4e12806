"""Pictures that look alike across the borders of splits, by their fingerprints of 64 bits.

Each protected split is compared with all that are protected less. Fingerprints within a distance
differ little in at least one of their four parts of 16 bits (TOLERANCES), so it is enough to look
at those that share, or nearly share, such a part. Where very many share one, as radiographs may,
some of them are passed over, and `is_truncated` says so.

Only the worker, and a preflight that is asked for it, load numpy.
"""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

from images.models import BAND_BITS, BANDS
from taggedimages.datasets.splits.asking import MAX_DISTANCE, Split

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ORDER = tuple(Split)
CODES = {split: code for code, split in enumerate(ORDER)}
# Fingerprints of one part that are compared with; and comparisons in all: about a minute, and,
# where somebody waits for it, two seconds.
MAX_SHARING = 5_000
MAX_COMPARISONS, MAX_AT_ONCE = 1_000_000_000, 30_000_000
# Comparisons whose figures are in memory at a time, 30 bytes each.
STEP = 250_000
SAMPLE = 20


def _tolerances(distance: int) -> tuple[int, ...]:
    """How many bits each part may differ by: were all to differ by more, that would be more than
    the distance in all.

    >>> _tolerances(3), _tolerances(4), _tolerances(10)
    ((0, 0, 0, 0), (1, 0, 0, 0), (2, 2, 2, 1))
    """
    spare = distance + 1 - BANDS
    return tuple(max(0, (spare + BANDS - 1 - part) // BANDS) for part in range(BANDS))


TOLERANCES = [_tolerances(distance) for distance in range(MAX_DISTANCE + 1)]


class Pair(NamedTuple):
    """Two images in two splits, and how many bits their fingerprints differ by."""

    distance: int
    images: tuple[int, int]
    splits: tuple[Split, Split]


@dataclass
class Comparison:
    """Fingerprints are added, then looked at; 17 bytes of memory for each, and three times that
    while looking."""

    distance: int
    # Comparisons that may yet be made.
    left: int
    pairs: int = 0
    is_truncated: bool = False
    # The nearest pairs.
    sample: list[Pair] = field(default_factory=list)
    _fingerprints: "array[int]" = field(default_factory=lambda: array("q"))
    _images: "array[int]" = field(default_factory=lambda: array("q"))
    _codes: bytearray = field(default_factory=bytearray)

    def add(self, image: int, fingerprint: int, split: Split) -> None:
        """An image; each once, in ascending order of their ids."""
        self._images.append(image)
        self._fingerprints.append(fingerprint)
        self._codes.append(CODES[split])

    def look(self) -> None:
        """Find the pairs. Of a million fingerprints within 7 bits, some ten seconds."""
        import numpy as np

        prints = np.frombuffer(self._fingerprints, np.uint64)
        codes = np.frombuffer(self._codes, np.uint8)
        # Bit n: whether the fingerprint is among those that its part n is compared with.
        listed = np.zeros(len(prints), np.uint8)
        asking = np.flatnonzero(codes < CODES[Split.TRAIN]).astype(np.int32)
        for part, tolerance in enumerate(TOLERANCES[self.distance]):
            sharing = _Sharing(_part(prints, part))
            listed[sharing.listed()] |= np.uint8(1 << part)
            for mask in _masks(tolerance):
                for left, right in sharing.pairs(asking, mask, self):
                    self._keep(left, right, prints, codes, listed, part)

    def told(self) -> dict[str, Any]:
        """What was found, as JSON."""
        return {
            "distance": self.distance,
            "pairs": self.pairs,
            "truncated": self.is_truncated,
            "sample": [
                {
                    "images": list(pair.images),
                    "splits": [split.value for split in pair.splits],
                    "distance": pair.distance,
                }
                for pair in self.sample
            ],
        }

    def take(self, most: int) -> int:
        """So many comparisons of those that are left, or as many as are."""
        taken = min(most, self.left)
        self.left -= taken
        self.is_truncated |= taken < most
        return taken

    def _keep(
        self,
        left: "NDArray[Any]",
        right: "NDArray[Any]",
        prints: "NDArray[Any]",
        codes: "NDArray[Any]",
        listed: "NDArray[Any]",
        part: int,
    ) -> None:
        """Count those that are near, from a protected split to one that is less, and that no
        earlier part has found."""
        import numpy as np

        differing = prints[left] ^ prints[right]
        near = np.bitwise_count(differing) <= self.distance
        near &= codes[left] < codes[right]
        left, right, differing = left[near], right[near], differing[near]
        fresh = np.ones(len(left), np.bool_)
        for earlier, tolerance in enumerate(TOLERANCES[self.distance][:part]):
            found = np.bitwise_count(_part(differing, earlier)) <= tolerance
            fresh &= ~(found & (listed[right] >> earlier & 1).astype(np.bool_))
        self.pairs += int(fresh.sum())
        self._show(left[fresh], right[fresh], np.bitwise_count(differing[fresh]))

    def _show(self, left: "NDArray[Any]", right: "NDArray[Any]", distances: "NDArray[Any]") -> None:
        """Keep the nearest as the sample."""
        import numpy as np

        nearest = np.lexsort((right, left, distances))[:SAMPLE]
        for one, other, distance in zip(
            left[nearest].tolist(), right[nearest].tolist(), distances[nearest].tolist(),
            strict=True,
        ):  # fmt: skip
            images = (self._images[one], self._images[other])
            splits = (ORDER[self._codes[one]], ORDER[self._codes[other]])
            self.sample.append(Pair(distance, images, splits))
        self.sample = sorted(self.sample)[:SAMPLE]


class _Sharing:
    """Which of some fingerprints have the same value of one part, by that value."""

    def __init__(self, values: "NDArray[np.uint16]") -> None:
        import numpy as np

        self.values = values
        # Stable, so that the lowest ids come first.
        self.order = np.argsort(values, kind="stable").astype(np.int32)
        self.counts = np.bincount(values, minlength=1 << BAND_BITS)
        self.starts = np.cumsum(self.counts) - self.counts
        self.looked_at = np.minimum(self.counts, MAX_SHARING)

    def listed(self) -> "NDArray[Any]":
        """Places of those that are compared with."""
        import numpy as np

        rank = np.arange(len(self.order)) - self.starts[self.values[self.order]]
        return self.order[rank < MAX_SHARING]

    def pairs(
        self, asking: "NDArray[Any]", mask: int, comparison: Comparison
    ) -> Iterator[tuple["NDArray[Any]", "NDArray[Any]"]]:
        """Pairs of places: those that ask, each with all that have its part but for a mask."""
        import numpy as np

        wanted = self.values[asking] ^ np.uint16(mask)
        counts = self.looked_at[wanted]
        comparison.is_truncated |= bool((self.counts[wanted] > counts).any())
        ends = np.cumsum(counts)
        first = 0
        while first < len(asking):
            before = ends[first - 1] if first else 0
            last = int(np.searchsorted(ends, before + STEP, side="right"))
            last = max(last, first + 1)
            some = slice(first, last)
            if comparison.take(int(ends[last - 1] - before)) < ends[last - 1] - before:
                return
            yield self._spread(asking[some], self.starts[wanted[some]], counts[some])
            first = last

    def _spread(
        self, asking: "NDArray[Any]", starts: "NDArray[Any]", counts: "NDArray[Any]"
    ) -> tuple["NDArray[Any]", "NDArray[Any]"]:
        import numpy as np

        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return np.repeat(asking, counts), self.order[np.repeat(starts, counts) + within]


def _part(prints: "NDArray[Any]", part: int) -> "NDArray[np.uint16]":
    import numpy as np

    return (prints >> np.uint64(part * BAND_BITS)).astype(np.uint16)


def _masks(tolerance: int) -> Iterator[int]:
    """All differences of a part by so many bits at most."""
    for count in range(tolerance + 1):
        for bits in combinations(range(BAND_BITS), count):
            yield sum(1 << bit for bit in bits)
