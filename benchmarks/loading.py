"""Loads a corpus into the service's database, as if it had been uploaded at the given times.

One transaction with COPY, in which indexes and foreign keys are dropped and made again, so that
whatever interrupts it leaves everything as it was. Until it ends, the tables are closed to the
service. What has an upload time is a record whose file was taken and inspected; what has none is
one that was imported without a file, for which no worker waits. There are no files.
"""

import csv
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

from django.core.management import call_command
from django.db import connection, transaction
from psycopg2 import sql

from benchmarks import churn
from benchmarks.corpus import Corpus
from benchmarks.stamp import Say
from taggedimages.identity.models import default_project_id
from tags import colours, names

# What is loaded; the service's own names of the tables.
LOADED = ["images_image", "images_facts", "tags_tag", "tags_imagetag", "tags_tagchange"]
VOCABULARY = "tags_vocabularychange"
INDEX = [
    "search_bitmap",
    "search_setsize",
    "search_fieldvalue",
    "search_blockspan",
    "search_unindexed",
    "search_tally",
]

ARRIVING = """
CREATE TEMP TABLE arriving_image (
    id bigint, filename text, size bigint, created bigint, uploaded bigint
) ON COMMIT DROP;
CREATE TEMP TABLE arriving_facts (
    id bigint, format text, width int, height int, modality text, body_part text
) ON COMMIT DROP;
CREATE TEMP TABLE arriving_tag (id bigint, name text COLLATE "C", folded text, color text)
    ON COMMIT DROP;
CREATE TEMP TABLE arriving_link (image_id bigint, tag_id bigint) ON COMMIT DROP;
SET LOCAL work_mem = '256MB';
SET LOCAL maintenance_work_mem = '1GB';
"""

SECOND_PROJECT = "benchmarks-second"
PROJECT = "INSERT INTO identity_project (id) VALUES (%s) ON CONFLICT DO NOTHING"

# Beside tags and images that are there already, the corpus keeps its order, not its ids. Its uuids
# are made from the load's own: random ones, by the ten millions, take longer than all else.
IMAGES = """
INSERT INTO images_image (
    id, uuid, filename, name, description, size, key, visibility, rotation,
    crop_x, crop_y, crop_w, crop_h, album_id, project_id,
    created_at, registered_at, updated_at, uploaded_at, processed_at, upload_error, checks,
    attempts
)
SELECT
    id + %(after)s, md5(%(change)s || 'image' || id)::uuid, filename, filename, '', size,
    CASE WHEN uploaded IS NULL THEN '' ELSE 'archive/' END
        || to_char(to_timestamp(created) AT TIME ZONE 'UTC', 'YYYY/MM/DD/HH24-MI-')
        || md5(%(change)s || 'key' || id)::uuid || '/' || translate(filename, '/\\', '__'),
    0, 0, 0, 0, 0, 0, 'default', CASE id %% 2 WHEN 1 THEN %(project)s ELSE %(second)s END,
    to_timestamp(created), to_timestamp(created), to_timestamp(coalesce(uploaded, created)),
    to_timestamp(uploaded), to_timestamp(uploaded), '', 0, (uploaded IS NOT NULL)::int
FROM arriving_image ORDER BY id
"""

FACTS = """
INSERT INTO images_facts (
    image_id, format, media_type, width, height, orientation, color, sha256, md5, exif, dicom,
    thumbhash, fingerprint, has_previews, problem
)
SELECT
    i.id + %(after)s, of,
    CASE of WHEN 'dicom' THEN 'application/' ELSE 'image/' END || of,
    coalesce(width, 4000), coalesce(height, 3000), 1, '#7f7f7f',
    sha256(i.id::text::bytea), decode(md5(i.id::text), 'hex'), '{}',
    CASE of WHEN 'dicom' THEN jsonb_strip_nulls(jsonb_build_object(
        'Modality', modality, 'BodyPartExamined', body_part
    )) END,
    '1QcSHQRnh493V4dIh4eXh1h4kJUI', hashint8extended(i.id, 0), true, ''
FROM arriving_image i LEFT JOIN arriving_facts a USING (id),
    LATERAL (SELECT lower(substring(filename from '[^.]*$')) AS suffix) s,
    LATERAL (
        SELECT coalesce(format, CASE suffix WHEN 'jpg' THEN 'jpeg' ELSE suffix END) AS of
    ) f
WHERE uploaded IS NOT NULL ORDER BY i.id
"""

TAGS = """
INSERT INTO tags_tag (
    id, uuid, name, folded, description, label_en, label_fr, color,
    public, listed, visible, allow_download
)
SELECT id + %(tags_after)s, md5(%(change)s || 'tag' || id)::uuid, name, folded, '', '', '', color,
    false, true, false, false
FROM arriving_tag WHERE name NOT IN (SELECT name FROM tags_tag) ORDER BY id
"""

LINKS = """
INSERT INTO tags_imagetag (
    uuid, image_id, tag_id, value, created_at, image_created_at, audience
)
SELECT
    md5(%(change)s || l.image_id || '-' || l.tag_id)::uuid,
    i.id + %(after)s, t.id, '', to_timestamp(i.created), to_timestamp(i.created), 0
FROM arriving_link l
JOIN arriving_image i ON i.id = l.image_id
JOIN arriving_tag a ON a.id = l.tag_id
JOIN tags_tag t ON t.name = a.name
ORDER BY l.image_id, l.tag_id
"""

