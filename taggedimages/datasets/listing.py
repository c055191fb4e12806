"""The members of a release as a viewer is shown them: their lines, and where their files are."""

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

import orjson

from images import serving, storage
from images.visibility import Viewer
from search.executor.blocks import Blocks
from taggedimages.datasets import chunks
from taggedimages.datasets.lines import LEAF_BYTES
from taggedimages.datasets.models import Chunk, Release, ReleaseState
from taggedimages.datasets.withholding import File, open_files

# Of one answer.
MAX_MEMBERS = 100_000
# Members that are signed at a time: few enough for the first to come at once.
BATCH = 2_000

PRIVATE = "private"
# Within a text, a quotation mark is escaped: so these are nothing but keys and their values. Lines
# are looked at without being read, which would take half of the time that a list takes.
ID, SPLIT, WITHHELD = re.compile(rb'"id":([0-9]+)'), b'"split":', b'"withheld":'


class Listed(NamedTuple):
    """A member as somebody is shown it.

    `line` is what was hashed, or of a withheld one what stands in for it.
    `file` is None where there is none: withheld, or gone. `url` reads it until `expires`, in epoch
    seconds; both are None where that was not asked for, too.
    """

    image: int
    line: bytes
    file: File | None = None
    url: str | None = None
    expires: int | None = None

    @property
    def is_withheld(self) -> bool:
        """Whether nothing but its leaf is told."""
        return WITHHELD in self.line

    @property
    def said(self) -> dict[str, Any]:
        """What the line says; read anew each time."""
        said: dict[str, Any] = orjson.loads(self.line)
        return said


class Kept(NamedTuple):
    """A member as a chunk has it."""

    image: int
    line: bytes
    leaf: bytes


def listed(
    release: Release,
    viewer: Viewer,
    *,
    after: int = 0,
    limit: int = MAX_MEMBERS,
    split: str | None = None,
    signed: bool = True,
) -> Iterator[list[Listed]]:
    """Members beyond an id, as many as `limit`, by their ids, some at a time.

    With `split`, those of that one alone, and none that are withheld: nothing is told of these.
    URLs are signed when their members' turn comes, where they are `signed`.
    """
    members = kept(release, after, split)
    while limit > 0 and (batch := list(islice(members, min(BATCH, limit)))):
        found = shown(release, viewer, batch, signed=signed)
        # Withheld ones are no part of a split, and so do not count.
        found = [one for one in found if not (split and one.is_withheld)]
        limit -= len(found)
        if found:
            yield found


def named(release: Release, viewer: Viewer, images: Sequence[int]) -> dict[int, Listed]:
    """Those of some images that are members, by id, each with a URL of this instant."""
    wanted = Blocks.of(images)
    members = [one for one in _near(release, sorted(images)) if one.image in wanted]
    batches = [members[at : at + BATCH] for at in range(0, len(members), BATCH)]
    return {one.image: one for part in batches for one in shown(release, viewer, part)}


def _near(release: Release, images: list[int]) -> Iterator[Kept]:
    """The members of each chunk in which one of some images would be."""
    after = 0
    for image in images:
        if image <= after:
            continue
        chunk = next(chunks.of(release.pk, image - 1), None)
        if chunk is None:
            return
        yield from _members_of(chunk)
        after = chunk.last_image


def kept(release: Release, after: int = 0, split: str | None = None) -> Iterator[Kept]:
    """Members beyond an id as they are kept, by their ids; with `split`, those of that one."""
    of_split = SPLIT + orjson.dumps(split)
    for chunk in chunks.of(release.pk, after):
        for one in _members_of(chunk):
            if one.image > after and (split is None or of_split in one.line):
                yield one


def _members_of(chunk: Chunk) -> Iterator[Kept]:
    leaves = bytes(chunk.leaves)
    for number, line in enumerate(chunks.lines_in(chunk)):
        yield Kept(id_in(line), line, leaves[number * LEAF_BYTES : (number + 1) * LEAF_BYTES])


def id_in(line: bytes) -> int:
    """The id of the member that a line is of."""
    found = ID.search(line)
    assert found
    return int(found[1])


def last_of_part(release: Release, after: int, limit: int) -> int | None:
    """The last of so many members beyond an id; None where no others follow them.

    Reads two chunks at most.
    """
    beyond = Chunk.objects.filter(release=release, last_image__gt=after).order_by("number")
    remaining = list(beyond.defer("lines", "leaves"))
    for place, chunk in enumerate(remaining):
        members = chunk.members
        if chunk.first_image <= after or members > limit:
            ids = [image for image in map(id_in, chunks.lines_in(chunk)) if image > after]
            if len(ids) > limit:
                return ids[limit - 1]
            members = len(ids)
        limit -= members
        if limit == 0:
            return chunk.last_image if place + 1 < len(remaining) else None
    return None


def shown(
    release: Release, viewer: Viewer, members: list[Kept], *, signed: bool = True
) -> list[Listed]:
    """Members as a viewer is shown them, with URLs of this instant where they are `signed`. One
    statement."""
    files = open_files([image for image, _, _ in members], viewer)
    with storage.noted_ends() as ends:
        url_of = serving.urls()
    expires = int(ends[0])
    # Then the file of a deleted image, which is no longer held, may have been removed.
    is_retired = release.state == ReleaseState.RETIRED
    found = []
    for image, line, leaf in members:
        file = files.get(image)
        if WITHHELD in line:
            found.append(Listed(image, line))
        elif file is None:
            found.append(_private(image, leaf))
        elif is_retired and file.is_deleted:
            found.append(Listed(image, line))
        elif not signed:
            found.append(Listed(image, line, file))
        else:
            url = url_of(file.key, file.name, file.format, file.media_type)
            found.append(Listed(image, line, file, url, expires))
    return found


def _private(image: int, leaf: bytes) -> Listed:
    said = {"id": image, "leaf": leaf.hex(), "withheld": PRIVATE}
    return Listed(image, orjson.dumps(said))
