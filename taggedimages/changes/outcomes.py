"""What became of the images of a change: a bitmap for each outcome, written with each batch."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from django.db import connection

from search.index.bits import block_of, part_of, single_part_bit, whole_block
from taggedimages.changes.models import Outcome
from taggedimages.postgresql.bulk import array
from taggedimages.postgresql.fragments import compose

RECORD = compose(
    """
INSERT INTO changes_set (change_id, outcome, block, bits)
SELECT %(change)s, outcome, block, bit_or({whole})
FROM (SELECT outcome, {block} AS block, {part} AS part, bit_or({bit}) AS bits
      FROM unnest(%(outcomes)s::smallint[], %(images)s::bigint[]) AS o (outcome, image)
      GROUP BY 1, 2, 3) parts
GROUP BY outcome, block ORDER BY outcome, block
ON CONFLICT (change_id, outcome, block) DO UPDATE SET bits = changes_set.bits | EXCLUDED.bits
""",
    whole=whole_block("bits"),
    block=block_of("image"),
    part=part_of("image"),
    bit=single_part_bit("image"),
).text

# By bitmap, which says what was really done.
COUNTED = """
SELECT outcome, sum(bit_count(bits)) FROM changes_set WHERE change_id = %s GROUP BY outcome
"""


def record(change_id: int, outcomes: Mapping[int, Outcome]) -> None:
    """Add images with their outcomes: one statement."""
    parameters: dict[str, Any] = {
        "change": change_id,
        "images": array(outcomes),
        "outcomes": array(int(outcome) for outcome in outcomes.values()),
    }
    with connection.cursor() as cursor:
        cursor.execute(RECORD, parameters)


def counted(outcomes: Mapping[int, Outcome], before: Mapping[str, int]) -> dict[str, int]:
    """How many images each outcome has, with those of another batch."""
    return dict(Counter(before) + Counter(outcome.label for outcome in outcomes.values()))


def by_bitmap(change_id: int) -> dict[int, int]:
    """How many images each outcome has, those frozen among them."""
    with connection.cursor() as cursor:
        cursor.execute(COUNTED, [change_id])
        return {outcome: int(images) for outcome, images in cursor.fetchall()}
