"""Aliases are found by their target; the rules of the columns are checked.

Nobody is kept from writing meanwhile, and a run that was killed is repeated.
"""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations, models

from taggedimages.postgresql.operations import BuildIndex


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("tags", "0020_vocabulary")]

    operations = [
        BuildIndex(
            "tag",
            models.Index(
                fields=["alias_of", "id"],
                name="tag_by_target",
                condition=models.Q(alias_of__isnull=False),
            ),
        ),
        ValidateConstraint("tag", "tag_alias_of_another"),
        ValidateConstraint("tag", "tag_status_is_one"),
        migrations.RunSQL(
            "ALTER TABLE tags_tag VALIDATE CONSTRAINT tags_tag_alias_of", migrations.RunSQL.noop
        ),
    ]
