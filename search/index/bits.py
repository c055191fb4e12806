"""SQL of bitmaps."""

from search.models import BLOCK

EMPTY_BITS_SQL = f"repeat('0', {BLOCK})::bit({BLOCK})"


def single_bit_sql(image: str) -> str:
    """SQL: a bitmap that has this image alone."""
    return f"set_bit({EMPTY_BITS_SQL}, ({image} & {BLOCK - 1})::int, 1)"
