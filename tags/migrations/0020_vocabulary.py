"""Aliases and implications of tags, and what each tag stands for by them.

Columns come with constant defaults, which rewrites nothing; the references are checked, and the
index of aliases is made, in the next migration, without keeping anybody from writing.
"""

import django.db.models.deletion
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

STATUSES = ["active", "deprecated", "locked"]

# Cascades of the database, as plain SQL needs them too.
REFERENCES = """
ALTER TABLE tags_tag ADD CONSTRAINT tags_tag_alias_of
    FOREIGN KEY (alias_of_id) REFERENCES tags_tag (id)
    ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED NOT VALID;
ALTER TABLE tags_closure
    ADD CONSTRAINT tags_closure_ancestor FOREIGN KEY (ancestor_id) REFERENCES tags_tag (id)
    ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    ADD CONSTRAINT tags_closure_descendant FOREIGN KEY (descendant_id) REFERENCES tags_tag (id)
    ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;
"""
UNREFER = """
ALTER TABLE tags_tag DROP CONSTRAINT tags_tag_alias_of;
ALTER TABLE tags_closure DROP CONSTRAINT tags_closure_ancestor,
    DROP CONSTRAINT tags_closure_descendant;
"""

# Implications hold between targets: one of an alias is its target's.
FOLLOW = """
CREATE FUNCTION tags_parents(tag bigint) RETURNS SETOF bigint LANGUAGE sql STABLE AS $$
    SELECT DISTINCT coalesce(p.alias_of_id, p.id)
    FROM (SELECT tag AS id UNION ALL SELECT a.id FROM tags_tag a WHERE a.alias_of_id = tag) m
    JOIN tags_implication i ON i.child_id = m.id JOIN tags_tag p ON p.id = i.parent_id
    WHERE coalesce(p.alias_of_id, p.id) <> tag
$$;
CREATE FUNCTION tags_children(tag bigint) RETURNS SETOF bigint LANGUAGE sql STABLE AS $$
    SELECT DISTINCT coalesce(c.alias_of_id, c.id)
    FROM (SELECT tag AS id UNION ALL SELECT a.id FROM tags_tag a WHERE a.alias_of_id = tag) m
    JOIN tags_implication i ON i.parent_id = m.id JOIN tags_tag c ON c.id = i.child_id
    WHERE coalesce(c.alias_of_id, c.id) <> tag
$$;

CREATE FUNCTION tags_rewrite_closure(touched bigint[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    affected bigint[];
BEGIN
    -- One after the other: what others have changed meanwhile is read after they have ended. And
    -- another version of the vocabulary, for what is kept in memory.
    INSERT INTO tags_vocabulary (id, version)
    VALUES (1, hashtextextended(gen_random_uuid()::text, 0))
    ON CONFLICT (id) DO UPDATE SET version = EXCLUDED.version;
    WITH RECURSIVE above (tag) AS (
        SELECT unnest(touched)
        UNION SELECT parent FROM above, LATERAL tags_parents(above.tag) parent
    )
    SELECT array_agg(tag) INTO affected FROM (
        SELECT tag FROM above WHERE tag IS NOT NULL
        UNION SELECT ancestor_id FROM tags_closure WHERE descendant_id = ANY(touched)
    ) every;
    WITH RECURSIVE below (ancestor, tag) AS (
        SELECT t.id, t.id FROM tags_tag t WHERE t.id = ANY(affected) AND t.alias_of_id IS NULL
        UNION SELECT b.ancestor, child FROM below b, LATERAL tags_children(b.tag) child
    ), wanted AS (
        SELECT ancestor, tag FROM below WHERE tag <> ancestor
        UNION
        SELECT b.ancestor, a.id FROM below b JOIN tags_tag a ON a.alias_of_id = b.tag
    ), gone AS (
        DELETE FROM tags_closure c WHERE c.ancestor_id = ANY(affected)
            AND (c.ancestor_id, c.descendant_id) NOT IN (SELECT ancestor, tag FROM wanted)
    )
    INSERT INTO tags_closure (ancestor_id, descendant_id)
    SELECT ancestor, tag FROM wanted ORDER BY ancestor, tag ON CONFLICT DO NOTHING;
END $$;

CREATE FUNCTION tags_follow_alias() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM tags_rewrite_closure(ARRAY[NEW.id, NEW.alias_of_id, OLD.alias_of_id]);
    IF NEW.alias_of_id IS NOT NULL AND (
        EXISTS (SELECT FROM tags_tag t WHERE t.id = NEW.alias_of_id AND t.alias_of_id IS NOT NULL)
        OR EXISTS (SELECT FROM tags_tag t WHERE t.alias_of_id = NEW.id)) THEN
        RAISE EXCEPTION 'tag % would be an alias of an alias', NEW.id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER closure_added AFTER INSERT ON tags_tag
    FOR EACH ROW WHEN (NEW.alias_of_id IS NOT NULL) EXECUTE FUNCTION tags_follow_alias();
CREATE TRIGGER closure_changed AFTER UPDATE OF alias_of_id ON tags_tag
    FOR EACH ROW WHEN (OLD.alias_of_id IS DISTINCT FROM NEW.alias_of_id)
    EXECUTE FUNCTION tags_follow_alias();

CREATE FUNCTION tags_follow_implications() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    parents bigint[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(DISTINCT coalesce(t.alias_of_id, r.parent_id)) INTO parents
        FROM new_rows r LEFT JOIN tags_tag t ON t.id = r.parent_id;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(DISTINCT coalesce(t.alias_of_id, r.parent_id)) INTO parents
        FROM old_rows r LEFT JOIN tags_tag t ON t.id = r.parent_id;
    ELSE
        SELECT array_agg(DISTINCT coalesce(t.alias_of_id, r.parent_id)) INTO parents
        FROM (TABLE old_rows UNION ALL TABLE new_rows) r
        LEFT JOIN tags_tag t ON t.id = r.parent_id;
    END IF;
    IF parents IS NOT NULL THEN
        PERFORM tags_rewrite_closure(parents);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER closure_added AFTER INSERT ON tags_implication
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION tags_follow_implications();
CREATE TRIGGER closure_changed AFTER UPDATE ON tags_implication
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION tags_follow_implications();
CREATE TRIGGER closure_removed AFTER DELETE ON tags_implication
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION tags_follow_implications();

-- Before the tag goes, while it can still be told whose alias it is.
CREATE FUNCTION tags_unimply_tag() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM tags_implication WHERE child_id = OLD.id OR parent_id = OLD.id;
    RETURN OLD;
END $$;
CREATE TRIGGER unimply_first BEFORE DELETE ON tags_tag
    FOR EACH ROW EXECUTE FUNCTION tags_unimply_tag();
"""
FORGET = """
DROP TRIGGER unimply_first ON tags_tag;
DROP TRIGGER closure_removed ON tags_implication;
DROP TRIGGER closure_changed ON tags_implication;
DROP TRIGGER closure_added ON tags_implication;
DROP TRIGGER closure_changed ON tags_tag;
DROP TRIGGER closure_added ON tags_tag;
DROP FUNCTION tags_unimply_tag();
DROP FUNCTION tags_follow_implications();
DROP FUNCTION tags_follow_alias();
DROP FUNCTION tags_rewrite_closure(bigint[]);
DROP FUNCTION tags_children(bigint);
DROP FUNCTION tags_parents(bigint);
"""


