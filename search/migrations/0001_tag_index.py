"""The tag index and the triggers that tell it of every change, whatever made it.

A database that has images gets an empty index that is not trusted: the worker builds it, and
until then searches count row by row.
"""

import django.contrib.postgres.fields
from django.db import migrations, models

import search.models

WATCH = """
ALTER TABLE search_bitmap SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
ALTER TABLE search_unindexed SET (autovacuum_vacuum_scale_factor = 0,
                                  autovacuum_vacuum_threshold = 2000);
ALTER TABLE search_unindexed ALTER added SET DEFAULT '{}', ALTER removed SET DEFAULT '{}';

CREATE FUNCTION search_links_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO search_unindexed (image_id, added)
        SELECT image_id, array_agg(tag_id) FROM new_links GROUP BY image_id;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO search_unindexed (image_id, removed)
        SELECT image_id, array_agg(tag_id) FROM old_links GROUP BY image_id;
    ELSE
        -- Values are not indexed; a link whose pair was changed went and came.
        INSERT INTO search_unindexed (image_id, removed)
        SELECT o.image_id, array_agg(o.tag_id) FROM old_links o
        JOIN new_links n USING (id)
        WHERE (n.image_id, n.tag_id) <> (o.image_id, o.tag_id) GROUP BY o.image_id;
        INSERT INTO search_unindexed (image_id, added)
        SELECT n.image_id, array_agg(n.tag_id) FROM old_links o
        JOIN new_links n USING (id)
        WHERE (n.image_id, n.tag_id) <> (o.image_id, o.tag_id) GROUP BY n.image_id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER index_added AFTER INSERT ON tags_imagetag
    REFERENCING NEW TABLE AS new_links
    FOR EACH STATEMENT EXECUTE FUNCTION search_links_changed();
CREATE TRIGGER index_removed AFTER DELETE ON tags_imagetag
    REFERENCING OLD TABLE AS old_links
    FOR EACH STATEMENT EXECUTE FUNCTION search_links_changed();
CREATE TRIGGER index_changed AFTER UPDATE ON tags_imagetag
    REFERENCING OLD TABLE AS old_links NEW TABLE AS new_links
    FOR EACH STATEMENT EXECUTE FUNCTION search_links_changed();

CREATE FUNCTION search_images_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO search_unindexed (image_id) SELECT id FROM new_images;
    RETURN NULL;
END $$;
CREATE TRIGGER index_added AFTER INSERT ON images_image
    REFERENCING NEW TABLE AS new_images
    FOR EACH STATEMENT EXECUTE FUNCTION search_images_added();

CREATE FUNCTION search_image_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO search_unindexed (image_id) VALUES (OLD.id);
    RETURN NULL;
END $$;
CREATE TRIGGER index_changed
    AFTER UPDATE OF private, ended_at, created_by_id, uploaded_at ON images_image
    FOR EACH ROW WHEN (
        (OLD.uploaded_at IS NULL) <> (NEW.uploaded_at IS NULL)
        OR images_audience(OLD.private, OLD.ended_at, OLD.created_by_id)
           IS DISTINCT FROM images_audience(NEW.private, NEW.ended_at, NEW.created_by_id))
    EXECUTE FUNCTION search_image_changed();
CREATE TRIGGER index_removed AFTER DELETE ON images_image
    FOR EACH ROW EXECUTE FUNCTION search_image_changed();

INSERT INTO search_rebuild (asked_at) SELECT now() WHERE EXISTS (SELECT FROM images_image);
"""

UNWATCH = """
DROP TRIGGER index_removed ON images_image;
DROP TRIGGER index_changed ON images_image;
DROP TRIGGER index_added ON images_image;
DROP TRIGGER index_changed ON tags_imagetag;
DROP TRIGGER index_removed ON tags_imagetag;
DROP TRIGGER index_added ON tags_imagetag;
DROP FUNCTION search_image_changed();
DROP FUNCTION search_images_added();
DROP FUNCTION search_links_changed();
"""


class Migration(migrations.Migration):
    initial = True
    dependencies = [("tags", "0006_vocabulary_version")]

    operations = [
        migrations.CreateModel(
            name="Bitmap",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "set",
                        "block",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("set", models.BigIntegerField()),
                ("block", models.IntegerField()),
                ("bits", search.models.BitField()),
            ],
        ),
        migrations.CreateModel(
            name="SetSize",
            fields=[
                ("set", models.BigIntegerField(primary_key=True, serialize=False)),
                ("links", models.BigIntegerField(default=0)),
                ("shown", models.BigIntegerField(default=0)),
                ("heavy", models.BooleanField(default=False)),
            ],
        ),
        migrations.CreateModel(
            name="Unindexed",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("image_id", models.BigIntegerField()),
                (
                    "added",
                    django.contrib.postgres.fields.ArrayField(
                        models.BigIntegerField(), default=list
                    ),
                ),
                (
                    "removed",
                    django.contrib.postgres.fields.ArrayField(
                        models.BigIntegerField(), default=list
                    ),
                ),
            ],
            options={"verbose_name_plural": "unindexed"},
        ),
        migrations.CreateModel(
            name="Rebuild",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("asked_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.RunSQL(WATCH, UNWATCH),
    ]
