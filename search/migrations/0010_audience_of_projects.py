"""The tag index hears of who is shown an image in three steps (images/0009).

Images that are not for everybody are in other terms than before: where they are many, the worker
makes the index anew, and until then searches count row by row.
"""

from django.db import migrations

WATCH = """
DROP TRIGGER index_changed ON images_image;
CREATE TRIGGER index_changed
    AFTER UPDATE OF visibility, ended_at, created_by_id, uploaded_at ON images_image
    FOR EACH ROW WHEN (
        (OLD.uploaded_at IS NULL) <> (NEW.uploaded_at IS NULL)
        OR (OLD.visibility, OLD.created_by_id) IS DISTINCT FROM (NEW.visibility, NEW.created_by_id)
        OR (OLD.ended_at IS NULL) <> (NEW.ended_at IS NULL))
    EXECUTE FUNCTION search_image_changed();
"""
UNWATCH = """
DROP TRIGGER index_changed ON images_image;
CREATE TRIGGER index_changed
    AFTER UPDATE OF private, ended_at, created_by_id, uploaded_at ON images_image
    FOR EACH ROW WHEN (
        (OLD.uploaded_at IS NULL) <> (NEW.uploaded_at IS NULL)
        OR images_audience(OLD.private, OLD.ended_at, OLD.created_by_id)
           IS DISTINCT FROM images_audience(NEW.private, NEW.ended_at, NEW.created_by_id))
    EXECUTE FUNCTION search_image_changed();
"""
CATCH_UP = """
INSERT INTO search_unindexed (image_id)
SELECT id FROM images_image WHERE visibility <> 0 AND ended_at IS NULL
AND (SELECT count(*) FROM (SELECT FROM images_image WHERE visibility <> 0 AND ended_at IS NULL
                           LIMIT 20001) hidden) <= 20000;
INSERT INTO search_rebuild (asked_at)
SELECT now() WHERE (SELECT count(*) FROM (
    SELECT FROM images_image WHERE visibility <> 0 AND ended_at IS NULL LIMIT 20001) hidden) > 20000;
"""


class Migration(migrations.Migration):
    dependencies = [("search", "0009_field_words"), ("images", "0009_visibility")]

    operations = [
        migrations.RunSQL(WATCH, UNWATCH),
        migrations.RunSQL(CATCH_UP, migrations.RunSQL.noop),
    ]
