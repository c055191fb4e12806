"""Changes that somebody may have to see to, among very many that are done with."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("changes", "0005_records")]

    operations = [
        migrations.AddIndex(
            "change",
            models.Index(
                fields=["project", "id"],
                name="change_unsettled",
                condition=Q(state__in=["planning", "planned", "applying", "stopped", "failed"]),
            ),
        ),
    ]
