"""Who would be in another split than in an earlier release of the data set."""

from collections.abc import Iterator, Mapping

from search.executor.blocks import Blocks
from taggedimages.datasets.splits.asking import Split
from taggedimages.datasets.splits.assigning import bucket_of, split_of
from taggedimages.datasets.splits.history import Earlier, Pins
from taggedimages.datasets.splits.proving import Counted


class Moves:
    """Looks for images that move: as a growing split takes them from `train`, which may be, or
    since they have another group than they had, which may not."""

    def __init__(self, earlier: Earlier | None, pins: Pins) -> None:
        self._earlier, self._pins = earlier, pins
        self.moved = Counted()
        self.from_train = 0

    def look(self, now: Mapping[Split, Blocks], groups: Mapping[int, bytes]) -> None:
        """At some images, each in one split, with the hashes of their groups."""
        if self._earlier is None:
            return
        for was, image in _elsewhere(self._earlier, now):
            if was == Split.TRAIN and self._is_taken(self._earlier, groups[image]):
                self.from_train += 1
            else:
                self.moved.add(image)

    def _is_taken(self, earlier: Earlier, group: bytes) -> bool:
        """Whether a growing split has taken a group: it was in `train` by the first shares, which
        were the smallest."""
        return group not in self._pins and split_of(bucket_of(group), earlier.first) == Split.TRAIN


def _elsewhere(earlier: Earlier, now: Mapping[Split, Blocks]) -> Iterator[tuple[Split, int]]:
    for was in Split:
        for split in Split:
            if split != was:
                for image in earlier.images[was] & now[split]:
                    yield was, image
