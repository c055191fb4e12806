"""New bitmaps on their way into the index.

A count over many terms reads the bitmaps of each in all blocks. Where these lie beside each other,
facets take half the time that they take where each is on another page, as bitmaps are that were
written span by span.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db.backends.utils import CursorWrapper

# Before SQL selecting (set, block, bits).
INTO_INDEX = "INSERT INTO search_bitmap (set, block, bits)"
INTO_SORTED = "INSERT INTO search_unsorted (set, block, bits)"

BEGIN = (
    "CREATE TEMPORARY TABLE search_unsorted AS SELECT set, block, bits FROM search_bitmap LIMIT 0"
)
END = """
INSERT INTO search_bitmap (set, block, bits)
SELECT set, block, bits FROM search_unsorted ORDER BY set, block;
DROP TABLE search_unsorted
"""


@contextmanager
def in_order(cursor: CursorWrapper) -> Iterator[str]:
    """For bitmaps of several spans: yields what stands before SQL selecting (set, block, bits); all
    of them are in the index at the end, term by term. In an `index_transaction`."""
    cursor.execute(BEGIN)
    yield INTO_SORTED
    cursor.execute(END)
