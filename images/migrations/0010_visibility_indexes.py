"""The walks through what everybody sees, what members of a project see besides, and what one creator
does."""

from django.db import migrations, models
from django.db.models import F, Q

from taggedimages.postgresql.operations import BuildIndex


class Migration(migrations.Migration):
    # Indexes of a large live table are built beside its work.
    atomic = False
    dependencies = [("images", "0009_visibility")]

    operations = [
        BuildIndex(
            "image",
            models.Index(
                F("created_at").desc(),
                F("id").desc(),
                name="image_public",
                condition=Q(visibility=0, ended_at=None),
            ),
        ),
        BuildIndex(
            "image",
            models.Index(
                F("project"),
                F("created_at").desc(),
                F("id").desc(),
                name="image_of_members",
                condition=Q(visibility=1, ended_at=None),
            ),
        ),
        BuildIndex(
            "image",
            models.Index(
                F("created_by"),
                F("created_at").desc(),
                F("id").desc(),
                name="image_private",
                condition=Q(visibility=2, ended_at=None),
            ),
        ),
        BuildIndex(
            "image",
            models.Index(
                F("project"),
                F("created_by"),
                name="image_private_of_project",
                condition=Q(visibility=2, ended_at=None),
            ),
        ),
    ]
