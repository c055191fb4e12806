"""Whether links and vocabulary are what their ledgers say, and what tags stand for what rules say.

The state of now is what the last line of each pair has made. Where there is no line, it is as it
has been since before there was a ledger, or was loaded without one; that is counted, and no fault.
Each statement sees links and lines in one state of the database, and so raises no false alarm
beside others that write. Texts that were blanked (tags.redaction) fit any other.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db import connection

# Images whose lines are read at once: some hundred thousand lines, which are sorted in memory.
IMAGES, TAGS = 5_000, 50_000
# Of each kind of fault, so many are named.
NAMED = 10

# The first image from one on that has a link or a line.
NEXT_IMAGE = """
SELECT least((SELECT min(image_id) FROM tags_imagetag WHERE image_id >= %(first)s),
             (SELECT min(image_id) FROM tags_tagchange WHERE image_id >= %(first)s))
"""
LAST_IMAGE = """
SELECT greatest((SELECT max(image_id) FROM tags_imagetag),
                (SELECT max(image_id) FROM tags_tagchange))
"""
NEXT_TAG = """
SELECT least((SELECT min(id) FROM tags_tag WHERE id >= %(first)s),
             (SELECT min(tag_id) FROM tags_vocabularychange WHERE tag_id >= %(first)s))
"""
LAST_TAG = """
SELECT greatest((SELECT max(id) FROM tags_tag), (SELECT max(tag_id) FROM tags_vocabularychange))
"""
# Of these: how many faults there are of each kind, and the first of them.
EACH_KIND = """
SELECT kind, count(*), (array_agg(place ORDER BY place))[1:{named}]
FROM ({found}) found GROUP BY kind
"""

# A value that was blanked, and none, are the same text.
WERE_REDACTED = "EXISTS (SELECT FROM tags_redaction)"

LINKS = """
WITH lines AS MATERIALIZED (
    SELECT image_id, tag_id, old_value, new_value, lag(new_value) OVER pair AS before,
           lag(id) OVER pair IS NULL AS is_first, lead(id) OVER pair IS NULL AS is_last
    FROM tags_tagchange WHERE image_id >= %(first)s AND image_id < %(beyond)s
    WINDOW pair AS (PARTITION BY image_id, tag_id ORDER BY id)
), pairs AS (
    SELECT image_id, tag_id, n.is_last, n.new_value, l.id, l.value
    FROM (SELECT * FROM lines WHERE is_last) n
    FULL JOIN (
        SELECT * FROM tags_imagetag WHERE image_id >= %(first)s AND image_id < %(beyond)s
    ) l USING (image_id, tag_id)
)
SELECT CASE WHEN is_last IS NULL THEN 'unrecorded' WHEN id IS NULL THEN 'missing'
            WHEN new_value IS NULL THEN 'removed' ELSE 'other value' END AS kind,
       ARRAY[image_id, tag_id] AS place
FROM pairs
WHERE is_last IS NULL OR (id IS NULL) <> (new_value IS NULL) OR value <> new_value
UNION ALL
SELECT 'torn', ARRAY[image_id, tag_id] FROM lines
WHERE NOT is_first AND ((old_value IS NULL) <> (before IS NULL)
                        OR old_value <> before
                        AND ('' NOT IN (old_value, before) OR NOT {were_redacted}))
""".replace("{were_redacted}", WERE_REDACTED)
NAMES = """
WITH lines AS MATERIALIZED (
    SELECT tag_id, kind, name, old_name, lag(kind) OVER tag AS before_kind,
           lag(name) OVER tag AS before, lead(id) OVER tag IS NULL AS is_last
    FROM tags_vocabularychange
    WHERE tag_id >= %(first)s AND tag_id < %(beyond)s AND kind IN ('created', 'renamed', 'deleted')
    WINDOW tag AS (PARTITION BY tag_id ORDER BY id)
), names AS (
    SELECT tag_id, n.kind, n.name AS said, t.id, t.name
    FROM (SELECT * FROM lines WHERE is_last) n
    FULL JOIN (
        SELECT id, id AS tag_id, name FROM tags_tag WHERE id >= %(first)s AND id < %(beyond)s
    ) t USING (tag_id)
)
SELECT CASE WHEN kind IS NULL THEN 'unrecorded' WHEN id IS NULL THEN 'missing'
            WHEN kind = 'deleted' THEN 'removed' ELSE 'other name' END AS kind,
       ARRAY[tag_id] AS place
FROM names
WHERE kind IS NULL OR (id IS NULL) <> (kind = 'deleted') OR said NOT IN (name, '')
UNION ALL
SELECT 'torn', ARRAY[tag_id] FROM lines
WHERE kind = 'renamed' AND before_kind <> 'deleted' AND old_name <> before
      AND '' NOT IN (old_name, before)
