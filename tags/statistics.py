"""How much each tag is used (TagStatistics): kept by the worker, so that writes pay nothing for it.

How many links a tag has, the tag index knows (`search_setsize`); that number is copied, never
counted again: after each merge into the index for the tags that it changes (`copy_links`), and by a
pass. When a tag was last used, the ledger says, whose new lines the worker follows. Both are exact
a moment after everything is quiet.

Lines become visible in another order than they are numbered in. So each is read twice, which
changes nothing where it is known: as soon as it is seen, and once all before it are surely there
(docs/ARCHITECTURE.md, "Who wrote a line of history?").

A pass goes over all tags, links and lines in pieces: at first because there is nothing yet, and
once a day to put right what plain SQL, a rebuild of the index or a long transaction left wrong. It
takes no use back: a `last_used_at` is moved forward only.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from taggedimages.postgresql.fragments import Fragment, compose
from tags.statistics_models import StatisticsProgress

MAX_ID = 2**63 - 1
MARKS = ("line", "seen", "vocabulary_line", "vocabulary_seen")
# Rows that one piece reads: some tenths of a second.
PIECE = 20_000
# Twice the ten seconds after which all lines of a stamp are there: what was numbered before a line
# that is older than this is stamped at most eight seconds after it.
SETTLED_SECONDS = 20
BETWEEN_PASSES = Fragment("interval '1 day'")

# Statement selecting how far everything is, held until the transaction ends; no row: another
# worker is at it.
HOLD = compose(
    """
SELECT line, seen, vocabulary_line, vocabulary_seen, step, position,
       step IS NULL AND checked_at < statement_timestamp() - {between} AS due
FROM tags_statisticsprogress WHERE id = 1 FOR UPDATE SKIP LOCKED
""",
    between=BETWEEN_PASSES,
).text

# Statement that begins with a first pass, where nothing says how far everything is.
BEGIN = """
INSERT INTO tags_statisticsprogress
    (id, line, seen, vocabulary_line, vocabulary_seen, step, position)
SELECT 1, line, line, vocabulary_line, vocabulary_line, 0, 0
FROM (SELECT coalesce(max(id), 0) AS line FROM tags_tagchange) links,
     (SELECT coalesce(max(id), 0) AS vocabulary_line FROM tags_vocabularychange) names
WHERE NOT EXISTS (SELECT FROM tags_statisticsprogress) ON CONFLICT DO NOTHING
"""

# What follows writes tags in the order of their ids, as merges do; of (tag, at) `uses`.
USED = Fragment("""
INSERT INTO tags_statistics (tag_id, links, last_used_at)
SELECT u.tag, coalesce(z.links, 0), u.at
FROM uses u JOIN tags_tag t ON t.id = u.tag LEFT JOIN search_setsize z ON z.set = u.tag
ORDER BY u.tag
ON CONFLICT (tag_id) DO UPDATE SET last_used_at = EXCLUDED.last_used_at
WHERE tags_statistics.last_used_at IS NULL
   OR tags_statistics.last_used_at < EXCLUDED.last_used_at
""")
# Statements that take in some lines after one and up to another, and select how many there were,
# and the last of them before the first that is younger than `age`.
LAST = """
SELECT count(*), coalesce(max(id) FILTER (WHERE (id < (
    SELECT min(id) FROM lines WHERE at > statement_timestamp() - %(age)s)) IS NOT FALSE), %(after)s)
FROM lines
"""
FOLLOW = compose(
    """
WITH lines AS MATERIALIZED (
    SELECT id, tag_id, changed_at AS at, new_value IS NOT NULL AS is_use FROM tags_tagchange
    WHERE id > %(after)s AND id <= %(most)s ORDER BY id LIMIT %(piece)s
), uses AS (
    SELECT tag_id AS tag, max(at) AS at FROM lines WHERE is_use GROUP BY 1
), written AS ({used})
{last}""",
    used=USED,
    last=Fragment(LAST),
).text
FOLLOW_VOCABULARY = compose(
    """
WITH lines AS MATERIALIZED (
    SELECT id, tag_id, at, kind FROM tags_vocabularychange
    WHERE id > %(after)s AND id <= %(most)s ORDER BY id LIMIT %(piece)s
), made AS (
    INSERT INTO tags_statistics (tag_id, links)
    SELECT t.id, coalesce(z.links, 0)
    FROM tags_tag t LEFT JOIN search_setsize z ON z.set = t.id
    WHERE t.id IN (SELECT tag_id FROM lines WHERE kind = 'created')
    ORDER BY t.id ON CONFLICT DO NOTHING
), gone AS (
    DELETE FROM tags_statistics s WHERE tag_id IN (SELECT tag_id FROM lines WHERE kind = 'deleted')
    AND NOT EXISTS (SELECT FROM tags_tag t WHERE t.id = s.tag_id)
)
{last}""",
    last=Fragment(LAST),
).text

# The steps of a pass: each takes in a piece of what comes after a position, and selects the last
# position of it and how many rows that was.
TAGS = """
WITH rows AS MATERIALIZED (
    SELECT id FROM tags_tag WHERE id > %(position)s ORDER BY id LIMIT %(piece)s
), written AS (
    INSERT INTO tags_statistics (tag_id, links)
    SELECT r.id, coalesce(z.links, 0) FROM rows r LEFT JOIN search_setsize z ON z.set = r.id
    ORDER BY r.id
    ON CONFLICT (tag_id) DO UPDATE SET links = EXCLUDED.links
    WHERE tags_statistics.links <> EXCLUDED.links
)
SELECT max(id), count(*) FROM rows
"""
ORPHANS = """
WITH rows AS MATERIALIZED (
    SELECT tag_id AS id FROM tags_statistics WHERE tag_id > %(position)s
    ORDER BY tag_id LIMIT %(piece)s
), gone AS (
    DELETE FROM tags_statistics s WHERE tag_id IN (SELECT id FROM rows)
    AND NOT EXISTS (SELECT FROM tags_tag t WHERE t.id = s.tag_id)
)
SELECT max(id), count(*) FROM rows
"""
LINKS = compose(
    """
