"""The order of tags by name with their ids, in place of an index that had names alone."""

from django.contrib.postgres.operations import RemoveIndexConcurrently
from django.db import migrations, models

from taggedimages.postgresql.operations import BuildIndex


class Migration(migrations.Migration):
    # The table is large and in use.
    atomic = False
    dependencies = [("tags", "0008_oldest_first")]

    operations = [
        BuildIndex(
            "tag", models.Index(fields=["folded", "name"], include=["id"], name="tag_by_name")
        ),
        RemoveIndexConcurrently("tag", "tag_alphabetical"),
    ]
