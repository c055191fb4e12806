"""Albums by id in any case (contract SharinPix, `q`); images of the default one are not in it."""

from django.db import migrations, models
from django.db.models import Q
from django.db.models.functions import Upper

from taggedimages.postgresql.operations import BuildIndex


class Migration(migrations.Migration):
    # The table is large and in use.
    atomic = False
    dependencies = [("images", "0006_lists_of_dialects")]

    operations = [
        BuildIndex(
            "image",
            models.Index(
                Upper("album_id"), name="image_album_any_case", condition=~Q(album_id="default")
            ),
        ),
    ]
