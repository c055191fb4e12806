"""When a record came, which an import's own dates do not tell. Of records of before nobody knows.

The column comes without a default, so that the rows that are there stay as they are.
"""

import django.db.models.functions.datetime
from django.db import migrations, models

from taggedimages.postgresql.operations import RunBriefly

ADD = """
ALTER TABLE images_image ADD COLUMN IF NOT EXISTS registered_at timestamptz;
ALTER TABLE images_image ALTER COLUMN registered_at SET DEFAULT statement_timestamp();
CREATE OR REPLACE FUNCTION images_refuse_redating() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'when image % was registered is for good', OLD.id
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE OR REPLACE TRIGGER no_redating AFTER UPDATE OF registered_at ON images_image
    FOR EACH ROW WHEN (OLD.registered_at IS DISTINCT FROM NEW.registered_at)
    EXECUTE FUNCTION images_refuse_redating();
"""
DROP = """
DROP TRIGGER IF EXISTS no_redating ON images_image;
DROP FUNCTION IF EXISTS images_refuse_redating();
ALTER TABLE images_image DROP COLUMN IF EXISTS registered_at;
"""


class Migration(migrations.Migration):
    # The table is large and in use.
    atomic = False
    dependencies = [("images", "0014_folded_texts")]

    operations = [
        RunBriefly(
            ADD,
            DROP,
            state_operations=[
                migrations.AddField(
                    "image",
                    "registered_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        null=True,
                    ),
                )
            ],
        )
    ]
