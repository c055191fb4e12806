"""Links carry the creation time and the audience of their image, which the database keeps.

So the images with a tag are walked in their order, and only those that a caller may see, without
looking at any image. Columns first; 0004 fills them, 0005 builds the index.
"""

from django.db import migrations, models

FOLLOW = """
CREATE FUNCTION tags_describe_link() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER describe BEFORE INSERT ON tags_imagetag
    FOR EACH ROW WHEN (NEW.image_created_at IS NULL) EXECUTE FUNCTION tags_describe_link();
CREATE TRIGGER describe_again BEFORE UPDATE OF image_id ON tags_imagetag
    FOR EACH ROW WHEN (NEW.image_id <> OLD.image_id) EXECUTE FUNCTION tags_describe_link();

CREATE FUNCTION tags_follow_image() RETURNS trigger LANGUAGE plpgsql AS $$
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

UNFOLLOW = """
DROP TRIGGER followed_by_links ON images_image;
DROP TRIGGER describe_again ON tags_imagetag;
DROP TRIGGER describe ON tags_imagetag;
DROP FUNCTION tags_follow_image();
DROP FUNCTION tags_describe_link();
"""


class Migration(migrations.Migration):
    dependencies = [("tags", "0002_ledger"), ("images", "0002_audience")]

    operations = [
        migrations.AddField(
            "imagetag", "image_created_at", models.DateTimeField(null=True, editable=False)
        ),
        migrations.AddField(
            "imagetag", "audience", models.BigIntegerField(null=True, editable=False)
        ),
        migrations.RunSQL(FOLLOW, UNFOLLOW),
    ]
