"""Whether an image is in a set of bits, as an expression of querysets.

Many are sent as one string of bytes, in which each image is looked up where it stands.
"""

from typing import Any

from django.db.models import BooleanField, Func
from django.db.models.sql.compiler import SQLCompiler

from search.executor.blocks import Blocks
from search.models import BLOCK
from taggedimages.postgresql.bulk import array

BLOCK_BYTES = BLOCK // 8

THESE = "{image} IN (SELECT unnest(%s::bigint[]))"
# The block of an image stands where the list of blocks says, which without one of its own is at the
# beginning: no image is there. PostgreSQL counts the bits of each byte from its end.
IN_BYTES = (
    "coalesce(get_bit(%s::bytea, (%s::int[])[{image} / {block} - %s + 1]::bigint * {block}"
    " + (({image} & {in_block}) # 7)), 0) = 1"
)


class Within(Func):
    """Whether an image, given by an expression of its id, is in a set."""

    output_field = BooleanField()

    def __init__(self, image: Any, images: Blocks, looked_up_max: int) -> None:
        """Up to so many images are sent as ids, which an index looks up."""
        super().__init__(image)
        self.images, self.looked_up_max = images, looked_up_max

    def as_sql(  # type: ignore[override]
        self, compiler: SQLCompiler, connection: Any, **_: Any
    ) -> tuple[str, list[Any]]:
        image, _parameters = compiler.compile(self.source_expressions[0])
        if not self.images or len(self.images) <= self.looked_up_max:
            return THESE.format(image=image), [array(self.images)]
        blocks = self.images.bits
        first, last = min(blocks), max(blocks)
        places = dict(zip(blocks, range(1, len(blocks) + 1), strict=True))
        text = bytes(BLOCK_BYTES) + b"".join(
            bits.to_bytes(BLOCK_BYTES, "big") for bits in blocks.values()
        )
        listed = array(places.get(block, 0) for block in range(first, last + 1))
        sql = IN_BYTES.format(image=image, block=BLOCK, in_block=BLOCK - 1)
        return sql, [text, listed, first]
