"""Members are kept by ten thousand, whatever lots they come in, and read back as they were."""

import uuid

import pytest

from search.executor.blocks import Blocks
from taggedimages.datasets import chunks
from taggedimages.datasets.chunks import Writer
from taggedimages.datasets.lines import canonical, chunk_digest, leaf
from taggedimages.datasets.members import Member, line_of
from taggedimages.datasets.models import Chunk, MemberSet, Release
from taggedimages.datasets.tests.releases import make_dataset

pytestmark = pytest.mark.django_db


@pytest.fixture
def release():
    return Release.objects.create(dataset=make_dataset(), number=1, query={}, question={})


def member(number):
    number_hex = f"{number:064x}"
    named = str(uuid.UUID(int=number))
    return Member(
        number,
        named,
        "a\nb.png",
        number,
        "png",
        8,
        6,
        number_hex,
        ["knee"],
        [],
        f"archive/{number}",
    )


def test_chunks_have_ten_thousand_members_each_and_the_last_what_is_left(release):
    members = [member(number) for number in range(5, 60_015, 3)]
    writer = Writer(release.pk)
    for at in range(0, len(members), 7_001):
        writer.add(members[at : at + 7_001])
    written = writer.finish(Blocks.of(one.id for one in members))
    assert written.members == len(members) == 20_004
    assert written.bytes == sum(one.bytes for one in members)
    found = list(Chunk.objects.filter(release=release).order_by("number"))
    assert [chunk.number for chunk in found] == [0, 1, 2]
    for chunk, at in zip(found, (0, 10_000, 20_000), strict=True):
        part = members[at : at + 10_000]
        lines = [canonical(line_of(one)) for one in part]
        leaves = b"".join(map(leaf, lines))
        assert (chunk.first_image, chunk.last_image) == (part[0].id, part[-1].id)
        assert chunk.members == len(part)
        assert chunks.lines_in(chunk) == lines
        assert bytes(chunk.leaves) == leaves
        assert bytes(chunk.digest) == chunk_digest(leaves)
    assert written.digests == [bytes(chunk.digest) for chunk in found]
    held = Blocks.read(MemberSet.objects.values_list("block", "bits"))
    assert held == Blocks.of(one.id for one in members)


def test_chunks_that_begin_beyond_an_id_are_read_from_there(release):
    writer = Writer(release.pk)
    writer.add([member(number) for number in range(1, 20_001)])
    writer.finish(Blocks())
    assert [chunk.number for chunk in chunks.of(release.pk, after=9_999)] == [0, 1]
    assert [chunk.number for chunk in chunks.of(release.pk, after=10_000)] == [1]
    assert [chunk.number for chunk in chunks.of(release.pk, after=20_000)] == []
