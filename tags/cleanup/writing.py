"""Rows of the clean-up list as they are written: each once a sweep, and of each kind so many."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from django.db import connection

from tags.cleanup.models import TWINS, Finding, Kind

# Rows that are kept; each kind has its share of them, so that none crowds out another.
MOST = 20_000
MOST_OF_KIND = MOST // len(Kind)
# Of which each row has as many images as the next.
EQUAL = (Kind.NEVER, Kind.ONCE)

WRITE = """
INSERT INTO tags_finding (kind, tag_id, other_id, tag_name, other_name, images, other_images,
                          shared, examples, projects, sweep)
SELECT r.kind, r.tag_id, r.other_id, r.tag_name, r.other_name, r.images, r.other_images, r.shared,
       r.examples, '{}', %(sweep)s
FROM jsonb_to_recordset(%(rows)s) AS r (
    kind text, tag_id bigint, other_id bigint, tag_name text, other_name text, images bigint,
    other_images bigint, shared bigint, examples bigint[]
)
WHERE EXISTS (SELECT FROM tags_tag t WHERE t.id = r.tag_id)
AND (r.other_id IS NULL OR EXISTS (SELECT FROM tags_tag t WHERE t.id = r.other_id))
AND NOT EXISTS (
    SELECT FROM tags_finding f WHERE f.kind = r.kind AND f.tag_id = r.tag_id
    AND coalesce(f.other_id, 0) = coalesce(r.other_id, 0) AND f.sweep = %(sweep)s
)
ON CONFLICT (kind, tag_id, (coalesce(other_id, 0))) DO UPDATE SET
    tag_name = EXCLUDED.tag_name, other_name = EXCLUDED.other_name, images = EXCLUDED.images,
    other_images = EXCLUDED.other_images, shared = EXCLUDED.shared, examples = EXCLUDED.examples,
    sweep = EXCLUDED.sweep
RETURNING kind
"""
# Those with the most images stay.
TRIM = """
DELETE FROM tags_finding WHERE id IN (
    SELECT id FROM tags_finding WHERE kind = %(kind)s AND sweep = %(sweep)s
    ORDER BY images DESC, id DESC OFFSET %(most)s
)
"""
# A tag that is to become several others is shown with the one that is surest, and of these with the
# one that has most images.
ONE_EACH = """
DELETE FROM tags_finding f USING (
    SELECT id, row_number() OVER (
        PARTITION BY tag_id ORDER BY array_position(%(kinds)s, kind::text), other_images DESC, id
    ) AS place
    FROM tags_finding WHERE sweep = %(sweep)s AND kind = ANY(%(kinds)s)
) ranked WHERE ranked.id = f.id AND ranked.place > 1
"""


@dataclass
class Draft:
    """A row that is to be written."""

    kind: str
    tag_id: int
    tag_name: str
    other_id: int | None = None
    other_name: str = ""
    images: int = 0
    other_images: int = 0
    shared: int = 0
    examples: list[int] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def write(
    drafts: Iterable[Draft], sweep: int, counted: Mapping[str, int], most: int = MOST_OF_KIND
) -> dict[str, int]:
    """Write rows that this sweep has not written yet; returns how many of each kind it has found,
    of which `most` are kept."""
    total = Counter(counted)
    wanted = []
    for draft in drafts:
        # Of as many images, the first that were found are kept: others need not be written.
        if draft.kind in EQUAL and total[draft.kind] >= most:
            total[draft.kind] += 1
        else:
            wanted.append(draft)
    with connection.cursor() as cursor:
        rows = json.dumps([draft.to_json() for draft in wanted])
        cursor.execute(WRITE, {"rows": rows, "sweep": sweep})
        found = Counter(kind for (kind,) in cursor.fetchall())
        total += found
        for kind in found:
            if total[kind] > most:
                cursor.execute(TRIM, {"kind": kind, "sweep": sweep, "most": most})
    return dict(total)


def settle_twins(sweep: int) -> None:
    """Leave one row of each tag that has several twins."""
    with connection.cursor() as cursor:
        cursor.execute(ONE_EACH, {"kinds": [kind.value for kind in TWINS], "sweep": sweep})


def forget_others(sweep: int) -> None:
    """Remove what this sweep has not found again."""
    Finding.objects.filter(sweep__lt=sweep).delete()
