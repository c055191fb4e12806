"""Versions of the names that no other history of the database has.

Numbers of a sequence come again after a restore or a rewind, with other names. The row is made now,
so that there is always one: a restored row is told from the one before it (tags.name_cache).
"""

from django.db import migrations

# 64 random bits: pgcrypto, which has them straight, is no extension that is asked for.
RANDOM = """
CREATE OR REPLACE FUNCTION tags_new_vocabulary() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tags_vocabulary (id, version)
    VALUES (1, hashtextextended(gen_random_uuid()::text, 0))
    ON CONFLICT (id) DO UPDATE SET version = EXCLUDED.version;
    RETURN NULL;
END $$;
INSERT INTO tags_vocabulary (id, version) VALUES (1, hashtextextended(gen_random_uuid()::text, 0))
ON CONFLICT (id) DO UPDATE SET version = EXCLUDED.version;
DROP SEQUENCE tags_vocabulary_version;
"""

# Counts on from the time, for from 1 on it would repeat what it counted before.
COUNTED = """
CREATE SEQUENCE tags_vocabulary_version;
SELECT setval('tags_vocabulary_version',
              (extract(epoch FROM clock_timestamp()) * 1000000)::bigint);
CREATE OR REPLACE FUNCTION tags_new_vocabulary() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tags_vocabulary (id, version) VALUES (1, nextval('tags_vocabulary_version'))
    ON CONFLICT (id) DO UPDATE SET version = EXCLUDED.version;
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("tags", "0015_audiences_of_tags")]

    operations = [migrations.RunSQL(RANDOM, COUNTED)]
