"""Tags by how many links they have: facets look at those of the most, and at no others."""

from django.db import migrations, models

from taggedimages.postgresql.operations import BuildIndex


class Migration(migrations.Migration):
    # The table is in use.
    atomic = False
    dependencies = [("search", "0011_fields")]

    operations = [
        BuildIndex(
            "termstats",
            models.Index(fields=["has_bitmap", "link_count"], name="setsize_by_links"),
        )
    ]
