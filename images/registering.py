"""Records of files that exist already, many in one statement."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from images.models import Image
from taggedimages.postgresql.bulk import array, uuids

# Not the model's own way of saving: that takes longer for each record than the database does.
REGISTER = """
INSERT INTO images_image (
    uuid, key, filename, name, description, size, private, created_at, uploaded_at, {columns}
)
SELECT uuid, key, filename, filename, description, size, private,
    created_at, uploaded_at, {values}
FROM unnest(
    %s::uuid[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::boolean[],
    %s::timestamptz[], %s::timestamptz[]
) AS files (uuid, key, filename, description, size, private, created_at, uploaded_at)
ON CONFLICT (key) DO NOTHING
RETURNING key, id
"""


class File(NamedTuple):
    """What the record of one file says that others do not."""

    key: str
    filename: str
    description: str
    size: int
    private: bool
    created_at: datetime
    uploaded_at: datetime


def register(files: Sequence[File], common: Image) -> dict[str, int]:
    """Make records of files in this order; the ids by key, without keys that have a record.

    All else is as in `common`, a record that is not saved itself.
    """
    if not files:
        return {}
    shared = _shared(common)
    statement = REGISTER.format(columns=", ".join(shared), values=", ".join(["%s"] * len(shared)))
    columns = [uuids(len(files)), *zip(*files, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(statement, [*shared.values(), *map(array, columns)])
        return dict(cursor.fetchall())


def _shared(common: Image) -> dict[str, Any]:
    """The columns that no File names, as they are stored."""
    own = {"id", "uuid", "name", *File._fields}
    return {
        field.column: field.get_db_prep_save(field.pre_save(common, add=True), connection)
        for field in Image._meta.concrete_fields
        if field.column and field.column not in own
    }
