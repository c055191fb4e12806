"""Conditions and orders that would otherwise read every image have an index of their own."""

import pytest
from django.db import connection, models
from django.db.migrations.state import ProjectState

from images.models import Image
from search.lookups import narrowed
from search.ordering import ORDERS
from search.query import Query
from taggedimages.factories import make_user
from taggedimages.postgresql.operations import BuildIndex
from tags.models import Tag

EVERYTHING = Image.objects.all()
# As many files that were looked at as a planner needs to see that an index is shorter.
INSPECTED = """
WITH made AS (
    INSERT INTO images_image (uuid, filename, name, description, size, key, visibility, rotation,
                              crop_x, crop_y, crop_w, crop_h, album_id, project_id, created_by_id,
                              created_at, updated_at, upload_error, checks, attempts)
    SELECT gen_random_uuid(), n || '.png', '', '', n, n::text, 0, 0, 0, 0, 0, 0, '',
           u.project_id, u.id, now(), now(), '', 0, 1
    FROM generate_series(1, 5000) n, identity_user u WHERE u.id = %s
    RETURNING id, size
)
INSERT INTO images_facts (image_id, format, media_type, width, height, orientation, color, sha256,
                          exif, thumbhash, has_previews, problem)
SELECT id, CASE WHEN size %% 1000 = 0 THEN 'dicom' ELSE 'png' END, '', 9, 9, 1, '', sha256(''),
       '{}', '', false, ''
FROM made
"""


def plan(queryset, *off):
    """The plan of a query where nothing is there that would make reading all of it cheaper."""
    with connection.cursor() as cursor:
        for way in ("seqscan", *off):
            cursor.execute(f"SET LOCAL enable_{way} = off")
    return queryset.explain()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("query", "index"),
    [
        (Query(filename_contains="Knee"), "image_filename_folded"),
        (Query(min_size=5), "image_by_size"),
        (Query(max_size=5), "image_by_size"),
    ],
)
def test_a_condition_begins_at_its_index(query, index):
    assert index in plan(narrowed(EVERYTHING, query).values("pk"))


@pytest.mark.django_db
def test_a_rare_format_begins_at_its_index():
    with connection.cursor() as cursor:
        cursor.execute(INSPECTED, [make_user("owner").pk])
        cursor.execute("ANALYZE images_image; ANALYZE images_facts")
    assert "facts_format" in plan(narrowed(EVERYTHING, Query(formats=("dicom",))).values("pk"))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("order", "index"),
    [
        ("newest", "image_newest_first"),
        ("oldest", "image_newest_first"),
        ("uploaded", "image_last_uploaded"),
        ("largest", "image_by_size"),
        ("smallest", "image_by_size"),
        ("filename", "image_by_filename"),
    ],
)
def test_an_order_is_read_off_its_index(order, index):
    shown = plan(ORDERS[order].applied(EVERYTHING)[:100], "sort")
    assert index in shown
    assert "Sort" not in shown


@pytest.mark.django_db
def test_a_part_of_a_tags_name_is_looked_up():
    assert "tag_folded_part" in plan(Tag.objects.filter(folded__like="%nee%"))


@pytest.mark.django_db(transaction=True)
def test_an_index_that_was_interrupted_is_made_anew():
    index = models.Index(fields=["folded"], name="tag_interrupted")
    with connection.schema_editor(atomic=False) as editor:
        editor.execute("CREATE INDEX tag_interrupted ON tags_tag (name)")
        state = ProjectState.from_apps(Tag._meta.apps)
        BuildIndex("tag", index).database_forwards("tags", editor, state, state)
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'tag_interrupted'")
        assert "(folded)" in cursor.fetchone()[0]
        cursor.execute("DROP INDEX tag_interrupted")