WITH rows AS MATERIALIZED (
    SELECT id, tag_id, created_at FROM tags_imagetag
    WHERE id > %(position)s ORDER BY id LIMIT %(piece)s
), uses AS (
    SELECT tag_id AS tag, max(created_at) AS at FROM rows
    WHERE created_at < coalesce((SELECT changed_at FROM tags_tagchange ORDER BY id LIMIT 1),
                                'infinity') GROUP BY 1
), written AS ({used})
SELECT max(id), count(*) FROM rows
""",
    used=USED,
).text
LINES = compose(
    """
WITH rows AS MATERIALIZED (
    SELECT id, tag_id, changed_at, new_value FROM tags_tagchange
    WHERE id > %(position)s ORDER BY id LIMIT %(piece)s
), uses AS (
    SELECT tag_id AS tag, max(changed_at) AS at FROM rows WHERE new_value IS NOT NULL GROUP BY 1
), written AS ({used})
SELECT max(id), count(*) FROM rows
""",
    used=USED,
).text
# Links that are older than the ledger are in no line of it.
STEPS = (TAGS, ORPHANS, LINKS, LINES)

# Statement that copies what the index says of some tags.
COPY_LINKS = """
INSERT INTO tags_statistics (tag_id, links)
SELECT z.set, z.links FROM search_setsize z JOIN tags_tag t ON t.id = z.set
WHERE z.set = ANY(%s::bigint[]) ORDER BY z.set
ON CONFLICT (tag_id) DO UPDATE SET links = EXCLUDED.links
WHERE tags_statistics.links <> EXCLUDED.links
"""


def keep(piece: int = PIECE) -> int:
    """Take in the newest lines, and a piece of a pass where one is due; how much is left to do
    just now: 0 where that can wait for the next round.

    Waits for no other worker.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(HOLD)
        held = cursor.fetchone()
        if held is None:
            cursor.execute(BEGIN)
            return int(cursor.rowcount)
        *marks, step, position, is_due = held
        line, seen, more = _followed(cursor, FOLLOW, marks[0], marks[1], piece)
        made, made_seen, more_made = _followed(cursor, FOLLOW_VOCABULARY, marks[2], marks[3], piece)
        news: dict[str, Any] = dict(zip(MARKS, (line, seen, made, made_seen), strict=True))
        if is_due:
            step, position = 0, 0
        if step is not None:
            news |= _checked(cursor, step, position, piece)
        elif list(news.values()) == marks:
            return 0
        StatisticsProgress.objects.filter(pk=1).update(**news)
        return int(more or more_made or step is not None)


def copy_links(tags: Sequence[int]) -> None:
    """Have the numbers of links that the tag index has of some tags, once a merge has ended."""
    if tags:
        with connection.cursor() as cursor:
            cursor.execute(COPY_LINKS, [list(tags)])


def checked_at() -> datetime | None:
    """When the last pass ended; None while the first is under way, and numbers are missing."""
    progress = StatisticsProgress.objects.filter(pk=1).first()
    return progress.checked_at if progress else None


def check_again() -> None:
    """Have a pass begin with the next round."""
    StatisticsProgress.objects.filter(pk=1).update(step=0, position=0)


def _followed(
    cursor: CursorWrapper, statement: str, line: int, seen: int, piece: int
) -> tuple[int, int, bool]:
    """Read what is new of a ledger, and again what is settled; up to where all is known for good,
    up to where it was seen, and whether there is more to read."""
    settled = timedelta(seconds=SETTLED_SECONDS)
    # No line is of the future.
    asked: dict[str, Any] = {"after": seen, "most": MAX_ID, "age": -settled, "piece": piece}
    cursor.execute(statement, asked)
    new, seen = cursor.fetchone()
    cursor.execute(statement, asked | {"after": line, "most": seen, "age": settled})
    again, up_to = cursor.fetchone()
    return up_to, seen, new == piece or (again == piece and up_to > line)


def _checked(cursor: CursorWrapper, step: int, position: int, piece: int) -> dict[str, Any]:
    """Do a piece of a step; where the pass is then."""
    cursor.execute(STEPS[step], {"position": position, "piece": piece})
    last, count = cursor.fetchone()
    if count == piece:
        return {"step": step, "position": last}
    if step + 1 < len(STEPS):
        return {"step": step + 1, "position": 0}
    cursor.execute("SELECT statement_timestamp()")
    return {"step": None, "position": 0, "checked_at": cursor.fetchone()[0]}
