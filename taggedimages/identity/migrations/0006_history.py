"""The mark of this history of the database (taggedimages.postgresql.history): one row."""

from django.db import migrations, models

FIRST = """
INSERT INTO identity_history (id, mark) VALUES (1, gen_random_uuid()) ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):
    dependencies = [("identity", "0005_kept_answers")]

    operations = [
        migrations.CreateModel(
            name="History",
            fields=[
                ("id", models.SmallIntegerField(primary_key=True, serialize=False)),
                ("mark", models.UUIDField()),
                ("put_back_at", models.DateTimeField(null=True)),
            ],
            options={"default_permissions": ()},
        ),
        migrations.RunSQL(FIRST, migrations.RunSQL.noop),
    ]
