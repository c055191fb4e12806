"""Sets of images as bits, block by block: as small as bitmaps, and put together in memory.

A million images are 123 whole numbers of 8,192 bits. What is written and read is a text of zeros
and ones, as PostgreSQL has it: its character n is the image `block * BLOCK + n`.
"""

from collections.abc import Iterable, Iterator, Mapping

from search.models import BLOCK


class Blocks:
    """A set of images by id; sets are united by `|`, crossed by `&`, and subtracted by `-`."""

    __slots__ = ("bits",)

    def __init__(self, bits: Mapping[int, int] | None = None) -> None:
        # By block, and none of them 0.
        self.bits = {block: bits[block] for block in sorted(bits) if bits[block]} if bits else {}

    @classmethod
    def of(cls, images: Iterable[int]) -> "Blocks":
        """The set of these images."""
        bits: dict[int, int] = {}
        for image in images:
            block, place = divmod(image, BLOCK)
            bits[block] = bits.get(block, 0) | 1 << (BLOCK - 1 - place)
        return cls(bits)

    @classmethod
    def read(cls, rows: Iterable[tuple[int, str]]) -> "Blocks":
        """The set that some rows of (block, bits) are, each block in one at most."""
        return cls({block: int(bits, 2) for block, bits in rows})

    def rows(self) -> list[tuple[int, str]]:
        """What `read` reads, by block."""
        return [(block, f"{bits:0{BLOCK}b}") for block, bits in self.bits.items()]

    def after(self, image: int) -> Iterator[int]:
        """Its images beyond one, by id."""
        for block, bits in self.bits.items():
            if block < image // BLOCK:
                continue
            text = f"{bits:0{BLOCK}b}"
            start = image % BLOCK + 1 if block == image // BLOCK else 0
            place = text.find("1", start)
            while place >= 0:
                yield block * BLOCK + place
                place = text.find("1", place + 1)

    def from_place(self, offset: int) -> Iterator[int]:
        """Its images by id, without so many of the first."""
        before = -1
        for block, bits in self.bits.items():
            if (count := bits.bit_count()) > offset:
                break
            offset -= count
            before = (block + 1) * BLOCK - 1
        for passed, image in enumerate(self.after(before)):
            if passed >= offset:
                yield image

    def __iter__(self) -> Iterator[int]:
        return self.after(-1)

    def __len__(self) -> int:
        return sum(bits.bit_count() for bits in self.bits.values())

    def __contains__(self, image: int) -> bool:
        block, place = divmod(image, BLOCK)
        return bool(self.bits.get(block, 0) >> (BLOCK - 1 - place) & 1)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Blocks) and self.bits == other.bits

    __hash__ = None  # type: ignore[assignment]  # as of other sets that may be changed

    def __and__(self, other: "Blocks") -> "Blocks":
        both = self.bits.keys() & other.bits.keys()
        return Blocks({block: self.bits[block] & other.bits[block] for block in both})

    def __or__(self, other: "Blocks") -> "Blocks":
        united = dict(self.bits)
        for block, bits in other.bits.items():
            united[block] = united.get(block, 0) | bits
        return Blocks(united)

    def __sub__(self, other: "Blocks") -> "Blocks":
        return Blocks(
            {block: bits & ~other.bits.get(block, 0) for block, bits in self.bits.items()}
        )


def union(sets: Iterable[Blocks]) -> Blocks:
    """All images of some sets."""
    united: dict[int, int] = {}
    for one in sets:
        for block, bits in one.bits.items():
            united[block] = united.get(block, 0) | bits
    return Blocks(united)
