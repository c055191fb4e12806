"""Fill what 0003 added, in short transactions that can be repeated."""

from typing import Any

from django.db import migrations

# Images at a time, about 12 links each.
BATCH = 2_000

DESCRIBE = """
UPDATE tags_imagetag l
SET image_created_at = i.created_at,
    audience = images_audience(i.private, i.ended_at, i.created_by_id)
FROM images_image i
WHERE i.id = l.image_id AND l.image_id >= %s AND l.image_id < %s AND l.image_created_at IS NULL
"""


def describe(apps: Any, schema_editor: Any) -> None:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT min(image_id), max(image_id) FROM tags_imagetag")
        first, last = cursor.fetchone()
        if first is not None:
            for start in range(first, last + 1, BATCH):
                cursor.execute(DESCRIBE, [start, start + BATCH])


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("tags", "0003_link_audience")]

    operations = [migrations.RunPython(describe, migrations.RunPython.noop)]
