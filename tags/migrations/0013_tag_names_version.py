"""The version of the tags' names under a model that says so; its table and trigger stay."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("tags", "0012_counters")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RenameModel("Vocabulary", "TagNamesVersion"),
                migrations.AlterModelTable("TagNamesVersion", "tags_vocabulary"),
            ],
        ),
    ]
