"""Which request left the worker something to do about a change."""

from django.db import migrations, models

from taggedimages.monitoring import request_ids
from taggedimages.postgresql.operations import RunBriefly


class Migration(migrations.Migration):
    # The table may be large, and is in use.
    atomic = False
    dependencies = [("changes", "0006_unsettled")]

    operations = [
        RunBriefly(
            "ALTER TABLE changes_change ADD COLUMN IF NOT EXISTS request_id varchar(64)",
            "ALTER TABLE changes_change DROP COLUMN IF EXISTS request_id",
            state_operations=[
                migrations.AddField(
                    "change",
                    "request_id",
                    models.CharField(
                        max_length=64, null=True, default=request_ids.current, editable=False
                    ),
                )
            ],
        )
    ]
