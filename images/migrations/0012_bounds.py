"""What bounds uploads: the lengths of parts, and the bytes that each project's files take, counted by
triggers while somebody asks (images.quotas)."""

from django.db import migrations, models

# Only while a row of no project says so.
KEEP = """
CREATE FUNCTION images_added_usage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM images_usagedelta WHERE project_id = '') THEN
        INSERT INTO images_usagedelta (project_id, bytes)
        SELECT project_id, sum(size) FROM new_images
        WHERE deleted_at IS NULL GROUP BY project_id HAVING sum(size) <> 0;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER usage_added AFTER INSERT ON images_image
    REFERENCING NEW TABLE AS new_images
    FOR EACH STATEMENT EXECUTE FUNCTION images_added_usage();

CREATE FUNCTION images_changed_usage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM images_usagedelta WHERE project_id = '') THEN
        INSERT INTO images_usagedelta (project_id, bytes)
        SELECT project_id, sum(bytes) FROM (VALUES
            (OLD.project_id, CASE WHEN OLD.deleted_at IS NULL THEN -OLD.size ELSE 0 END),
            (NEW.project_id, CASE WHEN NEW.deleted_at IS NULL THEN NEW.size ELSE 0 END)
        ) changes (project_id, bytes)
        GROUP BY project_id HAVING sum(bytes) <> 0;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER usage_changed AFTER UPDATE OF size, deleted_at, project_id ON images_image
    FOR EACH ROW
    WHEN ((OLD.size, OLD.deleted_at IS NULL, OLD.project_id)
          IS DISTINCT FROM (NEW.size, NEW.deleted_at IS NULL, NEW.project_id))
    EXECUTE FUNCTION images_changed_usage();
CREATE TRIGGER usage_removed AFTER DELETE ON images_image
    FOR EACH ROW WHEN (OLD.deleted_at IS NULL) EXECUTE FUNCTION images_changed_usage();
"""

FORGET = """
DROP TRIGGER usage_removed ON images_image;
DROP TRIGGER usage_changed ON images_image;
DROP FUNCTION images_changed_usage();
DROP TRIGGER usage_added ON images_image;
DROP FUNCTION images_added_usage();
"""


class Migration(migrations.Migration):
    dependencies = [("images", "0011_drop_private")]

    operations = [
        migrations.AddField(
            model_name="partedupload",
            name="part_size",
            field=models.BigIntegerField(null=True),
        ),
        migrations.CreateModel(
            name="UsageDelta",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("project_id", models.CharField(db_index=True, max_length=64)),
                ("bytes", models.BigIntegerField()),
            ],
        ),
        migrations.RunSQL(KEEP, FORGET),
    ]
