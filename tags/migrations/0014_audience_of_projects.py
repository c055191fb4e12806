"""Links follow who is shown their image in three steps (images/0009)."""

from typing import Any

from django.db import migrations

# Images at a time, about 12 links each.
BATCH = 2_000

FOLLOW = """
DROP TRIGGER followed_by_links ON images_image;
CREATE OR REPLACE FUNCTION tags_describe_link() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Locked, so that an image that changes its audience right now finds this link.
    SELECT i.created_at, images_audience(i.visibility, i.ended_at, i.created_by_id, i.project_id)
    INTO NEW.image_created_at, NEW.audience
    FROM images_image i WHERE i.id = NEW.image_id FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no image %', NEW.image_id USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE FUNCTION tags_follow_image() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE tags_imagetag
    SET image_created_at = NEW.created_at,
        audience = images_audience(NEW.visibility, NEW.ended_at, NEW.created_by_id, NEW.project_id)
    WHERE image_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER followed_by_links
    AFTER UPDATE OF created_at, visibility, ended_at, created_by_id, project_id ON images_image
    FOR EACH ROW WHEN (
        OLD.created_at <> NEW.created_at
        OR images_audience(OLD.visibility, OLD.ended_at, OLD.created_by_id, OLD.project_id)
           IS DISTINCT FROM
           images_audience(NEW.visibility, NEW.ended_at, NEW.created_by_id, NEW.project_id))
    EXECUTE FUNCTION tags_follow_image();
"""

# Migration 0003's.
UNFOLLOW = """
DROP TRIGGER followed_by_links ON images_image;
CREATE OR REPLACE FUNCTION tags_describe_link() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Locked, so that an image that changes its audience right now finds this link.
    SELECT i.created_at, images_audience(i.private, i.ended_at, i.created_by_id)
    INTO NEW.image_created_at, NEW.audience
    FROM images_image i WHERE i.id = NEW.image_id FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no image %', NEW.image_id USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE FUNCTION tags_follow_image() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE tags_imagetag
    SET image_created_at = NEW.created_at,
        audience = images_audience(NEW.private, NEW.ended_at, NEW.created_by_id)
    WHERE image_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER followed_by_links
    AFTER UPDATE OF created_at, private, ended_at, created_by_id ON images_image
    FOR EACH ROW WHEN (
        OLD.created_at <> NEW.created_at
        OR images_audience(OLD.private, OLD.ended_at, OLD.created_by_id)
           IS DISTINCT FROM images_audience(NEW.private, NEW.ended_at, NEW.created_by_id))
    EXECUTE FUNCTION tags_follow_image();
"""

# The images whose links say an audience of before: a private one is now of a project, too.
HIDDEN = "SELECT id FROM images_image WHERE visibility <> 0 AND ended_at IS NULL ORDER BY id"
DESCRIBE = """
UPDATE tags_imagetag l
SET audience = images_audience(i.visibility, i.ended_at, i.created_by_id, i.project_id)
FROM images_image i
WHERE i.id = l.image_id AND l.image_id = ANY(%s) AND l.audience IS NOT NULL
"""


def describe(apps: Any, schema_editor: Any) -> None:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(HIDDEN)
        hidden = [image for (image,) in cursor.fetchall()]
        for start in range(0, len(hidden), BATCH):
            cursor.execute(DESCRIBE, [hidden[start : start + BATCH]])


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("tags", "0013_tag_names_version"), ("images", "0009_visibility")]

    operations = [
        migrations.RunSQL(FOLLOW, UNFOLLOW),
        migrations.RunPython(describe, migrations.RunPython.noop),
    ]
