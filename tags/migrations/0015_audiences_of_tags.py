"""Whom each tag is shown to is kept beside it, by the audiences of the images that have it.

All tags that there are count as shown to everybody before: where no image has one, it stays listed.
"""

import django.db.models.deletion
from django.db import migrations, models

# -1 stands for the null of images with an end. Transition tables are read once, into arrays.
KEEP = """
CREATE FUNCTION tags_has_link(tag bigint, of_audience bigint) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN of_audience = -1 THEN
            EXISTS (SELECT FROM tags_imagetag l WHERE l.tag_id = tag AND l.audience IS NULL)
        ELSE EXISTS (SELECT FROM tags_imagetag l WHERE l.tag_id = tag AND l.audience = of_audience)
    END
$$;

CREATE FUNCTION tags_pairs_came(tags bigint[], audiences bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    missing_tags bigint[];
    missing_audiences bigint[];
    hidden bigint[];
BEGIN
    -- Of tags that no image had, which are everybody's, only hidden images may have some now. These
    -- are locked first, for whoever holds the weaker lock too could wait for somebody who does.
    IF 0 <> ANY (audiences) THEN
        PERFORM FROM tags_tag t WHERE t.id = ANY(tags)
            AND (SELECT true FROM tags_audiencetag a WHERE a.audience = 0 AND a.tag_id = t.id)
            AND NOT tags_has_link(t.id, 0)
        ORDER BY t.id FOR UPDATE;
    END IF;
    -- Whoever takes off the last link of a pair waits for us from here on, and we for them.
    PERFORM FROM tags_tag WHERE id = ANY(tags) ORDER BY id FOR KEY SHARE;
    SELECT array_agg(p.tag), array_agg(p.audience) INTO missing_tags, missing_audiences
    FROM unnest(tags, audiences) p (tag, audience)
    WHERE (SELECT true FROM tags_audiencetag a
           WHERE a.audience = p.audience AND a.tag_id = p.tag) IS NULL;
    IF missing_tags IS NULL THEN
        RETURN;
    END IF;
    WITH added AS (
        INSERT INTO tags_audiencetag (audience, tag_id, folded, name)
        SELECT p.audience, t.id, t.folded, t.name
        FROM unnest(missing_tags, missing_audiences) p (tag, audience)
        JOIN tags_tag t ON t.id = p.tag ORDER BY t.id, p.audience
        ON CONFLICT DO NOTHING RETURNING audience, tag_id
    )
    UPDATE tags_tag SET told = true FROM added
    WHERE id = added.tag_id AND added.audience = 0 AND NOT told;
    SELECT array_agg(tag ORDER BY tag) INTO hidden FROM unnest(missing_tags) tag
    WHERE (SELECT true FROM tags_audiencetag a WHERE a.audience = 0 AND a.tag_id = tag)
          AND NOT tags_has_link(tag, 0);
    IF hidden IS NOT NULL THEN
        PERFORM FROM tags_tag WHERE id = ANY(hidden) ORDER BY id FOR UPDATE;
        DELETE FROM tags_audiencetag
        WHERE audience = 0 AND tag_id = ANY(hidden) AND NOT tags_has_link(tag_id, 0);
    END IF;
END $$;

CREATE FUNCTION tags_pairs_went(tags bigint[], audiences bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    unsure bigint[];
BEGIN
    -- A link that stays is a witness: locked, it is there until this transaction has ended, and
    -- whoever takes it off after that looks for another. What others are at is none.
    SELECT array_agg(DISTINCT p.tag) INTO unsure FROM unnest(tags, audiences) p (tag, audience)
    WHERE CASE WHEN p.audience = -1 THEN
        (SELECT l.id FROM tags_imagetag l WHERE l.tag_id = p.tag AND l.audience IS NULL
         LIMIT 1 FOR SHARE SKIP LOCKED) IS NULL
    ELSE
        (SELECT l.id FROM tags_imagetag l WHERE l.tag_id = p.tag AND l.audience = p.audience
         LIMIT 1 FOR SHARE SKIP LOCKED) IS NULL
    END;
    IF unsure IS NOT NULL THEN
        PERFORM tags_settle(unsure, tags, audiences);
    END IF;
END $$;

CREATE FUNCTION tags_settle(settled bigint[], tags bigint[], audiences bigint[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    -- Waits for all who put these tags on images or take them off, so that what is read then holds.
    PERFORM FROM tags_tag WHERE id = ANY(settled) ORDER BY id FOR UPDATE;
    DELETE FROM tags_audiencetag a USING unnest(tags, audiences) p (tag, audience)
    WHERE p.tag = ANY(settled) AND a.tag_id = p.tag AND a.audience = p.audience
        AND NOT tags_has_link(a.tag_id, a.audience)
        AND NOT (a.audience = 0 AND EXISTS (
            SELECT FROM tags_tag t WHERE t.id = a.tag_id AND t.told
            AND NOT EXISTS (SELECT FROM tags_imagetag l WHERE l.tag_id = t.id)));
    INSERT INTO tags_audiencetag (audience, tag_id, folded, name)
    SELECT 0, t.id, t.folded, t.name FROM tags_tag t
    WHERE t.id = ANY(settled) AND t.told
        AND NOT EXISTS (SELECT FROM tags_imagetag l WHERE l.tag_id = t.id)
    ON CONFLICT DO NOTHING;
END $$;

CREATE FUNCTION tags_follow_links() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    tags bigint[];
    audiences bigint[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(tag_id), array_agg(audience) INTO tags, audiences
        FROM (SELECT DISTINCT tag_id, coalesce(audience, -1) AS audience FROM new_links) p;
        IF 0 = ALL (audiences) THEN
            -- Mostly everybody is shown all of the tags already, and that is all.
            PERFORM FROM tags_tag WHERE id = ANY(tags) ORDER BY id FOR KEY SHARE;
            IF NOT EXISTS (
                SELECT FROM unnest(tags) tag
                WHERE (SELECT true FROM tags_audiencetag a
                       WHERE a.audience = 0 AND a.tag_id = tag) IS NULL) THEN
                RETURN NULL;
            END IF;
        END IF;
        IF tags IS NOT NULL THEN
            PERFORM tags_pairs_came(tags, audiences);
        END IF;
        RETURN NULL;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        SELECT array_agg(tag_id), array_agg(audience) INTO tags, audiences
        FROM (SELECT tag_id, coalesce(audience, -1) AS audience FROM new_links
              EXCEPT SELECT tag_id, coalesce(audience, -1) FROM old_links) p;
        IF tags IS NOT NULL THEN
            PERFORM tags_pairs_came(tags, audiences);
        END IF;
        SELECT array_agg(tag_id), array_agg(audience) INTO tags, audiences
        FROM (SELECT tag_id, coalesce(audience, -1) AS audience FROM old_links
              EXCEPT SELECT tag_id, coalesce(audience, -1) FROM new_links) p;
    ELSE
        SELECT array_agg(tag_id), array_agg(audience) INTO tags, audiences
        FROM (SELECT DISTINCT tag_id, coalesce(audience, -1) AS audience FROM old_links) p;
    END IF;
    IF tags IS NOT NULL THEN
        PERFORM tags_pairs_went(tags, audiences);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER shown_added AFTER INSERT ON tags_imagetag
    REFERENCING NEW TABLE AS new_links
    FOR EACH STATEMENT EXECUTE FUNCTION tags_follow_links();
CREATE TRIGGER shown_changed AFTER UPDATE ON tags_imagetag
    REFERENCING OLD TABLE AS old_links NEW TABLE AS new_links
    FOR EACH STATEMENT EXECUTE FUNCTION tags_follow_links();
CREATE TRIGGER shown_removed AFTER DELETE ON tags_imagetag
    REFERENCING OLD TABLE AS old_links
    FOR EACH STATEMENT EXECUTE FUNCTION tags_follow_links();

CREATE FUNCTION tags_follow_tags() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO tags_audiencetag (audience, tag_id, folded, name)
        SELECT 0, id, folded, name FROM new_tags WHERE told;
    ELSE
        DELETE FROM tags_audiencetag WHERE tag_id IN (SELECT id FROM old_tags);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER shown_added AFTER INSERT ON tags_tag
    REFERENCING NEW TABLE AS new_tags
    FOR EACH STATEMENT EXECUTE FUNCTION tags_follow_tags();
CREATE TRIGGER shown_removed AFTER DELETE ON tags_tag
    REFERENCING OLD TABLE AS old_tags
    FOR EACH STATEMENT EXECUTE FUNCTION tags_follow_tags();

CREATE FUNCTION tags_follow_name() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE tags_audiencetag SET folded = NEW.folded, name = NEW.name WHERE tag_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER shown_renamed AFTER UPDATE OF name, folded ON tags_tag
    FOR EACH ROW WHEN (OLD.name <> NEW.name OR OLD.folded <> NEW.folded)
    EXECUTE FUNCTION tags_follow_name();

-- Counters as of search/0002: the tags of audience n at n + 1.
CREATE FUNCTION tags_count_shown() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO search_tally (of, change)
        SELECT audience + 1, count(*) FROM new_rows GROUP BY audience;
    ELSE
        INSERT INTO search_tally (of, change)
        SELECT audience + 1, -count(*) FROM old_rows GROUP BY audience;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER count_added AFTER INSERT ON tags_audiencetag
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION tags_count_shown();
CREATE TRIGGER count_removed AFTER DELETE ON tags_audiencetag
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION tags_count_shown();
"""

