"""SQL of bitmaps: how images are numbered in blocks, and bits put together.

A block is BLOCK images by id; bit n of block b is the image b * BLOCK + n. Bitmaps are put together
from parts of PART_BITS, so that each link costs some bytes on the way, and not a whole block.
"""

from search.models import BLOCK
from taggedimages.postgresql.fragments import Fragment, compose

PART_BITS = 512
WORD_BITS = 64

BLOCK_SQL, IN_BLOCK = Fragment(str(BLOCK)), Fragment(str(BLOCK - 1))
_PART, _IN_PART = Fragment(str(PART_BITS)), Fragment(str(PART_BITS - 1))
# A block without any image.
EMPTY_BITS = compose("repeat('0', {block})::bit({block})", block=BLOCK_SQL)


def block_of(image: str) -> Fragment:
    """SQL, an int: the block that an image, which a piece of SQL names, is in."""
    return compose("({image} / {block})::int", image=Fragment(image), block=BLOCK_SQL)


def is_set(bits: str, image: str) -> Fragment:
    """SQL, a boolean: whether the bitmap of its block has an image."""
    return compose(
        "get_bit({bits}, ({image} & {in_block})::int) = 1",
        bits=Fragment(bits),
        image=Fragment(image),
        in_block=IN_BLOCK,
    )


def single_bit(image: str) -> Fragment:
    """SQL, bit(BLOCK): a bitmap that has this image alone."""
    return compose(
        "set_bit({empty}, ({image} & {in_block})::int, 1)",
        empty=EMPTY_BITS,
        image=Fragment(image),
        in_block=IN_BLOCK,
    )


def part_of(image: str) -> Fragment:
    """SQL, an int: which part of its block an image is in."""
    return compose(
        "(({image} & {in_block}) / {part})::int",
        image=Fragment(image),
        in_block=IN_BLOCK,
        part=_PART,
    )


def single_part_bit(image: str) -> Fragment:
    """SQL, bit(PART_BITS): a part that has this image alone."""
    return compose(
        "set_bit(repeat('0', {part})::bit({part}), ({image} & {in_part})::int, 1)",
        image=Fragment(image),
        part=_PART,
        in_part=_IN_PART,
    )


def whole_block(bits: str) -> Fragment:
    """SQL, bit(BLOCK): the block that has, of the part number `part`, these bits and no others."""
    return compose(
        "(repeat('0', part * {part})::varbit || {bits})::bit({block})",
        bits=Fragment(bits),
        part=_PART,
        block=BLOCK_SQL,
    )


def word_of(image: str) -> Fragment:
    """SQL, a bigint: which word of WORD_BITS images an image is in, counted over all blocks."""
    return Fragment(f"{image} >> 6")


def single_word_bit(image: str) -> Fragment:
    """SQL, a bigint: a word that has this image alone; `bit_or` and `bit_xor` put words together
    in a fraction of the time that parts take."""
    return Fragment(f"(1::bigint << (63 - ({image} & 63)::int))")


def block_of_word(word: str) -> Fragment:
    """SQL, an int: the block that a word is in."""
    return Fragment(f"({word} / {BLOCK // WORD_BITS})::int")


def whole_of_word(word: str, bits: str) -> Fragment:
    """SQL, bit(BLOCK): the block that has, of this word, these bits and no others."""
    shift = f"({word} & {BLOCK // WORD_BITS - 1})::int * {WORD_BITS}"
    return Fragment(f"({bits}::bit({WORD_BITS})::bit({BLOCK}) >> ({shift}))")
