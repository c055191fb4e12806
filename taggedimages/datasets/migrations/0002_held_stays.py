"""No record goes whose file a release holds."""

from django.db import migrations

from taggedimages.postgresql.operations import RunBriefly

# Until a release that is being built has ended, nobody can say what it holds: whoever deletes the
# record of an image that was in place until then has to try again. The lock is that of
# taggedimages.datasets.holding.
KEEP = """
CREATE OR REPLACE FUNCTION datasets_keep_held() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT pg_try_advisory_xact_lock(19997, 0) THEN
        RAISE EXCEPTION 'a release is being built, which may be of image %', OLD.id
            USING ERRCODE = 'lock_not_available';
    END IF;
    IF EXISTS (
        SELECT FROM datasets_set s JOIN datasets_release r ON r.id = s.release_id
        WHERE s.block = (OLD.id / 8192)::int AND get_bit(s.bits, (OLD.id & 8191)::int) = 1
          AND r.state IN ('building', 'released')
    ) THEN
        RAISE EXCEPTION 'a release holds the file of image %', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN OLD;
END $$;
CREATE OR REPLACE TRIGGER held_stays BEFORE DELETE ON images_image
    FOR EACH ROW EXECUTE FUNCTION datasets_keep_held();
"""
LET_GO = """
DROP TRIGGER IF EXISTS held_stays ON images_image;
DROP FUNCTION IF EXISTS datasets_keep_held();
"""


class Migration(migrations.Migration):
    # The table of images is large and in use.
    atomic = False
    dependencies = [("datasets", "0001_initial"), ("images", "0018_held_files")]

    operations = [RunBriefly(KEEP, LET_GO)]
