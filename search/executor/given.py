"""A set of images that was worked out before, block by block, as pieces of SQL."""

from collections.abc import Mapping

from search.index.bits import BLOCK_SQL, IN_BLOCK
from search.models import BLOCK
from taggedimages.postgresql.bulk import array
from taggedimages.postgresql.fragments import Fragment, compose

# In hexadecimal digits, which are a quarter of the zeros and ones.
BLOCKS = """
SELECT block, ('x' || digits)::bit({block}) AS bits
FROM unnest(%(given_blocks)s::int[], %(given_digits)s::text[]) g (block, digits)
"""
# The bitmaps are made once a statement, and the one of an image is taken out by its place.
HAS = """
coalesce(get_bit((ARRAY(
    SELECT ('x' || digits)::bit({block})
    FROM unnest(%(given_digits)s::text[]) WITH ORDINALITY g (digits, place) ORDER BY place
))[array_position(%(given_blocks)s::int[], ({image} / {block})::int)],
({image} & {in_block})::int) = 1, false)
"""


def blocks(images: Mapping[int, int]) -> Fragment:
    """SQL selecting (block int, bits bit(BLOCK)) of some images."""
    return compose(BLOCKS, block=BLOCK_SQL, parameters=_parameters(images))


def has(images: Mapping[int, int], image: Fragment) -> Fragment:
    """Whether an image, which a piece of SQL names, is among some."""
    return compose(
        HAS, block=BLOCK_SQL, in_block=IN_BLOCK, image=image, parameters=_parameters(images)
    )


def _parameters(images: Mapping[int, int]) -> dict[str, str]:
    digits = [f"{bits:0{BLOCK // 4}x}" for bits in images.values()]
    return {"given_blocks": array(images), "given_digits": array(digits)}
