"""The order of a tag's images for each audience, in place of an index that had neither."""

from django.contrib.postgres.operations import (
    AddConstraintNotValid,
    RemoveIndexConcurrently,
    ValidateConstraint,
)
from django.db import migrations, models
from django.db.models import F, Q

from taggedimages.postgresql.operations import BuildIndex


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("tags", "0004_describe_links")]

    operations = [
        BuildIndex(
            "imagetag",
            models.Index(
                F("tag"),
                F("audience"),
                F("image_created_at").desc(),
                F("image").desc(),
                name="imagetag_walk",
            ),
        ),
        RemoveIndexConcurrently("imagetag", "imagetag_by_tag"),
        AddConstraintNotValid(
            "imagetag",
            models.CheckConstraint(
                condition=Q(image_created_at__isnull=False), name="imagetag_described"
            ),
        ),
        ValidateConstraint("imagetag", "imagetag_described"),
    ]
