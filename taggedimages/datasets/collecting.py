"""The members that a release asks for, in one state of the database, and what refuses it.

`POST …/releases` judges small ones by it, and the worker builds by it, so that both say the same.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

from search.executor.blocks import Blocks
from search.results import SearchResults
from taggedimages.changes import questions
from taggedimages.changes.rights import viewer_of
from taggedimages.datasets.contracts import gate
from taggedimages.datasets.members import Member
from taggedimages.datasets.models import Release, Unready
from taggedimages.datasets.reading import Reader
from taggedimages.datasets.refusals import Refused
from taggedimages.datasets.splits import asking
from taggedimages.datasets.splits.splitter import Splitter
from taggedimages.identity.authors import Author

MEMBERS_MOST = 5_000_000
# Images that are read at a time: few are in memory, and a statement for so many is worth it.
LOT_IMAGES = 1_000
# Ids that a refusal names.
NAMED_MOST = 100


def results(release: Release, by: Author) -> SearchResults:
    """What a release asks for, as its author is shown it."""
    query = replace(questions.read(release.question), as_of=release.as_of)
    return SearchResults(query, viewer_of(by))


class Collector:
    """Goes through the members once, some thousand at a time, by their ids; then `finish` says
    what is to be told of them, or why there is to be no release."""

    def __init__(self, release: Release, by: Author) -> None:
        """Raises Refused where too many images are found, and what Splitter does."""
        self.release = release
        self.members = Blocks()
        self.unready = 0
        self._unready_named: list[int] = []
        self._splitter = _splitter(release)
        self._images = results(release, by).all_images()
        if (count := len(self._images)) > MEMBERS_MOST:
            raise Refused(
                f"A release has at most {MEMBERS_MOST:,} members; {count:,} images are found.",
                {"found": count},
            )

    @property
    def refuses(self) -> bool:
        """Whether it is clear by now that there will be no release."""
        return bool(self.unready) and self.release.unready == Unready.REFUSE

    def lots(self) -> Iterator[list[Member]]:
        """The members, ascending, in lots of LOT_IMAGES at most."""
        reader = Reader(self.release.as_of)
        images = iter(self._images)
        while lot := list(islice(images, LOT_IMAGES)):
            found = reader.read(lot)
            self._note_unready(found.unready)
            members = self._splitter.assign(found.members)
            self.members |= Blocks.of(member.id for member in members)
            yield members

    def finish(self) -> dict[str, Any]:
        """What a release tells of its splits and contracts. Raises Refused."""
        if self.refuses:
            raise Refused(
                f"{self.unready:,} images are not ready to be released: their files have not come,"
                " or were not inspected, or cannot be read.",
                {"unready": {"count": self.unready, "images": self._unready_named}},
            )
        # Before it is told that there are no members: these may be left for want of a group.
        told = self._splitter.finish()
        if not self.members.bits:
            raise Refused("No image is found that could be released.", {"found": 0})
        return {**told, "contracts": self._gated(), "excluded": self.unready}

    def remember(self) -> None:
        """Have the data set's next releases keep to this one, which is released."""
        self._splitter.remember()

    def _gated(self) -> list[dict[str, Any]]:
        """What contracts say; without samples, for what is told of a release is told for good."""
        release = self.release
        reports = gate.gate(
            release.contracts,
            self.members,
            release.as_of,
            release.waive,
            release.dataset.project_id,
        )
        for report in reports:
            for rule in report["rules"]:
                rule.pop("sample", None)
        return reports

    def _note_unready(self, images: list[int]) -> None:
        self.unready += len(images)
        self._unready_named += images[: NAMED_MOST - len(self._unready_named)]


def _splitter(release: Release) -> Splitter:
    """What gives members their groups and splits, where there are any to give."""
    splits = None if release.splits is None else asking.read(release.splits)
    # One that has no number yet is judged while its author waits.
    at_once = release.pk is None
    return Splitter(release.dataset, splits, as_of=release.as_of, at_once=at_once)
