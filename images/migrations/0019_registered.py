"""Which images came after an instant (search.executor.past)."""

from django.db import migrations, models

from taggedimages.postgresql.operations import BuildIndex


class Migration(migrations.Migration):
    # The table is large and in use.
    atomic = False
    dependencies = [("images", "0018_held_files")]

    operations = [
        BuildIndex(
            "image",
            models.Index(fields=["registered_at"], name="image_registered", include=["id"]),
        )
    ]
