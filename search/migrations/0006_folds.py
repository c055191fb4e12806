"""Which blocks of the tag index are new: what processes remember of all others goes on being right.
They remember when images were created, too, so a trigger tells of those that are dated anew.

Workers of before take changes in without saying so: they have to end first.
"""

import django.contrib.postgres.fields
from django.db import migrations, models

FIRST = """
INSERT INTO search_fold (id, blocks)
VALUES ((extract(epoch FROM clock_timestamp()) * 1000000)::bigint, '{}')
"""
WATCH = """
CREATE TRIGGER index_redated AFTER UPDATE OF created_at ON images_image
    FOR EACH ROW WHEN (OLD.created_at <> NEW.created_at)
    EXECUTE FUNCTION search_image_changed();
"""
UNWATCH = "DROP TRIGGER index_redated ON images_image"


class Migration(migrations.Migration):
    dependencies = [("search", "0005_projects")]

    operations = [
        migrations.CreateModel(
            name="Fold",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                (
                    "blocks",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.IntegerField(), size=None
                    ),
                ),
            ],
        ),
        migrations.RunSQL(FIRST, migrations.RunSQL.noop),
        migrations.RunSQL(WATCH, UNWATCH),
    ]
