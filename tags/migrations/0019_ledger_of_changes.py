"""One stamp for all lines of a transaction, a ledger of the vocabulary, and the way from a bulk
change to its lines.

Each operation can be repeated where it was interrupted, and none keeps a table for long.
"""

from importlib import import_module

import django.db.models.functions.datetime
from django.db import migrations, models

from taggedimages.postgresql.operations import BuildIndex, RunBriefly

ADD_BULK = "ALTER TABLE tags_tagchange ADD COLUMN IF NOT EXISTS bulk bigint"
DROP_BULK = "ALTER TABLE tags_tagchange DROP COLUMN IF EXISTS bulk"

LINKS = """
-- Who changes something, as the transaction was told (tags.history).
CREATE OR REPLACE FUNCTION tags_signature(
    OUT user_id bigint, OUT user_name text, OUT through text, OUT change_id uuid, OUT bulk bigint
) LANGUAGE plpgsql AS $$
BEGIN
    user_id := NULLIF(current_setting('taggedimages.user_id', true), '')::bigint;
    user_name := COALESCE(NULLIF(current_setting('taggedimages.user_name', true), ''), '');
    through := COALESCE(NULLIF(current_setting('taggedimages.through', true), ''), 'sql');
    change_id := NULLIF(current_setting('taggedimages.change_id', true), '')::uuid;
    bulk := NULLIF(current_setting('taggedimages.bulk', true), '')::bigint;
    IF change_id IS NULL THEN
        -- Unsigned statements of one transaction are one change.
        change_id := gen_random_uuid();
        PERFORM set_config('taggedimages.change_id', change_id::text, true);
    END IF;
END $$;

-- When the transaction wrote its first line. Taken by then, not when it began: it may have waited
-- for another, whose lines come first.
CREATE OR REPLACE FUNCTION tags_changed_at() RETURNS timestamptz LANGUAGE plpgsql AS $$
DECLARE
    stamp timestamptz := NULLIF(current_setting('taggedimages.changed_at', true), '')::timestamptz;
BEGIN
    -- One that is older than the transaction is of no line of it.
    IF stamp IS NULL OR stamp < transaction_timestamp() THEN
        stamp := greatest(clock_timestamp(), transaction_timestamp());
        -- As JSON has it, which does not depend on the session's DateStyle.
        PERFORM set_config('taggedimages.changed_at', to_json(stamp) #>> '{}', true);
    END IF;
    RETURN stamp;
END $$;

-- As of 0002; a statement that changes nothing asks for no stamp.
CREATE OR REPLACE FUNCTION tags_record_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    author record;
    replaced boolean := false;
BEGIN
    SELECT * INTO author FROM tags_signature();
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
        INSERT INTO tags_tagchange (image_id, tag_id, tag_name, old_value, new_value, changed_at,
                                    user_id, user_name, through, change_id, bulk)
        SELECT n.image_id, n.tag_id, t.name, NULL, n.value, (SELECT tags_changed_at()),
               author.user_id, author.user_name, author.through, author.change_id, author.bulk
        FROM new_links n JOIN tags_tag t ON t.id = n.tag_id ORDER BY n.id;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO tags_tagchange (image_id, tag_id, tag_name, old_value, new_value, changed_at,
                                    user_id, user_name, through, change_id, bulk)
        SELECT o.image_id, o.tag_id, COALESCE(t.name, ''), o.value, NULL, (SELECT tags_changed_at()),
               author.user_id, author.user_name, author.through, author.change_id, author.bulk
        FROM old_links o LEFT JOIN tags_tag t ON t.id = o.tag_id ORDER BY o.id;
    ELSE
        -- A link whose pair was changed is one that went and one that came.
        INSERT INTO tags_tagchange (image_id, tag_id, tag_name, old_value, new_value, changed_at,
                                    user_id, user_name, through, change_id, bulk)
        SELECT c.image_id, c.tag_id, COALESCE(t.name, ''), c.old_value, c.new_value,
               (SELECT tags_changed_at()),
               author.user_id, author.user_name, author.through, author.change_id, author.bulk
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
"""
EARLIER = import_module("tags.migrations.0002_ledger").FORWARDS.split("CREATE TRIGGER")[0]
UNSTAMP = f"""
{EARLIER.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")}
DROP FUNCTION IF EXISTS tags_changed_at();
DROP FUNCTION IF EXISTS tags_signature();
"""

