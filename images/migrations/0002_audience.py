"""Whom an image is shown to as one number, and the walks through what one audience sees.

`images_audience` says what `ImageQuerySet.visible_to` says of images without an end: 0 is
everybody, another number the user whose private image it is, -1 staff alone; null: it has an end,
and whether that has come is judged image by image.
"""

from django.db import migrations, models
from django.db.models import F, Q

from taggedimages.postgresql.operations import BuildIndex

AUDIENCE = """
CREATE FUNCTION images_audience(private boolean, ended_at timestamptz, created_by bigint)
RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN ended_at IS NOT NULL THEN NULL WHEN NOT private THEN 0
                ELSE COALESCE(created_by, -1) END
$$
"""
DROP_AUDIENCE = "DROP FUNCTION images_audience(boolean, timestamptz, bigint)"


class Migration(migrations.Migration):
    # Indexes of a large live table are built beside its work.
    atomic = False
    dependencies = [("images", "0001_initial")]

    operations = [
        migrations.RunSQL(AUDIENCE, DROP_AUDIENCE),
        BuildIndex(
            "image",
            models.Index(
                F("created_at").desc(),
                F("id").desc(),
                name="image_shown",
                condition=Q(private=False, ended_at=None),
            ),
        ),
        BuildIndex(
            "image",
            models.Index(
                F("created_by"),
                F("created_at").desc(),
                F("id").desc(),
                name="image_own_private",
                condition=Q(private=True, ended_at=None),
            ),
        ),
        BuildIndex(
            "image",
            models.Index(
                fields=["ended_at"], name="image_ending", condition=Q(ended_at__isnull=False)
            ),
        ),
    ]
