"""Databases of early versions, whose migrations had other contents, or other names, than today's.

Migrations were still edited in the first days of the project, and renumbered where branches met.
What such a database lacks is made up for here, before the others are applied. By now
`migrations.sha256` holds each that has landed to what it was.
"""

import logging

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.recorder import MigrationRecorder

logger = logging.getLogger(__name__)

# What `images.0001_initial` has made since it was edited last, for a database of before. Files that
# were looked at then are looked at again, for their previews and fingerprints.
FIRST_TABLES = """
ALTER TABLE images_image
    ADD COLUMN IF NOT EXISTS rotation smallint NOT NULL DEFAULT 0
        CONSTRAINT images_image_rotation_check CHECK (rotation >= 0)
        CONSTRAINT image_rotation_by_quarters CHECK (rotation IN (0, 90, 180, 270)),
    ADD COLUMN IF NOT EXISTS crop_x double precision NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS crop_y double precision NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS crop_w double precision NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS crop_h double precision NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS processed_at timestamptz,
    ADD COLUMN IF NOT EXISTS attempts smallint NOT NULL DEFAULT 0
        CONSTRAINT images_image_attempts_check CHECK (attempts >= 0);
ALTER TABLE images_image
    ALTER rotation DROP DEFAULT, ALTER crop_x DROP DEFAULT, ALTER crop_y DROP DEFAULT,
    ALTER crop_w DROP DEFAULT, ALTER crop_h DROP DEFAULT, ALTER attempts DROP DEFAULT;
ALTER TABLE images_facts
    ADD COLUMN IF NOT EXISTS dicom jsonb,
    ADD COLUMN IF NOT EXISTS thumbhash varchar(40) NOT NULL DEFAULT '',
    ADD COLUMN IF NOT EXISTS fingerprint bigint,
    ADD COLUMN IF NOT EXISTS has_previews boolean NOT NULL DEFAULT false,
    DROP COLUMN IF EXISTS inspected_at;
ALTER TABLE images_facts
    ALTER sha256 DROP NOT NULL, ALTER md5 DROP NOT NULL,
    ALTER thumbhash DROP DEFAULT, ALTER has_previews DROP DEFAULT;
CREATE TABLE images_partedupload (
    image_id bigint NOT NULL PRIMARY KEY
        CONSTRAINT images_partedupload_image_id_1bc8f57d_fk_images_image_id
        REFERENCES images_image (id) DEFERRABLE INITIALLY DEFERRED,
    upload_id text NOT NULL,
    parts smallint NOT NULL CHECK (parts >= 0),
    begun_at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS facts_sha256 ON images_facts (sha256);
CREATE INDEX IF NOT EXISTS facts_band_0 ON images_facts (((fingerprint >> 0) & 65535::bigint))
    INCLUDE (fingerprint, image_id);
CREATE INDEX IF NOT EXISTS facts_band_1 ON images_facts (((fingerprint >> 16) & 65535::bigint))
    INCLUDE (fingerprint, image_id);
CREATE INDEX IF NOT EXISTS facts_band_2 ON images_facts (((fingerprint >> 32) & 65535::bigint))
    INCLUDE (fingerprint, image_id);
CREATE INDEX IF NOT EXISTS facts_band_3 ON images_facts (((fingerprint >> 48) & 65535::bigint))
    INCLUDE (fingerprint, image_id);
CREATE INDEX IF NOT EXISTS image_unended_first
    ON images_image ((ended_at IS NULL) DESC, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS image_pending ON images_image (created_at)
    WHERE deleted_at IS NULL AND upload_error = '' AND uploaded_at IS NULL;
CREATE INDEX IF NOT EXISTS image_trashed ON images_image (trashed_at)
    WHERE deleted_at IS NULL AND trashed_at IS NOT NULL;
UPDATE images_image SET check_at = statement_timestamp(), checks = 0
    WHERE uploaded_at IS NOT NULL AND deleted_at IS NULL AND processed_at IS NULL;
"""

# The same of `search.0001_tag_index`, for the one commit before. The worker makes the index anew.
FIRST_INDEX = """
ALTER TABLE search_taguse RENAME TO search_setsize;
ALTER TABLE search_setsize RENAME CONSTRAINT search_taguse_pkey TO search_setsize_pkey;
ALTER TABLE search_setsize RENAME tag_id TO set;
ALTER TABLE search_setsize ADD COLUMN shown bigint NOT NULL DEFAULT 0;
ALTER TABLE search_setsize ALTER shown DROP DEFAULT;
DELETE FROM search_bitmap; DELETE FROM search_setsize; DELETE FROM search_unindexed;
INSERT INTO search_rebuild (asked_at) SELECT now() WHERE NOT EXISTS (SELECT FROM search_rebuild);
"""

# Each by the table that such a database has and the one that it lacks.
COMPLETIONS = [
    ("images_image", "images_partedupload", FIRST_TABLES),
    ("search_taguse", "search_setsize", FIRST_INDEX),
]

# Migrations that were recorded by this number before the one that today comes before it was there.
# They change nothing in the database but what Django thinks of it, so they come again in time.
BEFORE_ITS_TURN = {("search", "0009_field_words"): ("search", "0008_drop_shelves")}


def complete(connection: BaseDatabaseWrapper) -> None:
    """Bring a database of an early version to what today's migrations go on from."""
    recorder = MigrationRecorder(connection)
    applied = recorder.applied_migrations()
    if ("images", "0001_initial") not in applied:
        return
    for migration, dependency in BEFORE_ITS_TURN.items():
        if migration in applied and dependency not in applied:
            recorder.record_unapplied(*migration)
    for has, lacks, statements in COMPLETIONS:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass(%s), to_regclass(%s)", [has, lacks])
            if [name is None for name in cursor.fetchone()] == [False, True]:
                logger.warning("An early version made this database; adding what it lacks.")
                cursor.execute(statements)
