"""A number that changes whenever a name does, so that names can be kept in memory.

From a sequence, whose numbers never come twice: what a transaction read that was then rolled back
is not taken for what another commits.
"""

from django.db import migrations, models

BUMP = """
CREATE SEQUENCE tags_vocabulary_version;
CREATE FUNCTION tags_new_vocabulary() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tags_vocabulary (id, version) VALUES (1, nextval('tags_vocabulary_version'))
    ON CONFLICT (id) DO UPDATE SET version = EXCLUDED.version;
    RETURN NULL;
END $$;
CREATE TRIGGER new_vocabulary AFTER UPDATE OF name ON tags_tag
    FOR EACH ROW WHEN (OLD.name <> NEW.name) EXECUTE FUNCTION tags_new_vocabulary();
"""

UNBUMP = """
DROP TRIGGER new_vocabulary ON tags_tag;
DROP FUNCTION tags_new_vocabulary();
DROP SEQUENCE tags_vocabulary_version;
"""


class Migration(migrations.Migration):
    dependencies = [("tags", "0005_walk_links")]

    operations = [
        migrations.CreateModel(
            name="Vocabulary",
            fields=[
                ("id", models.SmallIntegerField(primary_key=True, serialize=False)),
                ("version", models.BigIntegerField()),
            ],
        ),
        migrations.RunSQL(BUMP, UNBUMP),
    ]
