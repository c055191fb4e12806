"""How much lies within a window of the time of creation: enough to say how it is best counted."""

from datetime import datetime
from typing import NamedTuple

from search.models import BLOCK
from taggedimages.postgresql.prepared import execute_prepared
from taggedimages.postgresql.routing import read_connection

# As if the images of each block were created evenly over its time.
SIZE = """
SELECT (SELECT count(*) FROM search_blockspan), coalesce(sum(share), 0),
       count(*) FILTER (WHERE NOT is_inside)
FROM (
    SELECT created_min >= start AND created_max < before AS is_inside,
           extract(epoch FROM least(created_max, before) - greatest(created_min, start))::float
           / greatest(extract(epoch FROM created_max - created_min)::float, 1) AS share
    FROM search_blockspan,
         (SELECT %(start)s::timestamptz AS start, %(before)s::timestamptz AS before) asked
    WHERE created_max >= start AND created_min < before
) overlapping
"""


class WindowSize(NamedTuple):
    """About how many images a window has, of how many, and how many blocks are partly within."""

    images: float
    all_images: float
    border_blocks: int

    @property
    def share(self) -> float:
        """Which part of all images is within."""
        return self.images / max(self.all_images, 1)


def window_size(start: datetime | None, before: datetime | None) -> WindowSize | None:
    """What is known of a window as of the last merge; None where there is none. One statement."""
    if start is None and before is None:
        return None
    asked = {"start": start or "-infinity", "before": before or "infinity"}
    with read_connection().cursor() as cursor:
        execute_prepared(cursor, SIZE, asked)
        blocks, share, border_blocks = cursor.fetchone()
    return WindowSize(share * BLOCK, blocks * BLOCK, border_blocks)