"""
ALIASES = """
SELECT CASE WHEN kind IS NULL THEN 'unrecorded' ELSE 'other alias' END AS kind, ARRAY[id] AS place
FROM (
    SELECT DISTINCT ON (tag_id) tag_id AS id, kind, other_id FROM tags_vocabularychange
    WHERE kind IN ('aliased', 'unaliased') AND other_id IS NOT NULL ORDER BY tag_id, id DESC
) said
RIGHT JOIN (SELECT id, alias_of_id FROM tags_tag) t USING (id)
WHERE alias_of_id IS DISTINCT FROM CASE kind WHEN 'aliased' THEN other_id END
"""
IMPLICATIONS = """
SELECT CASE WHEN kind IS NULL THEN 'unrecorded' WHEN i.id IS NULL THEN 'missing rule'
            ELSE 'removed rule' END AS kind, ARRAY[child_id, parent_id] AS place
FROM (
    SELECT DISTINCT ON (tag_id, other_id) tag_id AS child_id, other_id AS parent_id, kind
    FROM tags_vocabularychange
    WHERE kind IN ('implied', 'unimplied') AND other_id IS NOT NULL
    ORDER BY tag_id, other_id, id DESC
) said
FULL JOIN tags_implication i USING (child_id, parent_id)
WHERE (i.id IS NOT NULL) <> coalesce(kind = 'implied', false)
"""
# As the triggers make it (docs/triggers.md), of all tags at once.
CLOSURE = """
WITH RECURSIVE below (ancestor, tag) AS (
    SELECT DISTINCT coalesce(p.alias_of_id, p.id), coalesce(p.alias_of_id, p.id)
    FROM tags_implication i JOIN tags_tag p ON p.id = i.parent_id
    UNION SELECT b.ancestor, child FROM below b, LATERAL tags_children(b.tag) child
), wanted AS (
    SELECT ancestor, tag FROM below WHERE tag <> ancestor
    UNION SELECT b.ancestor, a.id FROM below b JOIN tags_tag a ON a.alias_of_id = b.tag
    UNION SELECT alias_of_id, id FROM tags_tag WHERE alias_of_id IS NOT NULL
)
SELECT 'stands for others' AS kind,
       ARRAY[coalesce(ancestor, ancestor_id), coalesce(tag, descendant_id)] AS place
FROM wanted
FULL JOIN tags_closure c ON c.ancestor_id = wanted.ancestor AND c.descendant_id = wanted.tag
WHERE ancestor IS NULL OR ancestor_id IS NULL
"""
# What is no fault, and only told.
UNRECORDED = "unrecorded"


@dataclass
class Faults:
    """How many pairs are otherwise than they should be, by kind, and the first of each by their
    ids: of image and tag, of a tag, or of two tags."""

    counts: dict[str, int] = field(default_factory=dict)
    places: dict[str, list[list[int]]] = field(default_factory=dict)

    def add(self, kind: str, count: int, places: list[list[int]]) -> None:
        """More of a kind."""
        self.counts[kind] = self.counts.get(kind, 0) + count
        self.places[kind] = (self.places.get(kind, []) + places)[:NAMED]

    @property
    def count(self) -> int:
        """How many there are that are faults."""
        return sum(self.counts.values()) - self.unrecorded

    @property
    def unrecorded(self) -> int:
        """How many are in no ledger."""
        return self.counts.get(UNRECORDED, 0)


def links(faults: Faults) -> Iterator[tuple[int, int]]:
    """Compare all links with their ledger; yields how far it is: ids of images, and the last.

    `missing`: a link that came, and is not there; `removed`: one that went, and is there; `other
    value`; `torn`: a line that does not go on where the one before has ended.
    """
    return _spans(faults, LINKS, (NEXT_IMAGE, LAST_IMAGE), IMAGES)


def vocabulary(faults: Faults) -> Iterator[tuple[int, int]]:
    """Compare tags, aliases and implications with their ledger, and the closure with these; yields
    how far it is: ids of tags, and the last.

    `missing`, `removed`, `torn` as of links; `other name`, `other alias`; `missing rule`, `removed
    rule`: an implication that came or went; `stands for others`: a wrong row of the closure.
    """
    yield from _spans(faults, NAMES, (NEXT_TAG, LAST_TAG), TAGS)
    for found in (ALIASES, IMPLICATIONS, CLOSURE):
        _look(faults, found, {})


def _spans(
    faults: Faults, found: str, ends: tuple[str, str], length: int
) -> Iterator[tuple[int, int]]:
    first, (next_one, last_one) = 0, ends
    while (first := _id(next_one, {"first": first}) or 0) and (last := _id(last_one, {})):
        beyond = first + length
        _look(faults, found, {"first": first, "beyond": beyond})
        yield min(beyond - 1, last), last
        first = beyond


def _id(statement: str, values: dict[str, int]) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row: tuple[int | None] = cursor.fetchone()
        return row[0]


def _look(faults: Faults, found: str, values: dict[str, int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(EACH_KIND.format(found=found, named=NAMED), values)
        for kind, count, places in cursor.fetchall():
            faults.add(kind, count, places)
