"""Deleted images whose files somebody holds, and since when."""

from django.db import migrations, models
from django.db.models import Q

from taggedimages.postgresql.operations import BuildIndex, RunBriefly


class Migration(migrations.Migration):
    # The table is large and in use.
    atomic = False
    dependencies = [("images", "0017_failures")]

    operations = [
        RunBriefly(
            "ALTER TABLE images_image ADD COLUMN IF NOT EXISTS held_at timestamptz",
            "ALTER TABLE images_image DROP COLUMN IF EXISTS held_at",
            state_operations=[
                migrations.AddField(
                    "image", "held_at", models.DateTimeField(editable=False, null=True)
                )
            ],
        ),
        BuildIndex(
            "image",
            models.Index(fields=["id"], name="image_held", condition=Q(held_at__isnull=False)),
        ),
    ]
