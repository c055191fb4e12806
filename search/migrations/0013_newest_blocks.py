"""The blocks with the newest images, of which pages are made."""

from django.db import migrations, models

from taggedimages.postgresql.operations import BuildIndex


class Migration(migrations.Migration):
    # The table is in use.
    atomic = False
    dependencies = [("search", "0012_tags_by_links")]

    operations = [
        BuildIndex("blockspan", models.Index(fields=["created_max"], name="blockspan_newest"))
    ]
