"""Members get their groups and splits while a release is built, and what that comes to is proved.

In the transaction of the build, or of its preflight:

    splits = asking.read(release.splits) if release.splits is not None else None
    splitter = Splitter(dataset, splits, as_of=release.as_of)   # raises Refused
    for batch in batches:                                       # ascending by id
        for member in splitter.assign(batch): ...               # some may be left out
    told = splitter.finish()                                    # raises Refused
    splitter.remember()                                         # the build alone, last of all
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from taggedimages.datasets.members import Member
from taggedimages.datasets.models import Dataset
from taggedimages.datasets.splits.asking import Splits
from taggedimages.datasets.splits.assigning import hash_of
from taggedimages.datasets.splits.dividing import Division
from taggedimages.datasets.splits.groups import AMBIGUOUS, grouping

# Of a data set without groups: copies of one file at least stay together.
BY_FILE = {"sha256": True}
UNDIVIDED = {"splits": None, "proof": None, "asked": None}


class Splitter:
    """Gives the members of one release their groups, and their splits where it has any.

    Raises Refused where these shrink those of earlier releases of the data set, or move a group
    that was in one.
    """

    def __init__(
        self,
        dataset: Dataset,
        splits: Splits | None,
        *,
        as_of: datetime | None = None,
        at_once: bool = False,
    ) -> None:
        """`at_once`: somebody waits for it, so that what may take longer is left to the build."""
        self._salt = bytes(dataset.salt)
        self._is_grouped = dataset.group is not None
        self._grouping = grouping(BY_FILE if dataset.group is None else dataset.group, as_of)
        self._division = None if splits is None else Division(dataset, splits, at_once=at_once)

    def assign(self, members: Sequence[Member]) -> list[Member]:
        """The members of a batch with their groups and splits, in their order, without those that
        are left out for want of a group. Up to two statements."""
        if self._division is None and not self._is_grouped:
            return list(members)
        groups = self._grouping(members)
        if self._division is None:
            return [self._in_group(member, groups.get(member.id)) for member in members]
        groups = self._division.complete(groups, members)
        hashes = {image: hash_of(self._salt, group) for image, group in groups.items()}
        return self._division.divide(members, hashes, is_shown=self._is_grouped)

    def finish(self) -> dict[str, Any]:
        """What there is to tell of all members that were assigned, as JSON:

        `splits`: images, groups, effective groups and tags of each split;
        `proof`: what was looked for, and found, across their borders;
        `asked`: the splits as they were asked for, with groups by their hashes alone;
        each of them None without splits.

        Raises Refused with `missing`, `ambiguous`, `crossing`, `moved` or `near` in its details.
        """
        if self._division is None:
            return UNDIVIDED
        return self._division.finish()

    def remember(self) -> None:
        """Have the data set's next releases keep to this one."""
        if self._division is not None:
            self._division.remember()

    def _in_group(self, member: Member, group: str | None) -> Member:
        if group is None or group == AMBIGUOUS:
            return member
        return member._replace(group=hash_of(self._salt, group).hex())
