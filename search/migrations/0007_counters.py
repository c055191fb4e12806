"""The deltas of counters are a model of tags now; nothing is changed in the database."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("search", "0006_folds"), ("tags", "0012_counters")]

    operations = [
        migrations.SeparateDatabaseAndState(state_operations=[migrations.DeleteModel("Tally")])
    ]
