"""Which links of a tag came or went since an instant, and what became of all tags since then
(search.executor.past): at the end of an index for each tag that a request writes, and in a summary
of the ledger's pages."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import migrations, models
from django.db.models import Q

from taggedimages.postgresql.operations import BuildIndex


class Migration(migrations.Migration):
    # The ledger is large and in use.
    atomic = False
    dependencies = [("tags", "0026_followed_at_once")]

    operations = [
        BuildIndex(
            "tagchange",
            models.Index(
                fields=["tag_id", "changed_at"],
                name="tagchange_of_tag",
                include=["image_id"],
                condition=Q(old_value=None) | Q(new_value=None),
            ),
        ),
        BuildIndex(
            "tagchange",
            BrinIndex(
                fields=["changed_at"],
                name="tagchange_by_time",
                pages_per_range=64,
                autosummarize=True,
            ),
        ),
    ]
