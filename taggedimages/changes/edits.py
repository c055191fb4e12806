"""What a batch does to links: three sets, each written by one statement however many there are.

Whatever is taken away is kept with its whole identity (`models.RemovedLink`), so that an undo gives
back the same link. Removing comes first: a link may come back under an id that another has had.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import starmap
from typing import Any, NamedTuple

from django.db import connection

from taggedimages.postgresql.bulk import array, uuids

REMOVE = """
WITH gone AS (
    DELETE FROM tags_imagetag WHERE id = ANY(%(links)s::bigint[])
    RETURNING id, uuid, image_id, tag_id, value, user_id, created_at
)
INSERT INTO changes_removed
    (change_id, image_id, tag_id, value, link_id, link_uuid, user_id, created_at)
SELECT %(change)s, image_id, tag_id, value, id, uuid, user_id, created_at FROM gone
"""

# Images tell their links the time and the audience, as a trigger would one by one (tags 0003).
ADD = """
INSERT INTO tags_imagetag (uuid, user_id, image_id, tag_id, value, image_created_at, audience)
SELECT e.uuid, %(user)s::bigint, i.id, e.tag_id, e.value, i.created_at, i.audience
FROM unnest(%(uuids)s::uuid[], %(images)s::bigint[], %(tags)s::bigint[], %(values)s::text[])
    WITH ORDINALITY AS e (uuid, image_id, tag_id, value, number)
JOIN (
    SELECT id, created_at,
           images_audience(visibility, ended_at, created_by_id, project_id) AS audience
    FROM images_image WHERE id = ANY(%(of)s::bigint[])
) i ON i.id = e.image_id
ORDER BY e.number ON CONFLICT DO NOTHING
"""

# As they were, unless somebody else has their id meanwhile, such as the link that a merge moved.
ADD_AGAIN = """
INSERT INTO tags_imagetag
    (id, uuid, user_id, created_at, image_id, tag_id, value, image_created_at, audience)
SELECT CASE WHEN known.free THEN r.link_id
            ELSE nextval(pg_get_serial_sequence('tags_imagetag', 'id')) END,
       CASE WHEN known.free THEN r.link_uuid ELSE e.uuid END,
       u.id, coalesce(r.created_at, statement_timestamp()),
       i.id, e.tag_id, e.value, i.created_at, i.audience
FROM unnest(%(uuids)s::uuid[], %(images)s::bigint[], %(tags)s::bigint[], %(values)s::text[],
            %(origins)s::bigint[])
    WITH ORDINALITY AS e (uuid, image_id, tag_id, value, origin, number)
JOIN (
    SELECT id, created_at,
           images_audience(visibility, ended_at, created_by_id, project_id) AS audience
    FROM images_image WHERE id = ANY(%(of)s::bigint[])
) i ON i.id = e.image_id
LEFT JOIN LATERAL (
    -- One probe a link, whatever the planner thinks of a change whose rows are all new to it.
    SELECT * FROM changes_removed
    WHERE change_id = %(removed_by)s AND image_id = e.image_id AND tag_id = e.origin OFFSET 0
) r ON true
LEFT JOIN identity_user u ON u.id = r.user_id
CROSS JOIN LATERAL (
    SELECT r.link_id IS NOT NULL
       AND NOT EXISTS (SELECT FROM tags_imagetag t WHERE t.id = r.link_id)
       AND NOT EXISTS (SELECT FROM tags_imagetag t WHERE t.uuid = r.link_uuid) AS free
) known
ORDER BY e.number ON CONFLICT DO NOTHING
"""

SET = """
WITH given AS MATERIALIZED (
    SELECT * FROM unnest(%(links)s::bigint[], %(values)s::text[]) AS g (link, value)
), old AS MATERIALIZED (
    SELECT l.* FROM tags_imagetag l JOIN given g ON l.id = g.link
), kept AS (
    INSERT INTO changes_removed
        (change_id, image_id, tag_id, value, link_id, link_uuid, user_id, created_at)
    SELECT %(change)s, image_id, tag_id, value, id, uuid, user_id, created_at FROM old
)
UPDATE tags_imagetag l SET value = g.value FROM given g WHERE l.id = g.link
"""


# Those of some tags alone, or with `every` all.
LINKS = """
SELECT image_id, tag_id, id, value FROM tags_imagetag
WHERE image_id = ANY(%(images)s::bigint[]) AND (%(every)s OR tag_id = ANY(%(tags)s::bigint[]))
ORDER BY id
"""


class Link(NamedTuple):
    """A link that there is."""

    image: int
    tag: int
    id: int
    value: str


class NewLink(NamedTuple):
    """A link to make. `origin` is the tag of the removed link whose identity it takes; None: its
    own."""

    image: int
    tag: int
    value: str = ""
    origin: int | None = None


class NewValue(NamedTuple):
    """A value for a link that stays."""

    link: Link
    value: str


@dataclass
class Edits:
    """All that a batch does, in the order in which the ledger shall have it."""

    removed: list[Link] = field(default_factory=list)
    added: list[NewLink] = field(default_factory=list)
    valued: list[NewValue] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.removed or self.added or self.valued)

    def __iadd__(self, other: "Edits") -> "Edits":
        self.removed += other.removed
        self.added += other.added
        self.valued += other.valued
        return self

    @property
    def tags(self) -> set[int]:
        """The tags that come, go or get another value."""
        valued = (value.link for value in self.valued)
        return {link.tag for links in (self.removed, self.added, valued) for link in links}

    def write(self, change_id: int, user_id: int | None, removed_by: int | None) -> None:
        """Carry it out: up to four statements. The caller has locked the images.

        `removed_by` is the change that has removed the links which come back.
        """
        with connection.cursor() as cursor:
            if self.removed:
                cursor.execute(
                    REMOVE, {"change": change_id, "links": array(link.id for link in self.removed)}
                )
            if again := [link for link in self.added if link.origin is not None]:
                origins = {"origins": array(link.origin for link in again)}
                cursor.execute(ADD_AGAIN, {"removed_by": removed_by, **origins, **_columns(again)})
            if new := [link for link in self.added if link.origin is None]:
                cursor.execute(ADD, {"user": user_id, **_columns(new)})
            if self.valued:
                given: dict[str, Any] = {
                    "links": array(value.link.id for value in self.valued),
                    "values": array(value.value for value in self.valued),
                }
                cursor.execute(SET, {"change": change_id, **given})


def links_of(images: list[int], tags: Iterable[int] | None) -> dict[int, list[Link]]:
    """The links that some images have, by image, oldest first; of these tags, None: of any."""
    wanted: dict[str, Any] = {
        "images": array(images),
        "every": tags is None,
        "tags": array(tags or ()),
    }
    found = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(LINKS, wanted)
        for link in starmap(Link, cursor.fetchall()):
            found[link.image].append(link)
    return found


def _columns(links: Sequence[NewLink]) -> dict[str, str]:
    return {
        "uuids": array(uuids(len(links))),
        "images": array(link.image for link in links),
        "tags": array(link.tag for link in links),
        "values": array(link.value for link in links),
        "of": array({link.image for link in links}),
    }
