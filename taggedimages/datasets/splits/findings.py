"""What is found of members as they are divided: whether that may be, and what there is to tell."""

from collections.abc import Mapping, Sequence
from typing import Any

from search.executor.blocks import Blocks
from taggedimages.datasets.members import Member
from taggedimages.datasets.refusals import Refused
from taggedimages.datasets.splits.asking import Missing, Near, Split, Splits
from taggedimages.datasets.splits.moves import Moves
from taggedimages.datasets.splits.near import MAX_AT_ONCE, MAX_COMPARISONS, Comparison
from taggedimages.datasets.splits.proving import (
    Copies,
    Counted,
    GroupSizes,
    Sizes,
    Tags,
    facts_of,
)

# In the order in which people name them.
TOLD = (Split.TRAIN, Split.VALIDATION, Split.TEST)
WHY = {
    "missing": "Images without a group",
    "ambiguous": "Images with two values as their group",
    "crossing": "Images that are copies of one in another split",
    "groups": "Groups in two splits",
    "moved": "Images that were in another split in an earlier release",
}


class Findings:
    """All that is noted of the members of one release."""

    def __init__(self, asked: Splits, moves: Moves, *, at_once: bool) -> None:
        self.without_group, self.ambiguous = Counted(), Counted()
        self.images = {split: Blocks() for split in Split}
        self._asked, self._moves = asked, moves
        self._sizes, self._copies, self._tags = GroupSizes(), Copies(), Tags()
        self._near = _comparison(asked.near, at_once) if asked.near else None
        self._at_once = at_once

    def note(
        self, members: Sequence[Member], splits: Sequence[Split], groups: Mapping[int, bytes]
    ) -> None:
        """Some members, each with its split, and their groups by id. One statement."""
        facts = facts_of(members)
        lots: dict[Split, list[int]] = {split: [] for split in Split}
        for member, split in zip(members, splits, strict=True):
            fingerprint, has_copy = facts[member.id]
            lots[split].append(member.id)
            self._sizes.add(groups[member.id], split)
            self._tags.add(member.tags, split)
            if has_copy:
                self._copies.add(member, split)
            if self._near and fingerprint is not None:
                self._near.add(member.id, fingerprint, split)
        now = {split: Blocks.of(images) for split, images in lots.items()}
        self._moves.look(now, groups)
        for split, images in now.items():
            self.images[split] |= images

    def told(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What each split consists of, and what is proved of their borders. Raises Refused."""
        sizes, groups_crossing = self._sizes.counted()
        self._refuse(groups_crossing)
        if self._near and self._asked.near:
            self._near.look()
            # Where it took too long while somebody waits, the worker tells.
            if not (self._at_once and self._near.is_truncated):
                _refuse_alike(self._asked.near, self._near)
        return self._of_each(sizes), self._proof(groups_crossing)

    def _refuse(self, groups_crossing: int) -> None:
        missing = self._asked.missing
        found = {
            "missing": self.without_group if missing == Missing.REFUSE else Counted(),
            "ambiguous": self.ambiguous if missing != Missing.EXCLUDE else Counted(),
            "crossing": self._copies.crossing,
            "groups": Counted(groups_crossing),
            "moved": self._moves.moved,
        }
        if wrong := {name: counted for name, counted in found.items() if counted.count}:
            said = "; ".join(f"{WHY[name]}: {counted.count:,}" for name, counted in wrong.items())
            raise Refused(f"{said}.", {name: counted.told() for name, counted in wrong.items()})

    def _of_each(self, sizes: Mapping[Split, Sizes]) -> dict[str, Any]:
        tags = self._tags.most_frequent()
        return {
            split.value: {
                "images": sizes[split].images,
                "groups": sizes[split].groups,
                "effective_groups": sizes[split].effective_groups,
                "tags": tags[split],
            }
            for split in TOLD
        }

    def _proof(self, groups_crossing: int) -> dict[str, Any]:
        left_out = self.without_group.count + self.ambiguous.count
        return {
            "groups_in_two_splits": groups_crossing,
            "files_in_two_splits": self._copies.crossing.count,
            "copies_within_splits": self._copies.within,
            "without_group": self.without_group.count,
            "left_out": left_out if self._asked.missing == Missing.EXCLUDE else 0,
            "moved_from_train": self._moves.from_train,
            "near": self._near.told() if self._near else None,
        }


def _comparison(asked: Near, at_once: bool) -> Comparison | None:
    """What compares fingerprints; nothing while somebody waits to whom it makes no difference."""
    if at_once and asked.max_pairs is None:
        return None
    return Comparison(asked.distance, MAX_AT_ONCE if at_once else MAX_COMPARISONS)


def _refuse_alike(asked: Near, found: Comparison) -> None:
    """Raise Refused where more pairs look alike than may, or that cannot be told."""
    if asked.max_pairs is None:
        return
    if found.pairs > asked.max_pairs:
        why = f"Pairs in two splits that look alike: {found.pairs:,}; {asked.max_pairs:,} may."
    elif found.is_truncated:
        why = (
            "Too many pictures look alike to compare all of them, so that it cannot be told whether"
            f" more than {asked.max_pairs:,} pairs in two splits do."
        )
    else:
        return
    raise Refused(why, {"near": found.told()})
