"""Images read as members of a release, some thousand at a time, in the state that the caller's
transaction sees."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from taggedimages.datasets.members import Member
from taggedimages.postgresql.bulk import array
from tags.ledger import REDACTED
from tags.past import links, vocabulary

# Names that are kept in memory at a time.
NAMES_MOST = 100_000

# Who has everything that a line says, and a file that stays as it is: inspected and whole. No URL
# for uploads changes it: what came by one was moved away from it, and that of what came in one
# request takes these very bytes alone (`images.storage.presign_put_back`).
IMAGES = """
SELECT i.id, i.uuid::text, i.filename, i.size, f.format, f.width, f.height,
       encode(f.sha256, 'hex'), i.key,
       coalesce(i.uploaded_at IS NOT NULL AND i.processed_at IS NOT NULL AND i.upload_error = ''
                AND f.problem = '' AND f.sha256 IS NOT NULL, false)
FROM images_image i LEFT JOIN images_facts f ON f.image_id = i.id
WHERE i.id = ANY(%s::bigint[]) ORDER BY i.id
"""
# Of each image all tags, and apart those that have a value, with these in the same order.
LINKS = """
SELECT image_id, array_agg(tag_id), array_agg(tag_id) FILTER (WHERE value <> ''),
       array_agg(value) FILTER (WHERE value <> '')
FROM tags_imagetag WHERE image_id = ANY(%s::bigint[]) GROUP BY image_id
"""
# An alias by its target's.
NAMES = """
SELECT t.id, coalesce(target.name, t.name)
FROM tags_tag t LEFT JOIN tags_tag target ON target.id = t.alias_of_id
WHERE t.id = ANY(%s::bigint[])
"""


class Tags(NamedTuple):
    """The given tags of an image by id, and those with a value."""

    ids: Sequence[int]
    values: Sequence[tuple[int, str]]


class NamedTags(NamedTuple):
    """The same by name, an alias by its target's, each once; [tag, value] of those with one. Both
    are sorted."""

    names: list[str]
    values: list[list[str]]


class Read(NamedTuple):
    """Some images: the members that they make, and those that are not ready to be members."""

    members: list[Member]
    unready: list[int]


class Reader:
    """Reads images lot after lot within one transaction: with their tags as they are, or
    as they were at an instant."""

    def __init__(self, as_of: datetime | None = None) -> None:
        self._tags = TagReader(as_of)

    def read(self, images: Sequence[int]) -> Read:
        """Some images, in ascending order of their ids. Some statements."""
        rows = _rows(IMAGES, images)
        ready = [row for row in rows if row[-1]]
        tags = self._tags.of([row[0] for row in ready])
        members = [_member(row, tags.get(row[0])) for row in ready]
        return Read(members, [row[0] for row in rows if not row[-1]])


class TagReader:
    """Reads the tags of images lot after lot within one transaction: as they are, or as they were
    at an instant, with the names of then."""

    def __init__(self, as_of: datetime | None = None) -> None:
        self._as_of = as_of
        self._names: dict[int, str] = {}

    def of(self, images: Sequence[int]) -> dict[int, NamedTags]:
        """The tags of those of some images that have any. Two statements, or some more."""
        tags = self._tags_of(images)
        self._learn(tag for one in tags.values() for tag in one.ids)
        return {image: self._named(one) for image, one in tags.items()}

    def _named(self, tags: Tags) -> NamedTags:
        known = self._names
        # Few tags have a value.
        pairs = {(known[tag], value) for tag, value in tags.values} if tags.values else ()
        return NamedTags(
            sorted({known[tag] for tag in tags.ids}), [list(pair) for pair in sorted(pairs)]
        )

    def _tags_of(self, images: Sequence[int]) -> dict[int, Tags]:
        if self._as_of is None:
            return _tags_of(images)
        then = links.of_images(images, self._as_of)
        return {
            image: Tags(
                [link.tag_id for link in linked],
                [(link.tag_id, link.value) for link in linked if link.value],
            )
            for image, linked in then.items()
        }

    def _learn(self, tags: Iterable[int]) -> None:
        """Have the names of some tags at hand."""
        wanted = set(tags)
        if wanted <= self._names.keys():
            return
        if len(self._names) > NAMES_MOST:
            self._names.clear()
        missing = wanted - self._names.keys()
        if self._as_of is None:
            self._names.update(_rows(NAMES, missing))
        else:
            self._names.update(_names_then(missing, self._as_of))


def _member(row: Sequence[Any], tags: NamedTags | None) -> Member:
    image, uuid, name, size, format_, width, height, sha256, key, _ = row
    names, values = tags or ([], [])
    return Member(image, uuid, name, size, format_, width, height, sha256, names, values, key)


def _tags_of(images: Sequence[int]) -> dict[int, Tags]:
    return {
        image: Tags(ids, list(zip(valued, values, strict=True)) if valued else ())
        for image, ids, valued, values in _rows(LINKS, images)
    }


def _names_then(tags: set[int], as_of: datetime) -> dict[int, str]:
    """The names of tags at an instant, an alias by its target's."""
    meant = dict(zip(tags, tags, strict=True)) | vocabulary.targets(tags, as_of)
    names = vocabulary.names_of(meant.values(), as_of)
    return {tag: names.get(one, REDACTED) for tag, one in meant.items()}


def _rows(statement: str, ids: Iterable[int]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, [array(ids)])
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
