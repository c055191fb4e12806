"""Which request left the worker something to do about an image."""

from django.db import migrations, models

from taggedimages.monitoring import request_ids
from taggedimages.postgresql.operations import RunBriefly


class Migration(migrations.Migration):
    # The table may be large, and is in use.
    atomic = False
    dependencies = [("images", "0019_registered")]

    operations = [
        RunBriefly(
            "ALTER TABLE images_image ADD COLUMN IF NOT EXISTS request_id varchar(64)",
            "ALTER TABLE images_image DROP COLUMN IF EXISTS request_id",
            state_operations=[
                migrations.AddField(
                    "image",
                    "request_id",
                    models.CharField(
                        max_length=64, null=True, default=request_ids.current, editable=False
                    ),
                )
            ],
        )
    ]
