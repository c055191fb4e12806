"""Whether a release is still what it was: its lines by its digests, these by its signature, and the
files of its members by what the store says of them, or by their bytes.

It goes chunk by chunk, and within one by lots of files, so that a request does as much as it has
time for, and says after which member to go on.
"""

import time
import zlib
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.db import connection

from search.index.bits import block_of, is_set
from taggedimages.datasets import chunks, files, signing
from taggedimages.datasets.files import File, Wrong
from taggedimages.datasets.lines import LEAF_BYTES, chunk_digest, leaf, release_digest
from taggedimages.datasets.models import Chunk, Erasure, Release, ReleaseState
from taggedimages.datasets.snapshots import one_state
from taggedimages.postgresql.bulk import array
from taggedimages.postgresql.fragments import statement

# Requests to the store at a time, for which boto3 keeps connections.
AT_ONCE = 8
# Files of a lot: all of a chunk, unless time is short, or they are read.
LOT, SHORT_LOT = 10_000, 250
# Ids of each kind that are told, and other problems.
NAMED_MOST = 100
UNHELD = statement(
    """
SELECT id FROM unnest(%s::bigint[]) AS listed (id)
WHERE NOT EXISTS (
    SELECT FROM datasets_set s WHERE s.release_id = %s AND s.block = {block} AND {is_member}
)
ORDER BY id
""",
    block=block_of("listed.id"),
    is_member=is_set("s.bits", "listed.id"),
)


@dataclass
class Named:
    """How many images there are of a kind, and the first of them by their ids."""

    count: int = 0
    images: list[int] = field(default_factory=list)

    def add(self, image_id: int) -> None:
        """One more."""
        self.count += 1
        if len(self.images) < NAMED_MOST:
            self.images.append(image_id)


