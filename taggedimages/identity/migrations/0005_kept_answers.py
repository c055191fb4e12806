"""What requests with an Idempotency-Key were answered; a table of its own, empty at first."""

from django.db import migrations, models

# Encrypted bytes do not get smaller, and trying takes time.
UNCOMPRESSED = "ALTER TABLE identity_keptanswer ALTER COLUMN answer SET STORAGE EXTERNAL"


class Migration(migrations.Migration):
    dependencies = [("identity", "0004_reserved_names")]

    operations = [
        migrations.CreateModel(
            name="KeptAnswer",
            fields=[
                ("scope", models.BinaryField(max_length=32, primary_key=True, serialize=False)),
                ("fingerprint", models.BinaryField(max_length=32)),
                ("status", models.SmallIntegerField(default=0)),
                ("claim", models.UUIDField(null=True)),
                ("answer", models.BinaryField(default=b"")),
                ("urls_until", models.DateTimeField(null=True)),
                ("expires_at", models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.RunSQL(UNCOMPRESSED, migrations.RunSQL.noop),
    ]
