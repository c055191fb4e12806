"""What lists of an album, and by name, begin at."""

from django.db import migrations, models
from django.db.models import F, Q

from taggedimages.postgresql.operations import BuildIndex


class Migration(migrations.Migration):
    # The table is large and in use.
    atomic = False
    dependencies = [("images", "0005_filename_order")]

    operations = [
        BuildIndex(
            "image",
            models.Index(
                F("project"),
                F("album_id"),
                F("created_at").desc(),
                F("id").desc(),
                name="image_of_album",
                condition=~Q(album_id="default"),
            ),
        ),
        BuildIndex("image", models.Index(fields=["name"], name="image_by_name")),
    ]