VOCABULARY = """
CREATE TABLE IF NOT EXISTS tags_vocabularychange (
    id bigint NOT NULL PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY,
    at timestamptz NOT NULL DEFAULT statement_timestamp(),
    kind varchar(16) NOT NULL,
    tag_id bigint NOT NULL,
    other_id bigint,
    name varchar(255) COLLATE "C" NOT NULL,
    old_name varchar(255) COLLATE "C" NOT NULL DEFAULT '',
    user_id bigint,
    user_name varchar(150) NOT NULL,
    through varchar(64) NOT NULL,
    change_id uuid NOT NULL,
    bulk bigint
);
CREATE INDEX IF NOT EXISTS vocabularychange_of_tag ON tags_vocabularychange (tag_id, id);

CREATE OR REPLACE FUNCTION tags_record_tags() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    author record;
BEGIN
    SELECT * INTO author FROM tags_signature();
    IF TG_OP = 'INSERT' THEN
        INSERT INTO tags_vocabularychange (at, kind, tag_id, name,
                                           user_id, user_name, through, change_id, bulk)
        SELECT (SELECT tags_changed_at()), 'created', id, name,
               author.user_id, author.user_name, author.through, author.change_id, author.bulk
        FROM new_tags ORDER BY id;
    ELSE
        INSERT INTO tags_vocabularychange (at, kind, tag_id, name,
                                           user_id, user_name, through, change_id, bulk)
        SELECT (SELECT tags_changed_at()), 'deleted', id, name,
               author.user_id, author.user_name, author.through, author.change_id, author.bulk
        FROM old_tags ORDER BY id;
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION tags_record_name() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tags_vocabularychange (at, kind, tag_id, name, old_name,
                                       user_id, user_name, through, change_id, bulk)
    SELECT tags_changed_at(), 'renamed', NEW.id, NEW.name, OLD.name, author.* FROM tags_signature() author;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER record_created AFTER INSERT ON tags_tag
    REFERENCING NEW TABLE AS new_tags
    FOR EACH STATEMENT EXECUTE FUNCTION tags_record_tags();
CREATE OR REPLACE TRIGGER record_deleted AFTER DELETE ON tags_tag
    REFERENCING OLD TABLE AS old_tags
    FOR EACH STATEMENT EXECUTE FUNCTION tags_record_tags();
CREATE OR REPLACE TRIGGER record_renamed AFTER UPDATE OF name ON tags_tag
    FOR EACH ROW WHEN (OLD.name <> NEW.name) EXECUTE FUNCTION tags_record_name();
CREATE OR REPLACE TRIGGER no_rewriting BEFORE UPDATE OR DELETE ON tags_vocabularychange
    FOR EACH STATEMENT EXECUTE FUNCTION tags_refuse_rewriting();
CREATE OR REPLACE TRIGGER no_truncate BEFORE TRUNCATE ON tags_vocabularychange
    FOR EACH STATEMENT EXECUTE FUNCTION tags_refuse_truncate();

-- The images are locked before the first line, as whoever tags one does: the lines of an image are
-- stamped in their order.
CREATE OR REPLACE FUNCTION tags_unlink_tag() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM images_image
    WHERE id IN (SELECT image_id FROM tags_imagetag WHERE tag_id = OLD.id)
    ORDER BY id FOR NO KEY UPDATE;
    DELETE FROM tags_imagetag WHERE tag_id = OLD.id;
    RETURN OLD;
END $$;
"""
UNVOCABULARY = """
DROP TRIGGER IF EXISTS record_renamed ON tags_tag;
DROP TRIGGER IF EXISTS record_deleted ON tags_tag;
DROP TRIGGER IF EXISTS record_created ON tags_tag;
DROP TABLE IF EXISTS tags_vocabularychange;
DROP FUNCTION IF EXISTS tags_record_name();
DROP FUNCTION IF EXISTS tags_record_tags();
CREATE OR REPLACE FUNCTION tags_unlink_tag() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM tags_imagetag WHERE tag_id = OLD.id;
    RETURN OLD;
END $$;
"""


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("tags", "0018_colours")]

    operations = [
        RunBriefly(
            ADD_BULK,
            DROP_BULK,
            state_operations=[
                migrations.AddField("tagchange", "bulk", models.BigIntegerField(null=True))
            ],
        ),
        RunBriefly(LINKS, UNSTAMP),
        RunBriefly(
            VOCABULARY,
            UNVOCABULARY,
            state_operations=[
                migrations.CreateModel(
                    "VocabularyChange",
                    [
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True,
                                primary_key=True,
                                serialize=False,
                                verbose_name="ID",
                            ),
                        ),
                        (
                            "at",
                            models.DateTimeField(
                                db_default=django.db.models.functions.datetime.Now()
                            ),
                        ),
                        ("kind", models.CharField(max_length=16)),
                        ("tag_id", models.BigIntegerField()),
                        ("other_id", models.BigIntegerField(null=True)),
                        ("name", models.CharField(db_collation="C", max_length=255)),
                        (
                            "old_name",
                            models.CharField(db_collation="C", db_default="", max_length=255),
                        ),
                        ("user_id", models.BigIntegerField(null=True)),
                        ("user_name", models.CharField(max_length=150)),
                        ("through", models.CharField(max_length=64)),
                        ("change_id", models.UUIDField()),
                        ("bulk", models.BigIntegerField(null=True)),
                    ],
                    options={
                        "indexes": [
                            models.Index(fields=["tag_id", "id"], name="vocabularychange_of_tag")
                        ],
                    },
                ),
            ],
        ),
        BuildIndex(
            "tagchange",
            models.Index(
                fields=["bulk", "image_id", "id"],
                name="tagchange_of_bulk",
                condition=models.Q(bulk__isnull=False),
            ),
        ),
    ]
