"""Tallies of tags and of links, and the triggers that keep them; 0003 makes the first entries."""

from django.db import migrations, models

# Numbers as in search.sets: the vocabulary, and audience n at -10 - n.
KEEP = """
CREATE FUNCTION search_tags_counted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO search_tally (of, change) SELECT -4, count(*) FROM new_tags
        HAVING count(*) > 0;
    ELSE
        INSERT INTO search_tally (of, change) SELECT -4, -count(*) FROM old_tags
        HAVING count(*) > 0;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER count_added AFTER INSERT ON tags_tag
    REFERENCING NEW TABLE AS new_tags
    FOR EACH STATEMENT EXECUTE FUNCTION search_tags_counted();
CREATE TRIGGER count_removed AFTER DELETE ON tags_tag
    REFERENCING OLD TABLE AS old_tags
    FOR EACH STATEMENT EXECUTE FUNCTION search_tags_counted();

CREATE FUNCTION search_links_counted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO search_tally (of, change)
        SELECT -10 - audience, count(*) FROM new_links
        WHERE audience IS NOT NULL GROUP BY audience;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO search_tally (of, change)
        SELECT -10 - audience, -count(*) FROM old_links
        WHERE audience IS NOT NULL GROUP BY audience;
    ELSE
        INSERT INTO search_tally (of, change)
        SELECT -10 - audience, sum(change) FROM (
            SELECT audience, 1 AS change FROM new_links
            UNION ALL SELECT audience, -1 FROM old_links
        ) changes WHERE audience IS NOT NULL GROUP BY audience HAVING sum(change) <> 0;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER count_added AFTER INSERT ON tags_imagetag
    REFERENCING NEW TABLE AS new_links
    FOR EACH STATEMENT EXECUTE FUNCTION search_links_counted();
CREATE TRIGGER count_removed AFTER DELETE ON tags_imagetag
    REFERENCING OLD TABLE AS old_links
    FOR EACH STATEMENT EXECUTE FUNCTION search_links_counted();
CREATE TRIGGER count_changed AFTER UPDATE ON tags_imagetag
    REFERENCING OLD TABLE AS old_links NEW TABLE AS new_links
    FOR EACH STATEMENT EXECUTE FUNCTION search_links_counted();
"""

FORGET = """
DROP TRIGGER count_changed ON tags_imagetag;
DROP TRIGGER count_removed ON tags_imagetag;
DROP TRIGGER count_added ON tags_imagetag;
DROP FUNCTION search_links_counted();
DROP TRIGGER count_removed ON tags_tag;
DROP TRIGGER count_added ON tags_tag;
DROP FUNCTION search_tags_counted();
"""


class Migration(migrations.Migration):
    dependencies = [("search", "0001_tag_index"), ("tags", "0007_parts_of_names")]

    operations = [
        migrations.CreateModel(
            name="Tally",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("of", models.BigIntegerField()),
                ("change", models.BigIntegerField()),
            ],
            options={"verbose_name_plural": "tallies"},
        ),
        migrations.RunSQL(KEEP, FORGET),
    ]
