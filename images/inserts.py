"""New records at less cost than the model's own way of saving, which takes longer for each than the
database does: one, or those of many files that exist already."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection
from django.db.models.expressions import DatabaseDefault

from images.models import Image
from taggedimages.identity.models import Project
from taggedimages.postgresql.bulk import array, uuids
from taggedimages.postgresql.prepared import execute_prepared

INSERT_IMAGE = """
INSERT INTO images_image ({columns}) VALUES ({values})
RETURNING id, registered_at,
    EXISTS (SELECT FROM identity_project p WHERE p.id = images_image.project_id)
"""

INSERT_FILES = """
INSERT INTO images_image (
    uuid, key, filename, name, description, size, visibility, created_at, uploaded_at, {columns}
)
SELECT uuid, key, filename, filename, description, size, visibility,
    created_at, uploaded_at, {values}
FROM unnest(
    %s::uuid[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::smallint[],
    %s::timestamptz[], %s::timestamptz[]
) AS files (uuid, key, filename, description, size, visibility, created_at, uploaded_at)
ON CONFLICT (key) DO NOTHING
RETURNING key, id
"""


class File(NamedTuple):
    """What the record of one file says that others do not."""

    key: str
    filename: str
    description: str
    size: int
    visibility: int
    created_at: datetime
    uploaded_at: datetime


def register(files: Sequence[File], common: Image) -> dict[str, int]:
    """Make records of files in this order; the ids by key, without keys that have a record.

    All else is as in `common`, a record that is not saved itself.
    """
    if not files:
        return {}
    own = {"id", "uuid", "name", *File._fields}
    shared = {column: it for column, it in _stored(common).items() if column not in own}
    statement = INSERT_FILES.format(
        columns=", ".join(shared), values=", ".join(["%s"] * len(shared))
    )
    columns = [uuids(len(files)), *zip(*files, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(statement, [*shared.values(), *map(array, columns)])
        return dict(cursor.fetchall())


def insert(image: Image) -> None:
    """Store a new record, and tell it its id; within a transaction.

    That of anonymous authors may be the first of its project, which is made then.
    """
    stored = _stored(image)
    del stored["id"]
    marks = ", ".join(["%s"] * len(stored))
    statement = INSERT_IMAGE.format(columns=", ".join(stored), values=marks)
    with connection.cursor() as cursor:
        execute_prepared(cursor, statement, list(stored.values()))
        image.pk, image.registered_at, has_project = cursor.fetchone()
    if not has_project:
        # The key is checked when the transaction ends.
        Project.objects.get_or_create(id=image.project_id)
    image._state.adding, image._state.db = False, connection.alias


def _stored(image: Image) -> dict[str, Any]:
    """A new record by column, as it is stored: in types that the driver knows as they are; without
    what the database fills in."""
    stored = {
        str(field.column): field.pre_save(image, add=True) for field in Image._meta.concrete_fields
    }
    return {name: it for name, it in stored.items() if not isinstance(it, DatabaseDefault)}
