"""Whether AudienceTag says what tags and links say, and mending where it does not.

Triggers keep it (docs/triggers.md); only what bypasses them leaves it wrong. Of what users have
made, the rows themselves are the record.
"""

from django.db import connection, transaction

# Pairs that are mended in one transaction, which holds their tags.
BATCH_PAIRS = 10_000

# SQL selecting (tag, audience, is_wanted): pairs that are missing, and those that should not be.
WRONG_PAIRS = """
SELECT tag_id, audience, wanted.is_there IS NOT NULL FROM (
    SELECT DISTINCT tag_id, coalesce(audience, -1) AS audience, true AS is_there FROM tags_imagetag
    UNION ALL
    SELECT t.id, 0, true FROM tags_tag t
    WHERE t.told AND NOT EXISTS (SELECT FROM tags_imagetag l WHERE l.tag_id = t.id)
) wanted
FULL JOIN (
    SELECT tag_id, audience, true AS is_there FROM tags_audiencetag
    WHERE audience NOT BETWEEN 1 AND 4294967295
) found USING (tag_id, audience)
WHERE wanted.is_there IS NULL OR found.is_there IS NULL ORDER BY tag_id
"""
WRONG_NAMES = """
FROM tags_audiencetag a LEFT JOIN tags_tag t ON t.id = a.tag_id
WHERE (a.name, a.folded) IS DISTINCT FROM (t.name, t.folded)
"""
# Statements: both settle what was found by what is there once the tags are locked.
ADD = "SELECT tags_pairs_came(%s, %s)"
SETTLE = "SELECT tags_settle(%s, %s, %s)"
DELETE_STRAY = """
DELETE FROM tags_audiencetag a WHERE NOT EXISTS (SELECT FROM tags_tag t WHERE t.id = a.tag_id)
"""
RENAME = """
UPDATE tags_audiencetag a SET name = t.name, folded = t.folded FROM tags_tag t
WHERE t.id = a.tag_id AND (a.name, a.folded) IS DISTINCT FROM (t.name, t.folded)
"""


def verify(repair: bool = False) -> int:
    """How many rows are wrong or missing; with `repair`, all are right afterwards."""
    with connection.cursor() as cursor:
        cursor.execute(WRONG_PAIRS)
        pairs: list[tuple[int, int, bool]] = cursor.fetchall()
        cursor.execute(f"SELECT count(*) {WRONG_NAMES}")
        (misnamed,) = cursor.fetchone()
    if repair:
        for start in range(0, len(pairs), BATCH_PAIRS):
            _mend(pairs[start : start + BATCH_PAIRS])
        if misnamed:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(DELETE_STRAY)
                cursor.execute(RENAME)
    return len(pairs) + int(misnamed)


@transaction.atomic
def _mend(pairs: list[tuple[int, int, bool]]) -> None:
    missing = [(tag, audience) for tag, audience, is_wanted in pairs if is_wanted]
    tags, audiences = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    with connection.cursor() as cursor:
        if missing:
            cursor.execute(ADD, [[tag for tag, _ in missing], [of for _, of in missing]])
        cursor.execute(SETTLE, [tags, tags, audiences])
