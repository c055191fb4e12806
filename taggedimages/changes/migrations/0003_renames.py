"""Every new name of a tag is a change, whichever door it came through, plain SQL included.

On the ledger of the vocabulary, whose lines have the author; it is made by a trigger of tags.
"""

from django.db import migrations

RECORD = """
CREATE FUNCTION changes_record_rename() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.kind = 'aliased' THEN
        -- The name that the tag had until a moment ago, kept by the same transaction.
        SELECT l.bulk INTO NEW.bulk FROM tags_vocabularychange l
        WHERE l.tag_id = NEW.other_id AND l.kind = 'renamed' AND l.old_name = NEW.name
            AND l.at = NEW.at AND l.change_id = NEW.change_id
        ORDER BY l.id DESC LIMIT 1;
        UPDATE changes_change SET operation = jsonb_set(operation, '{rename,keep_old}', 'true')
        WHERE id = NEW.bulk AND kind = 'rename';
        RETURN NEW;
    END IF;
    -- Without an author it is of the oldest project, the default one of the first migration.
    INSERT INTO changes_change (
        uuid, kind, state, note, query_tags, operation, digest,
        author_id, author_name, is_operator, through, project_id,
        images, done, position, outcomes, on_drift, drift, attempts, problem,
        created_at, planned_at, queued_at, applied_at, updated_at)
    SELECT gen_random_uuid(), 'rename', 'applied', '', '{}',
        jsonb_build_object('rename', jsonb_build_object(
            'id', NEW.tag_id, 'from', NEW.old_name, 'to', NEW.name, 'keep_old', false)),
        '', u.id, NEW.user_name, starts_with(NEW.through, 'command:'), NEW.through, p.id,
        0, 0, 0, '{}', 'skip', 0, 0, '',
        NEW.at, NEW.at, NEW.at, NEW.at, NEW.at
    FROM (SELECT id, number FROM identity_project ORDER BY number LIMIT 1) oldest
    LEFT JOIN identity_user u ON u.id = NEW.user_id
    JOIN identity_project p ON p.id = coalesce(u.project_id, oldest.id)
    RETURNING id INTO NEW.bulk;
    RETURN NEW;
END $$;
-- What is a part of another change, such as an undo, is none of its own.
CREATE TRIGGER record_rename BEFORE INSERT ON tags_vocabularychange
    FOR EACH ROW WHEN (NEW.kind IN ('renamed', 'aliased') AND NEW.bulk IS NULL)
    EXECUTE FUNCTION changes_record_rename();
"""
FORGET = """
DROP TRIGGER record_rename ON tags_vocabularychange;
DROP FUNCTION changes_record_rename();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("changes", "0002_question"),
        ("tags", "0019_ledger_of_changes"),
        ("identity", "0002_project_numbers"),
    ]

    operations = [migrations.RunSQL(RECORD, FORGET)]
