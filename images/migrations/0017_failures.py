"""Files that were refused or cannot be read, among very many that are in order."""

from django.db import migrations, models
from django.db.models import Q

from taggedimages.postgresql.operations import BuildIndex


class Migration(migrations.Migration):
    # The tables are large and in use.
    atomic = False
    dependencies = [("images", "0016_subject")]

    operations = [
        BuildIndex(
            "image",
            models.Index(
                fields=["project", "id"],
                name="image_refused",
                condition=Q(upload_error__gt="", deleted_at=None),
            ),
        ),
        BuildIndex(
            "facts",
            models.Index(fields=["image"], name="facts_unreadable", condition=Q(problem__gt="")),
        ),
    ]