CONSTRAINTS = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
FROM pg_constraint
WHERE conrelid = ANY(%s::regclass[]) AND contype IN ('u', 'f')
ORDER BY contype DESC, conname
"""

INDEXES = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid)
FROM pg_index
WHERE indrelid = ANY(%s::regclass[])
  AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u'))
ORDER BY 1
"""

NEW_VOCABULARY = """
INSERT INTO tags_vocabulary (id, version) VALUES (1, hashtextextended(gen_random_uuid()::text, 0))
ON CONFLICT (id) DO UPDATE SET version = EXCLUDED.version
"""


def load(
    corpus: Corpus, say: Say, *, ledger: bool = True, lines: float = 0, projects: int = 1
) -> None:
    """Load it, then leave statistics and visibility as after a vacuum. Without `ledger`, links
    come without the lines of their making, which take most of the room; with `lines`, each has so
    many on average beside that (benchmarks.churn). Of two projects, the second has the images with
    even ids."""
    began = time.monotonic()

    def said(line: str) -> None:
        say(f"{line} ({time.monotonic() - began:.0f} s)")

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(ARRIVING)
        _receive(cursor, corpus)
        said("read")
        with _bare(cursor, said):
            _fill(cursor, said, ledger=ledger, lines=lines, projects=projects)
            # No trigger told the tag index: searches go by rows until it is made anew.
            cursor.execute("INSERT INTO search_rebuild (asked_at) VALUES (now())")
            # Nor a process that remembers other tags of these ids.
            cursor.execute(NEW_VOCABULARY)
    call_command("tagindex", rebuild=True, stdout=StringIO())
    said("tag index")
    with connection.cursor() as cursor:
        for table in [*LOADED, VOCABULARY, *INDEX]:
            cursor.execute(sql.SQL("VACUUM (ANALYZE) {}").format(sql.Identifier(table)))
    said("vacuumed")


def _receive(cursor: Any, corpus: Corpus) -> None:
    files = {
        "arriving_image": corpus.images,
        "arriving_link": corpus.links,
        "arriving_facts": corpus.facts,
    }
    for table, file in files.items():
        if not file.exists():
            continue
        with file.open() as rows:
            cursor.copy_expert(f"COPY {table} FROM STDIN (FORMAT csv)", rows)
    with corpus.tags.open(newline="") as rows:
        tags = [
            (int(tag), name, names.folded(name), colours.PALETTE[int(tag) % len(colours.PALETTE)])
            for tag, name in csv.reader(rows)
        ]
    columns: tuple[list[Any], ...] = tuple(map(list, zip(*tags, strict=True)))
    cursor.execute(
        "INSERT INTO arriving_tag SELECT * FROM unnest(%s::bigint[], %s, %s, %s)", columns
    )
    cursor.execute("ANALYZE arriving_image, arriving_tag, arriving_link, arriving_facts")


def _fill(cursor: Any, said: Say, *, ledger: bool, lines: float, projects: int) -> None:
    second = default_project_id() if projects == 1 else SECOND_PROJECT
    for project in {default_project_id(), second}:
        cursor.execute(PROJECT, [project])
    values = {
        "after": _last(cursor, "images_image"),
        "tags_after": _last(cursor, "tags_tag"),
        "change": str(uuid.uuid4()),
        "project": default_project_id(),
        "second": second,
        "lines": lines,
    }
    steps = {"images": IMAGES, "facts": FACTS, "new tags": TAGS, "links": LINKS}
    if ledger:
        cursor.execute(churn.CHANCE)
        steps |= churn.statements(lines)
    for what, statement in steps.items():
        cursor.execute(statement, values)
        said(f"{cursor.rowcount} {what}")
    for table in ("images_image", "tags_tag"):
        _count_on(cursor, table)


@contextmanager
def _bare(cursor: Any, said: Say) -> Iterator[None]:
    """The tables without triggers, foreign keys and secondary indexes; these come back after."""
    cursor.execute(CONSTRAINTS, [LOADED])
    constraints = cursor.fetchall()
    cursor.execute(INDEXES, [LOADED])
    indexes = cursor.fetchall()
    for table, name, _ in constraints:
        drop = sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}")
        cursor.execute(drop.format(sql.SQL(table), sql.Identifier(name)))
    for name, _ in indexes:
        cursor.execute(f"DROP INDEX {name}")
    cursor.execute("ALTER TABLE tags_imagetag DISABLE TRIGGER USER")
    cursor.execute("ALTER TABLE images_image DISABLE TRIGGER USER")
    # Tags that are made now would be none of an earlier day's.
    cursor.execute("ALTER TABLE tags_tag DISABLE TRIGGER record_created")
    yield
    cursor.execute("ALTER TABLE tags_tag ENABLE TRIGGER record_created")
    cursor.execute("ALTER TABLE images_image ENABLE TRIGGER USER")
    cursor.execute("ALTER TABLE tags_imagetag ENABLE TRIGGER USER")
    for _, definition in indexes:
        cursor.execute(definition)
    for table, name, definition in constraints:
        add = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}")
        cursor.execute(add.format(sql.SQL(table), sql.Identifier(name), sql.SQL(definition)))
    said(f"{len(indexes)} indexes, {len(constraints)} constraints")


def _last(cursor: Any, table: str) -> int:
    cursor.execute(sql.SQL("SELECT coalesce(max(id), 0) FROM {}").format(sql.Identifier(table)))
    return int(cursor.fetchone()[0])


def _count_on(cursor: Any, table: str) -> None:
    """Let the next id be the one after the last."""
    last = _last(cursor, table)
    cursor.execute(
        "SELECT setval(pg_get_serial_sequence(%s, 'id'), greatest(%s, 1))", [table, last]
    )
