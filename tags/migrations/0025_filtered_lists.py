"""Indexes for lists of tags by category and by status, which most tags pay nothing for."""

from django.db import migrations, models
from django.db.models import Q

from taggedimages.postgresql.operations import BuildIndex


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("tags", "0024_tag_sets")]

    operations = [
        BuildIndex(
            "tag",
            models.Index(
                fields=["category", "folded", "name"],
                name="tag_by_category",
                condition=~Q(category=""),
            ),
        ),
        BuildIndex(
            "tag",
            models.Index(
                fields=["status", "folded", "name"],
                name="tag_by_status",
                condition=~Q(status="active"),
            ),
        ),
    ]
