"""Fifty thousand images with six hundred thousand links, made by a few statements.

One tag has one of two values wherever it is; the others have none.

Triggers and foreign keys are out of the way meanwhile, as they are when a dump is restored; what
they keep is stated instead, and the tag index is made from it.
"""

from django.db import connection

from search.index import building
from taggedimages.identity.models import User

IMAGES, TAGS, DRAWN = 50_000, 5_000, 11
MADE = (
    "images_image",
    "images_facts",
    "tags_tag",
    "tags_imagetag",
    "tags_tagchange",
    "tags_audiencetag",
)
INDEX = (
    "search_bitmap",
    "search_setsize",
    "search_fold",
    "search_unindexed",
    "search_rebuild",
    "search_tally",
    "search_projectset",
)
# One image a minute, in an order that is not that of the ids; some private, ended, or to end.
MAKE = """
INSERT INTO tags_tag (uuid, name, folded, description, label_en, label_fr, color, public, listed,
                      visible, allow_download)
SELECT gen_random_uuid(), name, name, '', '', '', '#123456', false, true, false, false
FROM (SELECT 'tag-' || lpad(n::text, 4, '0') FROM generate_series(0, {tags} - 1) n
      UNION ALL VALUES ('common'), ('often'), ('seldom'), ('rare')) named (name);

INSERT INTO images_image (uuid, filename, name, description, size, key, visibility, rotation,
                          crop_x, crop_y, crop_w, crop_h, album_id, project_id, created_by_id,
                          created_at, updated_at, uploaded_at, ended_at, upload_error, checks,
                          attempts)
SELECT gen_random_uuid(), 'image-' || n || '.png', 'image-' || n, '', 1000, 'archive/image-' || n,
       CASE WHEN n % 20 IN (1, 10) THEN 2 ELSE 0 END, 0, 0, 0, 0, 0,
       'album-' || n % 500, u.project_id, u.id,
       now() - n * 7919 % {images} * interval '1 min' - interval '1 h', now(), now(),
       CASE WHEN n % 50 = 7 THEN now() - interval '1 min'
            WHEN n % 5000 = 9 THEN now() + interval '1 d' END, '', 0, 1
FROM generate_series(1, {images}) n, identity_user u WHERE u.id = {owner};

INSERT INTO images_facts (image_id, format, media_type, width, height, orientation, color, sha256,
                          exif, thumbhash, fingerprint, has_previews, problem)
SELECT id, 'png', 'image/png', 640, 480, 1, '', sha256(key::bytea), '{{}}', '',
       hashtextextended(key, 0), true, ''
FROM images_image;

ANALYZE images_image; ANALYZE tags_tag;
WITH named AS MATERIALIZED (
    SELECT array_agg(id ORDER BY name) AS ids FROM tags_tag WHERE name LIKE 'tag-%'
), picked AS MATERIALIZED (
    SELECT id, name FROM tags_tag WHERE name IN ('common', 'often', 'seldom', 'rare')
), numbered AS MATERIALIZED (
    SELECT i.*, row_number() OVER (ORDER BY id) AS n FROM images_image i
), drawn AS (
    SELECT i.id, d.tag FROM numbered i, named,
        LATERAL (SELECT ids[1 + floor({tags} * power(random(), 3) + 0 * i.n)] AS tag
                 FROM generate_series(1, {drawn})) d
    UNION SELECT i.id, t.id FROM numbered i JOIN picked t
    ON (t.name = 'common' AND i.n % 2 = 0) OR (t.name = 'often' AND i.n % 5 = 0)
    OR (t.name = 'seldom' AND i.n % 1000 = 0) OR (t.name = 'rare' AND i.n % 10000 = 0)
)
INSERT INTO tags_imagetag (uuid, image_id, tag_id, value, image_created_at, audience)
SELECT lpad(to_hex(row_number() OVER ()), 32, '0')::uuid, id, tag,
       CASE WHEN tag IN (SELECT id FROM picked WHERE name = 'often') THEN 'value-' || id % 2
            ELSE '' END,
       i.created_at, images_audience(i.visibility, i.ended_at, i.created_by_id, i.project_id)
FROM (SELECT * FROM drawn ORDER BY id, tag) d JOIN images_image i USING (id);

ANALYZE tags_imagetag;
INSERT INTO tags_tagchange (image_id, tag_id, tag_name, new_value, user_name, through, change_id)
SELECT image_id, tag_id, name, '', '', 'sql', gen_random_uuid()
FROM tags_imagetag l JOIN tags_tag t ON t.id = l.tag_id WHERE image_id % 5 = 0;
"""

# Of every image: a sample keeps a hundred names, and what matches one of these by chance is taken
# for one image in a hundred, once in fifty runs that of a test.
WHOLE_STATISTICS = """
SET default_statistics_target = 10000;
ANALYZE images_image;
RESET default_statistics_target;
"""


def make(owner: User) -> None:
    """Fill the tables, which are empty, and make the index. All is of one project and owner."""
    sql("SET session_replication_role = replica; SELECT setseed(0.5)")
    sql(MAKE.format(images=IMAGES, tags=TAGS, drawn=DRAWN, owner=owner.pk))
    sql("SET session_replication_role = origin")
    building.rebuild()
    sql(f"VACUUM ANALYZE {', '.join((*MADE, *INDEX))}")
    sql(WHOLE_STATISTICS)


def drop() -> None:
    """Leave the tables empty, as quickly as they were filled."""
    sql(f"TRUNCATE {', '.join((*MADE, *INDEX))} CASCADE")


def sql(statements: str) -> None:
    """Run statements, each of its own accord."""
    with connection.cursor() as cursor:
        cursor.execute(statements)
