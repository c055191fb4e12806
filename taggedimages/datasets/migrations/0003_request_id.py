"""Which request asked for a release."""

from django.db import migrations, models

from taggedimages.monitoring import request_ids
from taggedimages.postgresql.operations import RunBriefly


class Migration(migrations.Migration):
    # The table may be large, and is in use.
    atomic = False
    dependencies = [("datasets", "0002_held_stays")]

    operations = [
        RunBriefly(
            "ALTER TABLE datasets_release ADD COLUMN IF NOT EXISTS request_id varchar(64)",
            "ALTER TABLE datasets_release DROP COLUMN IF EXISTS request_id",
            state_operations=[
                migrations.AddField(
                    "release",
                    "request_id",
                    models.CharField(
                        max_length=64, null=True, default=request_ids.current, editable=False
                    ),
                )
            ],
        )
    ]
