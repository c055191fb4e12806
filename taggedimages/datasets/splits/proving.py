"""What is proved of a release that is divided, and what each split consists of.

All of it is counted from what members got, whatever rule they got it by, and in little memory: a
million of them take some 20 MB.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db import connection

from taggedimages.datasets.members import Member
from taggedimages.datasets.splits.asking import Split
from taggedimages.postgresql.bulk import array

ORDER = tuple(Split)
HASH_BYTES = 16
RECORD_BYTES = HASH_BYTES + 1
# Examples that a refusal shows.
SAMPLE = 100
# Different tags that are counted, and the most frequent of them that are told of.
TAGS_COUNTED, TAGS_TOLD = 100_000, 50

# Of the members alone: which have bytes that some other image has too. From the index facts_sha256.
FACTS = """
SELECT f.image_id, f.fingerprint, EXISTS (
    SELECT FROM images_facts o WHERE o.sha256 = f.sha256 AND o.image_id <> f.image_id)
FROM images_facts f WHERE f.image_id = ANY(%s::bigint[])
"""


def facts_of(members: Sequence[Member]) -> dict[int, tuple[int | None, bool]]:
    """Of some members by id: their fingerprints, if anything is to be seen, and whether they may
    have copies. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(FACTS, [array(member.id for member in members)])
        return {image: (fingerprint, copy) for image, fingerprint, copy in cursor.fetchall()}


class Sizes(NamedTuple):
    """How many images and groups a split has, and the sum of the squares of its groups' sizes."""

    images: int = 0
    groups: int = 0
    squares: int = 0

    @property
    def effective_groups(self) -> float:
        """As many groups of one size would tell as much: (Σs)²/Σs², with two decimals."""
        return round(self.images**2 / self.squares, 2) if self.squares else 0


class GroupSizes:
    """Which groups were seen in which splits, by their hashes: 17 bytes for each image."""

    def __init__(self) -> None:
        # By the first byte of the hash, so that they are counted little by little.
        self._seen = [bytearray() for _ in range(256)]

    def add(self, group: bytes, split: Split) -> None:
        """An image of a group."""
        self._seen[group[0]] += group + CODES[split]

    def counted(self) -> tuple[dict[Split, Sizes], int]:
        """The sizes of each split, and how many groups are in more than one."""
        sizes = [[0, 0, 0] for _ in ORDER]
        crossing = 0
        for part in self._seen:
            records = range(0, len(part), RECORD_BYTES)
            counts = Counter(bytes(part[at : at + RECORD_BYTES]) for at in records)
            splits = Counter(record[:HASH_BYTES] for record in counts)
            crossing += sum(count > 1 for count in splits.values())
            for record, images in counts.items():
                size = sizes[record[HASH_BYTES]]
                size[0] += images
                size[1] += 1
                size[2] += images**2
        return {split: Sizes(*size) for split, size in zip(ORDER, sizes, strict=True)}, crossing


CODES = {split: bytes([code]) for code, split in enumerate(ORDER)}


@dataclass
class Counted:
    """How many of something there are, and some of them as JSON."""

    count: int = 0
    # What the examples are called: images by their ids, or objects.
    key: str = "images"
    sample: list[Any] = field(default_factory=list)

    def add(self, one: Any) -> None:
        """One more."""
        self.count += 1
        if len(self.sample) < SAMPLE:
            self.sample.append(one)

    def told(self) -> dict[str, Any]:
        """As a refusal says it."""
        return {"count": self.count, self.key: self.sample}


class Copies:
    """Files that several members have: how many images, and those with a copy in another split."""

    def __init__(self) -> None:
        self.within = 0
        self.crossing = Counted(key="sample")
        self._first: dict[bytes, tuple[Split, int]] = {}

    def add(self, member: Member, split: Split) -> None:
        """A member that may have a copy among them."""
        first, image = self._first.setdefault(bytes.fromhex(member.sha256), (split, member.id))
        if image == member.id:
            return
        if first == split:
            self.within += 1
            return
        splits = [first.value, split.value]
        self.crossing.add({"sha256": member.sha256, "images": [image, member.id], "splits": splits})


class Tags:
    """How many images of each split have a tag."""

    def __init__(self) -> None:
        self._counts: dict[Split, Counter[str]] = {split: Counter() for split in ORDER}

    def add(self, tags: Iterable[str], split: Split) -> None:
        """Tags of an image; one that is seen for the first time after very many is passed over."""
        counts = self._counts[split]
        if len(counts) < TAGS_COUNTED:
            counts.update(tags)
        else:
            counts.update(tag for tag in tags if tag in counts)

    def most_frequent(self) -> Mapping[Split, dict[str, int]]:
        """Of each split the same tags, the most frequent of all, equal ones by name."""
        total: Counter[str] = Counter()
        for counts in self._counts.values():
            total.update(counts)
        names = sorted(total, key=lambda name: (-total[name], name))[:TAGS_TOLD]
        return {
            split: {name: counts[name] for name in names} for split, counts in self._counts.items()
        }
