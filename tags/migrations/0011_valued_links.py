"""The images with a tag of one value (contract IMS); links without a value are not in it."""

from django.db import migrations, models
from django.db.models import F, Q

from taggedimages.postgresql.operations import BuildIndex


class Migration(migrations.Migration):
    # The table is large and in use.
    atomic = False
    dependencies = [("tags", "0010_common_parts")]

    operations = [
        BuildIndex(
            "imagetag",
            models.Index(
                F("tag"),
                F("value"),
                F("image_created_at").desc(),
                F("image").desc(),
                name="imagetag_valued",
                include=["audience"],
                condition=~Q(value=""),
            ),
        ),
    ]