class Migration(migrations.Migration):
    dependencies = [("tags", "0018_colours")]

    operations = [
        migrations.AddField(
            "tag",
            "alias_of",
            models.ForeignKey(
                blank=True,
                db_constraint=False,
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="aliases",
                to="tags.tag",
            ),
        ),
        migrations.AddField(
            "tag",
            "status",
            models.CharField(
                choices=[
                    ("active", "Active"),
                    ("deprecated", "Deprecated"),
                    ("locked", "Locked"),
                ],
                db_default="active",
                default="active",
                max_length=16,
            ),
        ),
        migrations.AddField(
            "tag",
            "category",
            models.CharField(blank=True, db_default="", default="", max_length=64),
        ),
        migrations.AddField(
            "tag",
            "was_told",
            models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.CreateModel(
            name="Implication",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "child",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="implications",
                        to="tags.tag",
                    ),
                ),
                (
                    "parent",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="implied_by",
                        to="tags.tag",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["child", "parent"], name="implication_once"),
                    models.CheckConstraint(
                        condition=~models.Q(child=models.F("parent")),
                        name="implication_of_another",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Closure",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "ancestor_id",
                        "descendant_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "ancestor",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="tags.tag",
                    ),
                ),
                (
                    "descendant",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="tags.tag",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["descendant", "ancestor"], name="closure_upwards"),
                ],
            },
        ),
        AddConstraintNotValid(
            "tag",
            models.CheckConstraint(
                condition=~models.Q(alias_of=models.F("pk")), name="tag_alias_of_another"
            ),
        ),
        AddConstraintNotValid(
            "tag",
            models.CheckConstraint(
                condition=models.Q(status__in=STATUSES), name="tag_status_is_one"
            ),
        ),
        migrations.RunSQL(REFERENCES, UNREFER),
        migrations.RunSQL(FOLLOW, FORGET),
    ]
