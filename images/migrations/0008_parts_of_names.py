"""Parts of names and of descriptions, in any case; empty descriptions are not in the index."""

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import migrations
from django.db.models import Q
from django.db.models.functions import Upper

from taggedimages.postgresql.operations import BuildIndex


class Migration(migrations.Migration):
    # The table is large and in use.
    atomic = False
    dependencies = [("images", "0007_albums_in_any_case")]

    operations = [
        BuildIndex(
            "image", GinIndex(OpClass(Upper("name"), "gin_trgm_ops"), name="image_name_part")
        ),
        BuildIndex(
            "image",
            GinIndex(
                OpClass(Upper("description"), "gin_trgm_ops"),
                name="image_description_part",
                condition=~Q(description=""),
            ),
        ),
    ]
