"""Finds tags by any part of their name, not only by how it begins."""

from django.contrib.postgres.indexes import GinIndex
from django.db import migrations

from taggedimages.postgresql.operations import BuildIndex


class Migration(migrations.Migration):
    # The table is large and in use.
    atomic = False
    dependencies = [("tags", "0006_vocabulary_version"), ("images", "0003_trigrams")]

    operations = [
        BuildIndex(
            "tag",
            GinIndex(fields=["folded"], opclasses=["gin_trgm_ops"], name="tag_folded_part"),
        )
    ]