@dataclass
class Verified:
    """What a look at a release found: how many members it was at, and what differs.

    `erased` and `gone` are as they should be: lines that are withheld for good, and files that a
    retired release holds no longer. `after` is the last member that was looked at, where others are
    left.
    """

    members: int = 0
    erased: int = 0
    gone: Named = field(default_factory=Named)
    missing: Named = field(default_factory=Named)
    changed: Named = field(default_factory=Named)
    problems: list[str] = field(default_factory=list)
    after: int | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing differs."""
        return not (self.missing.count or self.changed.count or self.problems)

    def add_problem(self, text: str) -> None:
        """Something that is wrong with lines, digests or the signature."""
        if len(self.problems) < NAMED_MOST:
            self.problems.append(text)


@dataclass
class _Member:
    """A member by its line: its file, or None where the line is withheld."""

    image_id: int
    file: File | None


def verify(
    release: Release,
    *,
    deep: bool = False,
    after: int = 0,
    seconds: float | None = None,
    at_once: int = AT_ONCE,
) -> Verified:
    """Look at a release that stands, or stood, from the first member beyond `after` on.

    `deep` reads all bytes. Within `seconds` at least one lot of files is looked at, and without,
    all are; so many requests to the store are made `at_once`. Raises storage.StorageUnavailable.
    """
    ends_at = None if seconds is None else time.monotonic() + seconds
    size = at_once if deep else LOT if seconds is None else SHORT_LOT
    found = Verified()
    erased_before, bytes_seen, last = _now(release).erased, 0, after
    digests = _signed_digests(release, found)
    for number in _numbers(release, digests, after, found):
        members = [one for one in _members(release, number, digests, found) if one.image_id > after]
        for lot in (members[at : at + size] for at in range(0, len(members), size)):
            if ends_at is not None and found.members and time.monotonic() >= ends_at:
                found.after = last
                return found
            listed = [member.file for member in lot if member.file]
            _look_at(release, listed, found, deep=deep, at_once=at_once)
            bytes_seen += sum(file.bytes for file in listed)
            found.members += len(lot)
            found.erased += len(lot) - len(listed)
            last = lot[-1].image_id
    if not after:
        _check_totals(release, erased_before, bytes_seen, found)
    return found


def _now(release: Release) -> Release:
    return Release.objects.get(pk=release.pk)


def _signed_digests(release: Release, found: Verified) -> list[str]:
    """The digests of the chunks, in hex, as they are signed; what is wrong with the signature, or
    with what is said beside it, is noted."""
    try:
        signed = signing.verified(release.signature)
    except signing.BadSignature as error:
        found.add_problem(str(error))
        signed = release.statement.encode()
    if signed != release.statement.encode():
        found.add_problem("The statement is not the one that is signed.")
    said: dict[str, Any] = orjson.loads(signed)
    digests: list[str] = said["chunks"]
    shown = {
        "dataset": release.dataset.name,
        "version": release.number,
        "digest": release.digest,
        "members": release.members,
        "bytes": release.bytes,
    }
    for name, value in shown.items():
        if said[name] != value:
            found.add_problem(f"Its {name} is shown as {value}, and {said[name]} is signed.")
    if release_digest(map(bytes.fromhex, digests)) != said["digest"]:
        found.add_problem("The digest is not that of the chunks that are signed.")
    return digests


def _numbers(release: Release, digests: list[str], after: int, found: Verified) -> list[int]:
    """The chunks with members beyond an id."""
    kept = Chunk.objects.filter(release=release).order_by("number")
    numbers = list(kept.filter(last_image__gt=after).values_list("number", flat=True))
    if not after and numbers != list(range(len(digests))):
        found.add_problem(f"It has {len(numbers)} chunks, and {len(digests)} are signed.")
    return [number for number in numbers if number < len(digests)]


def _members(release: Release, number: int, digests: list[str], found: Verified) -> list[_Member]:
    """The members of a chunk; what is wrong with their lines is noted."""
    with one_state(read_only=True):
        chunk = Chunk.objects.get(release=release, number=number)
        leaves = bytes(chunk.leaves)
        if chunk_digest(leaves).hex() != digests[number]:
            found.add_problem(f"Chunk {number} has other leaves than are signed.")
        try:
            lines = chunks.lines_in(chunk)
        except zlib.error as error:
            found.add_problem(f"The lines of chunk {number} cannot be read: {error}")
            return []
        if len(lines) * LEAF_BYTES != len(leaves):
            found.add_problem(f"Chunk {number} has other lines than leaves.")
        members = [
            member
            for place, line in enumerate(lines)
            if (member := _member(line, leaves[place * LEAF_BYTES :][:LEAF_BYTES], found))
        ]
        _check_order(chunk, members, found)
        _check_held(release, members, found)
        _check_erased(members, found)
    return members


def _member(line: bytes, signed_leaf: bytes, found: Verified) -> _Member | None:
    """What a line says; None where that cannot be read."""
    try:
        told = orjson.loads(line)
        image_id = int(told["id"])
        withheld = "withheld" in told
        file = None if withheld else File(image_id, str(told["sha256"]), int(told["bytes"]))
        is_same = (bytes.fromhex(told["leaf"]) if withheld else leaf(line)) == signed_leaf
    except (ValueError, KeyError, TypeError):
        found.add_problem(f"A line cannot be read: {line[:100].decode(errors='replace')}")
        return None
    if not is_same:
        found.add_problem(f"The line of image {image_id} is not the one that was released.")
    return _Member(image_id, file)


def _check_order(chunk: Chunk, members: list[_Member], found: Verified) -> None:
    ids = [member.image_id for member in members]
    if ids != sorted(set(ids)) or ids[:1] + ids[-1:] != [chunk.first_image, chunk.last_image]:
        found.add_problem(f"The members of chunk {chunk.number} are not in their order.")


def _check_held(release: Release, members: list[_Member], found: Verified) -> None:
    listed = array(member.image_id for member in members if member.file)
    with connection.cursor() as cursor:
        cursor.execute(UNHELD.text, [listed, release.pk])
        unheld = [image_id for (image_id,) in cursor.fetchall()]
    if unheld:
        found.add_problem(f"{len(unheld)} files are not held, that of image {unheld[0]} first.")


def _check_erased(members: list[_Member], found: Verified) -> None:
    withheld = {member.image_id for member in members if member.file is None}
    known = Erasure.objects.filter(image_id__in=withheld).values_list("image_id", flat=True)
    for image_id in sorted(withheld.difference(known)):
        found.add_problem(f"The line of image {image_id} is withheld, which nobody has erased.")


def _look_at(
    release: Release, listed: list[File], found: Verified, *, deep: bool, at_once: int
) -> None:
    """Note what is wrong with files."""
    wrong = files.wrong(listed, deep=deep, at_once=at_once)
    # Asked after the look: it may have been retired since, and images may have been erased.
    let_go = _now(release).state == ReleaseState.RETIRED
    erased = set(Erasure.objects.filter(image_id__in=wrong).values_list("image_id", flat=True))
    kinds = {
        Wrong.MISSING: found.missing,
        Wrong.CHANGED: found.changed,
        Wrong.GONE: found.gone if let_go else found.missing,
    }
    for image_id, what in sorted(wrong.items()):
        if image_id not in erased:
            kinds[what].add(image_id)


def _check_totals(release: Release, erased_before: int, bytes_seen: int, found: Verified) -> None:
    """Compare what was counted on the way with what the release says."""
    if found.members != release.members:
        found.add_problem(f"It has {found.members} lines for {release.members} members.")
    if not found.erased and bytes_seen != release.bytes:
        found.add_problem(f"Its files have {bytes_seen} bytes, and {release.bytes} are signed.")
    # Some may have been erased meanwhile.
    if not erased_before <= found.erased <= _now(release).erased:
        found.add_problem(f"{found.erased} lines are withheld, and {erased_before} are counted.")
