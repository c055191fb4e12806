"""Which blocks the latest merges changed, for whoever cached what was before (`MergeLog`)."""

from django.db.backends.utils import CursorWrapper

from search.index.bits import block_of
from search.index.thresholds import Thresholds
from taggedimages.postgresql.fragments import compose

# Numbered by the time and up to a second by chance, so that no number comes twice: not even where
# the database was put back to an earlier state, and the clock with it. `rows` are ids of pending
# changes.
APPEND = compose(
    """
INSERT INTO search_fold (id, blocks)
SELECT greatest((extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
                (SELECT max(id) FROM search_fold)) + 1 + (random() * 1000000)::bigint,
       ARRAY(SELECT DISTINCT {block} FROM search_unindexed WHERE id = ANY(%(rows)s))
""",
    block=block_of("image_id"),
).text
# A cache reads all blocks that are named since, so the oldest lines go once others name as many as
# are worth it.
TRUNCATE = """
DELETE FROM search_fold WHERE id < (
    SELECT min(id) FROM (
        SELECT id, sum(cardinality(blocks)) OVER (ORDER BY id DESC) AS named FROM search_fold
    ) newest WHERE named <= %s OR id = (SELECT max(id) FROM search_fold)
)
"""


def append(cursor: CursorWrapper, changes: list[int], thresholds: Thresholds) -> None:
    """Log the blocks of some pending changes, which are being merged. In an `index_transaction`."""
    cursor.execute(APPEND, {"rows": changes})
    cursor.execute(TRUNCATE, [thresholds.merge_log_blocks])


def invalidate_caches(cursor: CursorWrapper) -> None:
    """Let nothing hold that was cached of the bitmaps until now. In an `index_transaction`."""
    cursor.execute("DELETE FROM search_fold")
    cursor.execute(APPEND, {"rows": []})
