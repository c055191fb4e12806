"""`visibility` says what `private` said; the triggers have taken it up."""

from django.contrib.postgres.operations import RemoveIndexConcurrently
from django.db import migrations

DROP_AUDIENCE = "DROP FUNCTION images_audience(boolean, timestamptz, bigint)"
AUDIENCE = """
CREATE FUNCTION images_audience(private boolean, ended_at timestamptz, created_by bigint)
RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN ended_at IS NOT NULL THEN NULL WHEN NOT private THEN 0
                ELSE COALESCE(created_by, -1) END
$$
"""


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ("images", "0010_visibility_indexes"),
        ("tags", "0014_audience_of_projects"),
        ("search", "0010_audience_of_projects"),
    ]

    operations = [
        RemoveIndexConcurrently("image", "image_shown"),
        RemoveIndexConcurrently("image", "image_own_private"),
        migrations.RemoveField("image", "private"),
        migrations.RunSQL(DROP_AUDIENCE, AUDIENCE),
    ]
