"""The ledger of the vocabulary (0019) has a line of each alias and implication that comes or goes."""

from django.db import migrations

from taggedimages.postgresql.operations import RunBriefly

RECORD = """
CREATE OR REPLACE FUNCTION tags_record_alias() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tags_vocabularychange (at, kind, tag_id, other_id, name,
                                       user_id, user_name, through, change_id, bulk)
    SELECT tags_changed_at(), CASE WHEN NEW.alias_of_id IS NULL THEN 'unaliased' ELSE 'aliased' END,
           NEW.id, coalesce(NEW.alias_of_id, OLD.alias_of_id), NEW.name, author.*
    FROM tags_signature() author;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER record_alias AFTER INSERT ON tags_tag
    FOR EACH ROW WHEN (NEW.alias_of_id IS NOT NULL) EXECUTE FUNCTION tags_record_alias();
CREATE OR REPLACE TRIGGER record_alias_changed AFTER UPDATE OF alias_of_id ON tags_tag
    FOR EACH ROW WHEN (OLD.alias_of_id IS DISTINCT FROM NEW.alias_of_id)
    EXECUTE FUNCTION tags_record_alias();

CREATE OR REPLACE FUNCTION tags_record_implications() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO tags_vocabularychange (at, kind, tag_id, other_id, name,
                                           user_id, user_name, through, change_id, bulk)
        SELECT (SELECT tags_changed_at()), 'unimplied', r.child_id, r.parent_id,
               coalesce(t.name, ''), author.*
        FROM tags_signature() author, old_rows r LEFT JOIN tags_tag t ON t.id = r.child_id
        ORDER BY r.id;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO tags_vocabularychange (at, kind, tag_id, other_id, name,
                                           user_id, user_name, through, change_id, bulk)
        SELECT (SELECT tags_changed_at()), 'implied', r.child_id, r.parent_id,
               coalesce(t.name, ''), author.*
        FROM tags_signature() author, new_rows r LEFT JOIN tags_tag t ON t.id = r.child_id
        ORDER BY r.id;
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER record_added AFTER INSERT ON tags_implication
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION tags_record_implications();
CREATE OR REPLACE TRIGGER record_changed AFTER UPDATE ON tags_implication
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION tags_record_implications();
CREATE OR REPLACE TRIGGER record_removed AFTER DELETE ON tags_implication
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION tags_record_implications();
"""
FORGET = """
DROP TRIGGER IF EXISTS record_removed ON tags_implication;
DROP TRIGGER IF EXISTS record_changed ON tags_implication;
DROP TRIGGER IF EXISTS record_added ON tags_implication;
DROP TRIGGER IF EXISTS record_alias_changed ON tags_tag;
DROP TRIGGER IF EXISTS record_alias ON tags_tag;
DROP FUNCTION IF EXISTS tags_record_implications();
DROP FUNCTION IF EXISTS tags_record_alias();
"""


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("tags", "0020_vocabulary")]

    operations = [RunBriefly(RECORD, FORGET)]
