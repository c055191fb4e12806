"""Which files are of one patient, by a pseudonym; and the key that it is made with.

Files of before get one when they are inspected again: `manage.py reprocess --ready`.
"""

from django.db import migrations, models

from taggedimages.postgresql.operations import RunBriefly

KEY = """
CREATE TABLE IF NOT EXISTS images_subjectkey (
    id smallint NOT NULL PRIMARY KEY,
    encrypted_key bytea NOT NULL
)
"""


class Migration(migrations.Migration):
    # The table is large and in use.
    atomic = False
    dependencies = [("images", "0015_registered_at")]

    operations = [
        RunBriefly(
            KEY,
            "DROP TABLE IF EXISTS images_subjectkey",
            state_operations=[
                migrations.CreateModel(
                    "SubjectKey",
                    [
                        ("id", models.SmallIntegerField(primary_key=True, serialize=False)),
                        ("encrypted_key", models.BinaryField(editable=False)),
                    ],
                )
            ],
        ),
        RunBriefly(
            "ALTER TABLE images_facts ADD COLUMN IF NOT EXISTS subject bytea",
            "ALTER TABLE images_facts DROP COLUMN IF EXISTS subject",
            state_operations=[
                migrations.AddField(
                    "facts",
                    "subject",
                    models.BinaryField(editable=False, max_length=16, null=True),
                )
            ],
        ),
    ]
