"""What is counted of callers, and what signed writes were answered.

Counts are not logged: they are worth less than the writing of a log, and a crash may forget them.
Their rows change much and in place, for which pages have room.
"""

import django.contrib.postgres.fields
from django.db import migrations, models

UNLOGGED = """
ALTER TABLE identity_bucket SET UNLOGGED;
ALTER TABLE identity_bucket SET (fillfactor = 50);
ALTER TABLE identity_attempts SET UNLOGGED;
ALTER TABLE identity_attempts SET (fillfactor = 50);
"""


class Migration(migrations.Migration):
    dependencies = [("identity", "0002_project_numbers")]

    operations = [
        migrations.CreateModel(
            name="Attempts",
            fields=[
                ("key", models.BinaryField(max_length=16, primary_key=True, serialize=False)),
                (
                    "at",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.DateTimeField(), size=None
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Bucket",
            fields=[
                ("key", models.BinaryField(max_length=16, primary_key=True, serialize=False)),
                ("full_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="SignedAnswer",
            fields=[
                ("key", models.BinaryField(max_length=32, primary_key=True, serialize=False)),
                ("expires_at", models.DateTimeField(db_index=True)),
                ("status", models.SmallIntegerField(default=0)),
                ("headers", models.JSONField(default=dict)),
                ("body", models.TextField(default="")),
            ],
        ),
        migrations.RunSQL(UNLOGGED, migrations.RunSQL.noop),
    ]
