"""The lines of a release as they are kept: compressed, by chunks, with the leaves of each."""

import zlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from django.db import connection

from search.executor.blocks import Blocks
from taggedimages.datasets.lines import CHUNK_MEMBERS, canonical, chunk_digest, leaf
from taggedimages.datasets.members import Member, line_of
from taggedimages.datasets.models import Chunk

# The fastest: a line takes 149 bytes then and 130 by the best, which takes three times as long.
LEVEL = 1
ADD_SET = """
INSERT INTO datasets_set (release_id, block, bits)
SELECT %s, block, bits::bit(8192) FROM unnest(%s::int[], %s::text[]) a (block, bits)
"""


class Written(NamedTuple):
    """What was written of a release."""

    digests: list[bytes]
    members: int
    bytes: int


class Writer:
    """Writes members, which come in ascending order of their ids, into chunks of CHUNK_MEMBERS."""

    def __init__(self, release_id: int) -> None:
        self.release_id = release_id
        self.digests: list[bytes] = []
        self.members = self.bytes = 0
        self._begin()

    def add(self, members: Iterable[Member]) -> None:
        """Write the chunks that these fill, and keep the rest for the next."""
        for member in members:
            line = canonical(line_of(member))
            self._images.append(member.id)
            self._leaves.append(leaf(line))
            self._lines.append(self._compressor.compress(line + b"\n"))
            self.bytes += member.bytes
            if len(self._images) == CHUNK_MEMBERS:
                self._write()

    def finish(self, members: Blocks) -> Written:
        """Write what is left, and who is held."""
        if self._images:
            self._write()
        if rows := members.rows():
            blocks, bits = zip(*rows, strict=True)
            with connection.cursor() as cursor:
                cursor.execute(ADD_SET, [self.release_id, list(blocks), list(bits)])
        return Written(self.digests, self.members, self.bytes)

    def _begin(self) -> None:
        """Begin with the next chunk, whose lines are compressed as they come."""
        self._images: list[int] = []
        self._leaves: list[bytes] = []
        self._lines: list[bytes] = []
        self._compressor = zlib.compressobj(LEVEL)

    def _write(self) -> None:
        leaves = b"".join(self._leaves)
        digest = chunk_digest(leaves)
        Chunk.objects.create(
            release_id=self.release_id,
            number=len(self.digests),
            first_image=self._images[0],
            last_image=self._images[-1],
            members=len(self._images),
            lines=b"".join([*self._lines, self._compressor.flush()]),
            leaves=leaves,
            digest=digest,
        )
        self.digests.append(digest)
        self.members += len(self._images)
        self._begin()


def compressed(lines: Iterable[bytes]) -> bytes:
    """Lines as a chunk keeps them."""
    return zlib.compress(b"".join(line + b"\n" for line in lines), LEVEL)


def lines_in(chunk: Chunk) -> list[bytes]:
    """The lines of a chunk, each without its end."""
    return zlib.decompress(bytes(chunk.lines)).split(b"\n")[:-1]


def of(release_id: int, after: int = 0) -> Iterator[Chunk]:
    """The chunks of a release that may have members beyond an id, one at a time."""
    chunks = Chunk.objects.filter(release=release_id, last_image__gt=after).order_by("number")
    for number in list(chunks.values_list("number", flat=True)):
        yield Chunk.objects.get(release=release_id, number=number)
