"""Tags that want a look for themselves: hardly used, left over from a merge, or deprecated."""

from typing import Any, NamedTuple

from django.db import connection

from tags.cleanup.judging import EXAMPLES, links_of
from tags.cleanup.writing import Draft

# Statement: (id, name, kind, the target and its name, some images) of those among the next tags
# that want a look; and of the last one, whether it does or not. What the vocabulary relates was
# made to be used by other names; what is locked, somebody wants as it is.
LOOK = """
WITH piece AS (
    SELECT id, name, alias_of_id, status FROM tags_tag WHERE id > %(after)s ORDER BY id
    LIMIT %(most)s
), used AS (
    SELECT p.*, l.examples, coalesce(cardinality(l.examples), 0) AS links
    FROM piece p, LATERAL (
        SELECT array_agg(few.image_id) AS examples
        FROM (SELECT image_id FROM tags_imagetag WHERE tag_id = p.id LIMIT %(examples)s) few
    ) l
), looked AS (
    SELECT u.*, CASE
        WHEN alias_of_id IS NOT NULL THEN CASE WHEN links > 0 THEN 'left_over' END
        WHEN status = 'deprecated' AND links > 0 THEN 'contradiction'
        WHEN links > 1 OR status = 'locked' THEN NULL
        WHEN EXISTS (SELECT FROM tags_closure c WHERE c.ancestor_id = u.id)
          OR EXISTS (SELECT FROM tags_closure c WHERE c.descendant_id = u.id) THEN NULL
        WHEN EXISTS (SELECT FROM tags_finding f
                     WHERE f.sweep = %(sweep)s AND f.kind = ANY(%(twins)s)
                     AND (f.tag_id = u.id OR f.other_id = u.id)) THEN NULL
        WHEN links = 1 THEN 'once' ELSE 'never' END AS kind
    FROM used u
)
SELECT l.id, l.name, l.kind, l.alias_of_id, t.name, l.examples
FROM looked l LEFT JOIN tags_tag t ON t.id = l.alias_of_id
WHERE l.id = (SELECT max(id) FROM piece) OR l.kind IS NOT NULL AND NOT EXISTS (
    SELECT FROM tags_setaside s
    WHERE s.family = CASE WHEN l.kind IN ('never', 'once') THEN 'use' ELSE l.kind END
    AND s.low_id = least(l.id, l.alias_of_id)
    AND s.high_id IS NOT DISTINCT FROM CASE WHEN l.alias_of_id IS NOT NULL
                                       THEN greatest(l.id, l.alias_of_id) END
)
ORDER BY l.id
"""


class Looked(NamedTuple):
    """What a look at some tags found, and the last of them; None where there was none."""

    drafts: list[Draft]
    last: int | None


def look(after: int, most: int, sweep: int, twins: list[str]) -> Looked:
    """The rows of the next tags by id. Two statements."""
    asked: dict[str, Any] = {"after": after, "most": most, "sweep": sweep, "twins": twins}
    with connection.cursor() as cursor:
        cursor.execute(LOOK, asked | {"examples": EXAMPLES})
        rows = cursor.fetchall()
    if not rows:
        return Looked([], None)
    found = [row for row in rows if row[2]]
    several = {row[0] for row in found if len(row[5] or ()) > 1} | {
        row[3] for row in found if row[3]
    }
    links = links_of(several) if several else {}
    drafts = []
    for tag, name, kind, target, target_name, examples in found:
        one = Draft(kind, tag, name, target, target_name or "", examples=examples or [])
        one.images = links.get(tag, len(one.examples))
        one.other_images = links.get(target, 0)
        drafts.append(one)
    return Looked(drafts, rows[-1][0])