FORGET = """
DROP TRIGGER count_removed ON tags_audiencetag;
DROP TRIGGER count_added ON tags_audiencetag;
DROP TRIGGER shown_renamed ON tags_tag;
DROP TRIGGER shown_removed ON tags_tag;
DROP TRIGGER shown_added ON tags_tag;
DROP TRIGGER shown_removed ON tags_imagetag;
DROP TRIGGER shown_changed ON tags_imagetag;
DROP TRIGGER shown_added ON tags_imagetag;
DROP FUNCTION tags_count_shown();
DROP FUNCTION tags_follow_name();
DROP FUNCTION tags_follow_tags();
DROP FUNCTION tags_follow_links();
DROP FUNCTION tags_settle(bigint[], bigint[], bigint[]);
DROP FUNCTION tags_pairs_went(bigint[], bigint[]);
DROP FUNCTION tags_pairs_came(bigint[], bigint[]);
DROP FUNCTION tags_has_link(bigint, bigint);
DELETE FROM search_tally WHERE of >= 0;
"""

# The triggers are there first, and hold off writers, so that no link is missed. Whoever owns a tag
# (Atmosphere) made it.
FILL = """
SET LOCAL work_mem = '128MB';
INSERT INTO tags_audiencetag (audience, tag_id, folded, name)
SELECT p.audience, t.id, t.folded, t.name
FROM (SELECT DISTINCT coalesce(audience, -1) AS audience, tag_id FROM tags_imagetag) p
JOIN tags_tag t ON t.id = p.tag_id;
INSERT INTO tags_audiencetag (audience, tag_id, folded, name)
SELECT 0, t.id, t.folded, t.name FROM tags_tag t
WHERE NOT EXISTS (SELECT FROM tags_imagetag l WHERE l.tag_id = t.id);
INSERT INTO tags_audiencetag (audience, tag_id, folded, name)
SELECT t.user_id, t.id, t.folded, t.name FROM tags_tag t WHERE t.user_id IS NOT NULL;
ANALYZE tags_audiencetag;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("tags", "0014_audience_of_projects"),
        ("search", "0010_audience_of_projects"),
    ]

    operations = [
        migrations.AddField(
            "tag", "told", models.BooleanField(default=True, db_default=True, editable=False)
        ),
        migrations.CreateModel(
            name="AudienceTag",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "audience",
                        "tag_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("audience", models.BigIntegerField()),
                (
                    "tag",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="tags.tag",
                    ),
                ),
                ("folded", models.TextField(db_collation="C", editable=False)),
                ("name", models.CharField(db_collation="C", editable=False, max_length=255)),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["audience", "folded", "name"],
                        include=["tag"],
                        name="audiencetag_by_name",
                    ),
                    models.Index(fields=["tag"], name="audiencetag_of_tag"),
                ],
            },
        ),
        migrations.RunSQL(KEEP, FORGET),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
