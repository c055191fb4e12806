"""Shelves of the vocabulary, and the triggers that tell which tags came and went since.

There are none before the worker puts them up; until then, pages of tags are counted out.
"""

from django.db import migrations, models

KEEP = """
CREATE FUNCTION search_tags_shelved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO search_shelf (folded, name, starts, tags)
        SELECT folded, name, false, 1 FROM new_tags;
    ELSE
        INSERT INTO search_shelf (folded, name, starts, tags)
        SELECT folded, name, false, -1 FROM old_tags;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER shelf_added AFTER INSERT ON tags_tag
    REFERENCING NEW TABLE AS new_tags
    FOR EACH STATEMENT EXECUTE FUNCTION search_tags_shelved();
CREATE TRIGGER shelf_removed AFTER DELETE ON tags_tag
    REFERENCING OLD TABLE AS old_tags
    FOR EACH STATEMENT EXECUTE FUNCTION search_tags_shelved();

CREATE FUNCTION search_tag_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO search_shelf (folded, name, starts, tags)
    VALUES (OLD.folded, OLD.name, false, -1), (NEW.folded, NEW.name, false, 1);
    RETURN NULL;
END $$;
CREATE TRIGGER shelf_changed AFTER UPDATE OF folded, name ON tags_tag
    FOR EACH ROW WHEN (OLD.folded <> NEW.folded OR OLD.name <> NEW.name)
    EXECUTE FUNCTION search_tag_moved();
"""

FORGET = """
DROP TRIGGER shelf_changed ON tags_tag;
DROP TRIGGER shelf_removed ON tags_tag;
DROP TRIGGER shelf_added ON tags_tag;
DROP FUNCTION search_tag_moved();
DROP FUNCTION search_tags_shelved();
"""


class Migration(migrations.Migration):
    dependencies = [("search", "0003_first_tallies"), ("tags", "0010_common_parts")]

    operations = [
        migrations.CreateModel(
            name="Shelf",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("folded", models.TextField(db_collation="C")),
                ("name", models.TextField(db_collation="C")),
                ("starts", models.BooleanField()),
                ("tags", models.BigIntegerField()),
            ],
            options={"verbose_name_plural": "shelves"},
        ),
        migrations.RunSQL(KEEP, FORGET),
    ]
