"""The deltas of counters belong to the tags that they count; their table stays as search made it.

Nothing is changed in the database. Without a dependency on search, whose migrations depend on
these: until its 0002 has run there is no such table, and nothing here needs it.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tags", "0011_valued_links")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="CounterDelta",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True,
                                primary_key=True,
                                serialize=False,
                                verbose_name="ID",
                            ),
                        ),
                        ("of", models.BigIntegerField()),
                        ("change", models.BigIntegerField()),
                    ],
                    options={"db_table": "search_tally"},
                )
            ]
        )
    ]
