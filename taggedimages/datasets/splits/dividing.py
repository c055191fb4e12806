"""The division of one release: who is in which split, by pins and by hashes."""

from collections.abc import Mapping, Sequence
from typing import Any

from taggedimages.datasets.members import Member
from taggedimages.datasets.models import Dataset
from taggedimages.datasets.splits import history, pinning
from taggedimages.datasets.splits.asking import Missing, Split, Splits, per_cent
from taggedimages.datasets.splits.assigning import bucket_of, split_of
from taggedimages.datasets.splits.findings import Findings
from taggedimages.datasets.splits.groups import AMBIGUOUS
from taggedimages.datasets.splits.moves import Moves


class Division:
    """Puts members into splits, and has it noted what comes of that.

    Raises Refused where the splits shrink those of earlier releases, or move a pinned group.
    """

    def __init__(self, dataset: Dataset, asked: Splits, *, at_once: bool) -> None:
        self.dataset, self.asked = dataset, asked
        pinned = pinning.by_hash(bytes(dataset.salt), asked.pins)
        earlier = history.of(dataset)
        if earlier is not None:
            history.refuse_shrinking(earlier, asked.shares)
            history.refuse_moving(dataset, earlier, pinned, at_once=at_once)
        self._pins = {**(earlier.pins if earlier else {}), **pinned}
        self._pinned_found: set[bytes] = set()
        self._findings = Findings(asked, Moves(earlier, self._pins), at_once=at_once)

    def complete(self, groups: dict[int, str], members: Sequence[Member]) -> dict[int, str]:
        """The groups of those members that will have one."""
        for member in members:
            group = groups.get(member.id)
            if group is None:
                self._findings.without_group.add(member.id)
                if self.asked.missing == Missing.OWN:
                    groups[member.id] = member.sha256
            elif group == AMBIGUOUS:
                self._findings.ambiguous.add(member.id)
                del groups[member.id]
        return groups

    def divide(
        self, members: Sequence[Member], groups: Mapping[int, bytes], *, is_shown: bool
    ) -> list[Member]:
        """The members that have a group, with its hash where that is shown, and with their splits.
        One statement."""
        divided, splits = [], []
        for member in members:
            if (group := groups.get(member.id)) is not None:
                split = self._split(group)
                splits.append(split)
                shown = group.hex() if is_shown else None
                divided.append(member._replace(group=shown, split=split.value))
        self._findings.note(divided, splits, groups)
        return divided

    def finish(self) -> dict[str, Any]:
        """What is told of the splits (`Splitter.finish`). Raises Refused."""
        splits, proof = self._findings.told()
        proof["pinned_groups_found"] = len(self._pinned_found)
        return {"splits": splits, "proof": proof, "asked": self._told_of_asked()}

    def remember(self) -> None:
        """Bind the data set's next releases to this one."""
        shares, images = self.asked.shares, self._findings.images
        history.remember(self.dataset, shares, self._settled_pins, images)

    def _split(self, group: bytes) -> Split:
        pinned = self._pins.get(group)
        if pinned is None:
            return split_of(bucket_of(group), self.asked.shares)
        self._pinned_found.add(group)
        return pinned

    def _told_of_asked(self) -> dict[str, Any]:
        return {
            "ratios": {split.value: per_cent(share) for split, share in self.asked.shares.items()},
            "missing": self.asked.missing.value,
            "pins": pinning.told(self._settled_pins),
            "near": self.asked.near._asdict() if self.asked.near else None,
        }

    @property
    def _settled_pins(self) -> dict[bytes, Split]:
        """The pins, without readings that nothing was found by."""
        salt = bytes(self.dataset.salt)
        dropped = pinning.unmeant(salt, self.asked.pins, self._pinned_found)
        return {group: split for group, split in self._pins.items() if group not in dropped}
