"""The images of a change as they are kept: frozen ones, and those of each outcome."""

from collections.abc import Iterable
from itertools import islice

from django.db import connection

from search.executor.blocks import Blocks
from search.models import BLOCK
from taggedimages.changes.models import ImageSet, Outcome

ADD = """
INSERT INTO changes_set (change_id, outcome, block, bits)
SELECT %s, %s, block, bits::bit(8192) FROM unnest(%s::int[], %s::text[]) a (block, bits)
ORDER BY block
ON CONFLICT (change_id, outcome, block) DO UPDATE SET bits = changes_set.bits | EXCLUDED.bits
"""


def freeze(change_id: int, images: Blocks) -> None:
    """Make these the images of a change, in place of those that were. Two statements."""
    ImageSet.objects.filter(change=change_id).delete()
    _add(change_id, Outcome.TARGET, images)


def add(change_id: int, outcome: Outcome, images: Iterable[int]) -> None:
    """Put images among those of an outcome. One statement, none for no images."""
    _add(change_id, outcome, Blocks.of(images))


def of(change_id: int, outcome: Outcome = Outcome.TARGET) -> Blocks:
    """All images of an outcome; those that were frozen, unless another is named."""
    rows = ImageSet.objects.filter(change=change_id, outcome=outcome)
    return Blocks.read(rows.values_list("block", "bits"))


def ids_after(
    change_id: int, position: int, limit: int, outcome: Outcome = Outcome.TARGET
) -> list[int]:
    """So many of the images beyond an id, in the order of their ids; fewer at the end.

    One statement, which reads no block before that of the id.
    """
    rows = ImageSet.objects.filter(
        change=change_id, outcome=outcome, block__gte=(position + 1) // BLOCK
    )
    found: list[int] = []
    for row in rows.order_by("block").values_list("block", "bits").iterator(chunk_size=16):
        found += islice(Blocks.read([row]).after(position), limit - len(found))
        if len(found) == limit:
            break
    return found


def forget(change_id: int) -> None:
    """Drop all images of a change that will never be applied."""
    ImageSet.objects.filter(change=change_id).delete()


def _add(change_id: int, outcome: Outcome, images: Blocks) -> None:
    if rows := images.rows():
        blocks, bits = zip(*rows, strict=True)
        with connection.cursor() as cursor:
            cursor.execute(ADD, [change_id, outcome, list(blocks), list(bits)])
