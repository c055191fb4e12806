"""What searches by filename, upload time, size and facts begin at."""

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import migrations, models
from django.db.models import F
from django.db.models.functions import Upper

from taggedimages.postgresql.operations import BuildIndex


class Migration(migrations.Migration):
    # Tables are large and in use.
    atomic = False
    dependencies = [("images", "0003_trigrams")]

    operations = [
        BuildIndex(
            "image",
            GinIndex(OpClass(Upper("filename"), "gin_trgm_ops"), name="image_filename_part"),
        ),
        BuildIndex(
            "image",
            models.Index(
                F("uploaded_at").desc(nulls_last=True), F("id").desc(), name="image_last_uploaded"
            ),
        ),
        BuildIndex("image", models.Index(fields=["size", "id"], name="image_by_size")),
        BuildIndex("facts", models.Index(fields=["format"], name="facts_format")),
    ]
