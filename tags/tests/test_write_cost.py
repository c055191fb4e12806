"""What a write costs is its own size, not the corpus's: its statements, and how they find rows."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from images import storage
from images.models import Image
from taggedimages.factories import make_image, make_pending

pytestmark = pytest.mark.django_db

OTHERS = 3_000
# Enough that the planner takes an index wherever there is one.
FILL = """
WITH tags AS (
    INSERT INTO tags_tag (uuid, name, folded, description, label_en, label_fr, color, public,
                          listed, visible, allow_download)
    SELECT gen_random_uuid(), 'tag-' || n, 'tag-' || n, '', '', '', '#000000', false, true, false,
           false
    FROM generate_series(0, %(others)s - 1) n RETURNING id
), images AS (
    INSERT INTO images_image (
        uuid, filename, name, description, size, key, visibility, rotation, crop_x, crop_y, crop_w,
        crop_h, album_id, project_id, created_at, updated_at, uploaded_at, upload_error, checks,
        attempts)
    SELECT gen_random_uuid(), filename, name, description, size, key || n, visibility, rotation,
           crop_x, crop_y, crop_w, crop_h, album_id, project_id, created_at, updated_at,
           uploaded_at, upload_error, checks, attempts
    FROM images_image, generate_series(1, %(others)s) n WHERE id = %(like)s
    RETURNING id, created_at
)
INSERT INTO tags_imagetag (uuid, image_id, tag_id, value, image_created_at, audience)
SELECT gen_random_uuid(), i.id, t.id, '', i.created_at, 0
FROM images i JOIN tags t ON (i.id + t.id) %% 1000 = 0
"""
TABLES = ("images_image", "tags_tag", "tags_imagetag", "tags_tagchange", "search_unindexed")


@pytest.fixture
def corpus() -> None:
    """Images and tags beside those that a test is about, and statistics of them."""
    with connection.cursor() as cursor:
        cursor.execute(FILL, {"others": OTHERS, "like": make_image().pk})
        cursor.execute(f"ANALYZE {', '.join(TABLES)}")


Write = Callable[[APIClient, Image], Any]
WRITES: dict[str, tuple[Write, int]] = {
    "a new image": (
        lambda api, _: api.post("/v1/images", {"filename": "a.png", "tags": ["tag-1", "tag-2"]}),
        5,
    ),
    "its tags replaced": (
        lambda api, image: api.put(f"/v1/images/{image.pk}", {"tags": ["tag-2", "tag-3"]}),
        11,
    ),
    "its file taken": (
        lambda api, image: api.post(f"/v1/images/{image.pk}/complete"),
        9,
    ),
    "its end": (lambda api, image: api.delete(f"/v1/images/{image.pk}"), 4),
}


def touched() -> dict[str, tuple[int, int]]:
    """Rows that this transaction has read of each table: all in turn, and by an index."""
    with connection.cursor() as cursor:
        # Foreign keys are checked at the end, which a test does not reach.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        cursor.execute(
            "SELECT relname, seq_tup_read, idx_tup_fetch FROM pg_stat_xact_user_tables"
            " WHERE relname = ANY(%s)",
            [list(TABLES)],
        )
        return {table: (in_turn, by_index) for table, in_turn, by_index in cursor.fetchall()}


@pytest.mark.parametrize("write", WRITES)
def test_it_reads_what_it_changes_and_nothing_else(api, corpus, write):
    image = make_pending("tag-1", "tag-2")
    storage.put(image.key, b"bytes")
    do, at_most = WRITES[write]
    before = touched()
    with CaptureQueriesContext(connection) as captured:
        answer = do(api, image)
    assert answer.status_code < 300, answer.content
    after = touched()
    assert len(captured) <= at_most, [query["sql"] for query in captured]
    for table in TABLES:
        assert after[table][0] == before[table][0], f"{table} was read through"
        assert after[table][1] - before[table][1] <= 30, f"{table} was read at large"
