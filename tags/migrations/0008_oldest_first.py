"""Tags and links by age (contract SharinPix); new ones are appended to such an index."""

from django.db import migrations, models

from taggedimages.postgresql.operations import BuildIndex


class Migration(migrations.Migration):
    # The tables are large and in use.
    atomic = False
    dependencies = [("tags", "0007_parts_of_names")]

    operations = [
        BuildIndex("tag", models.Index(fields=["created_at", "id"], name="tag_oldest_first")),
        BuildIndex(
            "imagetag", models.Index(fields=["created_at", "id"], name="imagetag_oldest_first")
        ),
    ]
