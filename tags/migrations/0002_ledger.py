"""The database keeps the ledger itself: no door, cascade or plain SQL goes unrecorded.

Statement triggers with transition tables cost one insert a statement, however many links it
changes. Deleting a tag removes its links first, while its name can still be read.

Lines count up in the order of the changes. Within one statement that order is lost (MERGE and
writing CTEs report additions before removals), so one that removes and adds the same link at once
is refused.
"""

from django.db import migrations

FORWARDS = """
CREATE FUNCTION tags_record_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    author bigint := NULLIF(current_setting('taggedimages.user_id', true), '')::bigint;
    author_name text := COALESCE(NULLIF(current_setting('taggedimages.user_name', true), ''), '');
    door text := COALESCE(NULLIF(current_setting('taggedimages.through', true), ''), 'sql');
    change uuid := NULLIF(current_setting('taggedimages.change_id', true), '')::uuid;
    replaced boolean := false;
BEGIN
    IF change IS NULL THEN
        -- Unsigned statements of one transaction are one change.
        change := gen_random_uuid();
        PERFORM set_config('taggedimages.change_id', change::text, true);
    END IF;
    IF TG_OP = 'DELETE' THEN
        -- A subquery is one index probe a link, whatever plan the session has kept.
        replaced := EXISTS (
            SELECT FROM old_links o
            WHERE (SELECT true FROM tags_imagetag l
                   WHERE l.image_id = o.image_id AND l.tag_id = o.tag_id));
    ELSIF TG_OP = 'UPDATE' THEN
        replaced := EXISTS (
            SELECT FROM old_links o
            LEFT JOIN new_links n ON n.image_id = o.image_id AND n.tag_id = o.tag_id
            WHERE n.id IS NULL
              AND (SELECT true FROM tags_imagetag l
                   WHERE l.image_id = o.image_id AND l.tag_id = o.tag_id));
    END IF;
    IF replaced THEN
        RAISE EXCEPTION 'one statement removes and adds the same link: use two';
    END IF;
    IF TG_OP = 'INSERT' THEN
        INSERT INTO tags_tagchange (image_id, tag_id, tag_name, old_value, new_value,
                                    user_id, user_name, through, change_id)
        SELECT n.image_id, n.tag_id, t.name, NULL, n.value, author, author_name, door, change
        FROM new_links n JOIN tags_tag t ON t.id = n.tag_id ORDER BY n.id;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO tags_tagchange (image_id, tag_id, tag_name, old_value, new_value,
                                    user_id, user_name, through, change_id)
        SELECT o.image_id, o.tag_id, COALESCE(t.name, ''), o.value, NULL,
               author, author_name, door, change
        FROM old_links o LEFT JOIN tags_tag t ON t.id = o.tag_id ORDER BY o.id;
    ELSE
        -- A link whose pair was changed is one that went and one that came.
        INSERT INTO tags_tagchange (image_id, tag_id, tag_name, old_value, new_value,
                                    user_id, user_name, through, change_id)
        SELECT c.image_id, c.tag_id, COALESCE(t.name, ''), c.old_value, c.new_value,
               author, author_name, door, change
        FROM (SELECT COALESCE(n.image_id, o.image_id) AS image_id,
                     COALESCE(n.tag_id, o.tag_id) AS tag_id,
                     o.value AS old_value, n.value AS new_value
              FROM old_links o
              FULL JOIN new_links n ON n.image_id = o.image_id AND n.tag_id = o.tag_id
              WHERE o.value IS DISTINCT FROM n.value OR o.id IS NULL OR n.id IS NULL) c
        LEFT JOIN tags_tag t ON t.id = c.tag_id
        ORDER BY c.new_value IS NOT NULL, c.image_id, c.tag_id;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER record_added AFTER INSERT ON tags_imagetag
    REFERENCING NEW TABLE AS new_links
    FOR EACH STATEMENT EXECUTE FUNCTION tags_record_change();
CREATE TRIGGER record_removed AFTER DELETE ON tags_imagetag
    REFERENCING OLD TABLE AS old_links
    FOR EACH STATEMENT EXECUTE FUNCTION tags_record_change();
CREATE TRIGGER record_changed AFTER UPDATE ON tags_imagetag
    REFERENCING OLD TABLE AS old_links NEW TABLE AS new_links
    FOR EACH STATEMENT EXECUTE FUNCTION tags_record_change();

CREATE FUNCTION tags_refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF COALESCE(current_setting('taggedimages.may_truncate', true), '') <> 'on' THEN
        RAISE EXCEPTION 'TRUNCATE of % would go unrecorded', TG_TABLE_NAME
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON tags_imagetag
    FOR EACH STATEMENT EXECUTE FUNCTION tags_refuse_truncate();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON tags_tagchange
    FOR EACH STATEMENT EXECUTE FUNCTION tags_refuse_truncate();

CREATE FUNCTION tags_refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is never rewritten' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER no_rewriting BEFORE UPDATE OR DELETE ON tags_tagchange
    FOR EACH STATEMENT EXECUTE FUNCTION tags_refuse_rewriting();

CREATE FUNCTION tags_unlink_tag() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM tags_imagetag WHERE tag_id = OLD.id;
    RETURN OLD;
END $$;
CREATE TRIGGER unlink_first BEFORE DELETE ON tags_tag
    FOR EACH ROW EXECUTE FUNCTION tags_unlink_tag();

CREATE FUNCTION tags_unlink_image() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM tags_imagetag WHERE image_id = OLD.id;
    RETURN OLD;
END $$;
CREATE TRIGGER unlink_first BEFORE DELETE ON images_image
    FOR EACH ROW EXECUTE FUNCTION tags_unlink_image();
"""

BACKWARDS = """
DROP TRIGGER unlink_first ON images_image;
DROP TRIGGER unlink_first ON tags_tag;
DROP TRIGGER no_rewriting ON tags_tagchange;
DROP TRIGGER no_truncate ON tags_tagchange;
DROP TRIGGER no_truncate ON tags_imagetag;
DROP TRIGGER record_changed ON tags_imagetag;
DROP TRIGGER record_removed ON tags_imagetag;
DROP TRIGGER record_added ON tags_imagetag;
DROP FUNCTION tags_unlink_image();
DROP FUNCTION tags_unlink_tag();
DROP FUNCTION tags_refuse_rewriting();
DROP FUNCTION tags_refuse_truncate();
DROP FUNCTION tags_record_change();
"""


class Migration(migrations.Migration):
    dependencies = [("tags", "0001_initial")]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
