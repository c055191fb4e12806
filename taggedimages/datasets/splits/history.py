"""What earlier releases of a data set bind the next one to, so that nobody ever moves.

Whoever was in `test` or `validation` stays there; these grow by what was in `train`, and never
shrink; pins are carried over. Retired releases count too: what was trained on them is still there.
"""

import re
import zlib
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from django.db import connection
from django.db.models import QuerySet

from search.executor.blocks import Blocks
from taggedimages.datasets.models import Chunk, Dataset, ReleaseState
from taggedimages.datasets.refusals import Refused
from taggedimages.datasets.splits.asking import BUCKETS, Split, per_cent
from taggedimages.datasets.splits.assigning import hash_of
from taggedimages.datasets.splits.models import SplitHistory, SplitSet

Shares = Mapping[Split, int]
# Hashes of groups, 16 bytes, and where they go whatever their buckets say.
Pins = Mapping[bytes, Split]

# That are read while somebody waits, some three hundredths of a second each.
CHUNKS_AT_ONCE = 30
PROTECTED = (Split.TEST, Split.VALIDATION)
# Of the lines of a chunk. Within the texts of a line a quotation mark has a backslash before it, so
# that none of them looks like a key.
GROUP_IN_LINE = re.compile(rb'"group":"([0-9a-f]{32})"[^\n]*?"split":"([a-z]+)"')
FILE_IN_LINE = re.compile(rb'"sha256":"([0-9a-f]{64})","split":"([a-z]+)"')

ADD = """
INSERT INTO datasets_splitset (dataset_id, split, block, bits)
SELECT %s, %s, block, bits::bit(8192) FROM unnest(%s::int[], %s::text[]) a (block, bits)
ORDER BY block
ON CONFLICT (dataset_id, split, block) DO UPDATE SET bits = datasets_splitset.bits | EXCLUDED.bits
"""


class Earlier(NamedTuple):
    """All earlier releases of a data set that were divided."""

    first: Shares
    shares: Shares
    pins: Pins
    # Each image at one place: the most protected one where it ever was.
    images: Mapping[Split, Blocks]


def of(dataset: Dataset) -> Earlier | None:
    """What binds the next release of a data set; None where nothing does. Two statements."""
    row = SplitHistory.objects.filter(dataset=dataset).first()
    if row is None:
        return None
    return Earlier(
        _shares(row.first_test, row.first_validation),
        _shares(row.test, row.validation),
        {bytes.fromhex(group): Split(split) for group, split in row.pins.items()},
        _images(dataset),
    )


def refuse_shrinking(earlier: Earlier, shares: Shares) -> None:
    """Raises Refused where a protected split is asked to be smaller than it was."""
    shrinking = {
        split.value: {
            "earlier": per_cent(earlier.shares[split]),
            "asked": per_cent(shares[split]),
        }
        for split in PROTECTED
        if shares[split] < earlier.shares[split]
    }
    if shrinking:
        raise Refused(
            "Who was in test or validation in an earlier release would come into train: "
            "neither may be smaller than it was.",
            {"shrinking": shrinking},
        )


def refuse_moving(dataset: Dataset, earlier: Earlier, pins: Pins, *, at_once: bool) -> None:
    """Raises Refused where a group is pinned elsewhere than it is pinned, or was, in a release.

    For groups that were not pinned before it reads the lines of all earlier releases, some three
    seconds a million; `at_once` not where these are very many.
    """
    moved = {
        group: earlier.pins[group]
        for group, split in pins.items()
        if earlier.pins.get(group, split) != split
    }
    new = pins.keys() - earlier.pins.keys()
    chunks = _chunks(dataset)
    if new and not (at_once and chunks.count() > CHUNKS_AT_ONCE):
        for group, split in _in_lines(dataset, chunks, new):
            if pins[group] != split:
                moved[group] = split
    if moved:
        sample = [
            {"group": group.hex(), "earlier": was.value, "asked": pins[group].value}
            for group, was in list(moved.items())[:100]
        ]
        raise Refused(
            f"Pinned groups that were in another split in an earlier release: {len(moved):,}.",
            {"pins": {"count": len(moved), "sample": sample}},
        )


def remember(dataset: Dataset, shares: Shares, pins: Pins, images: Mapping[Split, Blocks]) -> None:
    """Bind the next releases to one that is being made, in its transaction."""
    known = {group.hex(): split.value for group, split in pins.items()}
    first = {"first_test": shares[Split.TEST], "first_validation": shares[Split.VALIDATION]}
    latest = {"test": shares[Split.TEST], "validation": shares[Split.VALIDATION], "pins": known}
    SplitHistory.objects.update_or_create(
        dataset=dataset, defaults=latest, create_defaults=first | latest
    )
    with connection.cursor() as cursor:
        for split, blocks in images.items():
            rows = blocks.rows()
            numbers, bits = [block for block, _ in rows], [text for _, text in rows]
            cursor.execute(ADD, [dataset.pk, split.value, numbers, bits])


def _shares(test: int, validation: int) -> dict[Split, int]:
    train = BUCKETS - test - validation
    return {Split.TEST: test, Split.VALIDATION: validation, Split.TRAIN: train}


def _images(dataset: Dataset) -> dict[Split, Blocks]:
    found: dict[Split, Blocks] = {}
    protected = Blocks()
    for split in Split:
        rows = SplitSet.objects.filter(dataset=dataset, split=split).order_by("block")
        found[split] = Blocks.read(rows.values_list("block", "bits")) - protected
        protected |= found[split]
    return found


def _chunks(dataset: Dataset) -> QuerySet[Chunk]:
    """Of all releases that were divided."""
    kept = (ReleaseState.RELEASED, ReleaseState.RETIRED)
    return Chunk.objects.filter(
        release__dataset=dataset, release__state__in=kept, release__splits__isnull=False
    )


def _in_lines(
    dataset: Dataset, chunks: QuerySet[Chunk], groups: Iterable[bytes]
) -> Iterable[tuple[bytes, Split]]:
    """Those of some groups that are in chunks, with their splits, more than once each."""
    wanted = set(groups)
    for packed in chunks.values_list("lines", flat=True).iterator(chunk_size=1):
        for group, split in _hashes(dataset, zlib.decompress(packed)):
            if group in wanted:
                yield group, Split(split.decode())


def _hashes(dataset: Dataset, lines: bytes) -> Iterable[tuple[bytes, bytes]]:
    """The groups of some lines with their splits; of files where a data set has no groups."""
    if dataset.group is not None:
        for found in GROUP_IN_LINE.finditer(lines):
            yield bytes.fromhex(found[1].decode()), found[2]
        return
    salt = bytes(dataset.salt)
    for found in FILE_IN_LINE.finditer(lines):
        yield hash_of(salt, found[1].decode()), found[2]
