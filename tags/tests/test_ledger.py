"""The ledger: what each way of changing an image's tags leaves in it."""

import uuid
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from images.models import Image
from taggedimages.factories import make_image, make_tag, make_user
from taggedimages.identity.authors import Author
from taggedimages.identity.models import User
from tags import curation, history, tagging
from tags.models import ImageTag, Tag, TagChange

pytestmark = pytest.mark.django_db


@pytest.fixture
def image() -> Image:
    return make_image()


@pytest.fixture
def mira() -> Author:
    return Author(make_user("mira"), "tests")


def sql(statement: str, *values: Any) -> Any:
    """Run plain SQL as somebody beside the service would; returns the rows touched."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.rowcount


def unsigned() -> None:
    """Forget the author that this test's one transaction has told the database."""
    for setting in ("user_id", "user_name", "through", "change_id", "bulk"):
        sql("SELECT set_config(%s, '', true)", f"taggedimages.{setting}")


def lines(image: Image) -> list[tuple[str, str | None, str | None]]:
    """Tag, old and new value of every line about an image, oldest first."""
    changes = history.of_image(image.pk).reverse()
    return [(change.tag_name, change.old_value, change.new_value) for change in changes]


# --- What a line says ----------------------------------------------------------------------------


def test_a_line_tells_image_tag_values_who_when_through_what_and_the_change(image, mira):
    [knee] = tagging.tag(image, ["knee"], mira)
    line = TagChange.objects.get()
    assert (line.image_id, line.tag_id, line.tag_name) == (image.pk, knee.pk, "knee")
    assert (line.old_value, line.new_value) == (None, "")
    assert mira.user
    assert (line.user_id, line.user_name, line.through) == (mira.user.pk, "mira", "tests")
    assert line.changed_at <= ImageTag.objects.get().created_at
    assert isinstance(line.change_id, uuid.UUID)


def test_all_lines_of_one_change_share_its_id(image, mira):
    tagging.tag(image, ["knee", "left"], mira)
    tagging.retag(image, ["left", "right"], mira)
    changes = list(TagChange.objects.order_by("id").values_list("tag_name", "change_id"))
    (first, first_id), (_, second_id), (_, third_id), (_, fourth_id) = changes
    assert first == "knee"
    assert first_id == second_id != third_id == fourth_id


def test_a_change_over_several_transactions_keeps_the_id_that_it_is_given(image, mira):
    with history.signed(mira) as change_id:
        tag = make_tag("knee")
        ImageTag.objects.create(image=image, tag=tag)
    with history.signed(mira, change_id):
        ImageTag.objects.all().delete()
    assert set(TagChange.objects.values_list("change_id", flat=True)) == {change_id}


def test_what_is_signed_within_a_change_is_a_part_of_it(image, mira):
    with history.signed(mira, bulk=7) as change_id:
        tagging.tag(image, ["knee"], Author(None, "v1"))
        tagging.untag(image, [make_tag("knee").pk], mira)
    tagging.tag(image, ["knee"], mira)
    *_, last = found = list(
        TagChange.objects.order_by("id").values_list("change_id", "bulk", "user_name")
    )
    assert found[:2] == [(change_id, 7, "mira")] * 2
    assert last[0] != change_id
    assert last[1] is None


def test_an_anonymous_author_is_named_so(image):
    tagging.tag(image, ["knee"], Author(None, "v1"))
    line = TagChange.objects.get()
    assert (line.user_id, line.user_name, line.through) == (None, "anonymous", "v1")


def test_a_deleted_user_stays_named(image, mira):
    tagging.tag(image, ["knee"], mira)
    assert mira.user
    User.objects.filter(pk=mira.user.pk).delete()
    assert TagChange.objects.get().user_name == "mira"
    assert lines(image) == [("knee", None, "")]


def test_a_value_change_is_one_line_with_both_values(image, mira):
    tagging.set_values(image, {"env": "test"}, mira)
    tagging.set_values(image, {"env": "live"}, mira)
    assert lines(image) == [("env", None, "test"), ("env", "test", "live")]


def test_values_set_together_are_one_change_whether_links_came_or_changed(image, mira):
    tagging.set_values(image, {"env": "test"}, mira)
    tagging.set_values(image, {"env": "live", "tier": "1"}, mira)
    *together, _ = history.of_image(image.pk)
    assert {(line.tag_name, line.old_value, line.new_value) for line in together} == {
        ("env", "test", "live"),
        ("tier", None, "1"),
    }
    assert len({line.change_id for line in together}) == 1


def test_what_changes_nothing_leaves_no_line(image, mira):
    tagging.set_values(image, {"env": "test"}, mira)
    tagging.set_values(image, {"env": "test"}, mira)
    tagging.tag(image, ["env"], mira)
    tagging.retag(image, ["env"], mira)
    tagging.untag(image, [0], mira)
    assert lines(image) == [("env", None, "test")]


def test_a_rename_is_no_change_of_links_and_old_lines_keep_the_old_name(image, mira):
    [tag] = tagging.tag(image, ["knee"], mira)
    curation.rename(tag, "joint", mira)
    tagging.untag(image, [tag.pk], mira)
    assert lines(image) == [("knee", None, ""), ("joint", "", None)]


def test_a_rolled_back_change_leaves_no_line(image, mira):
    with transaction.atomic():
        tagging.tag(image, ["knee"], mira)
        transaction.set_rollback(True)
    assert lines(image) == []


# --- Ways around the functions -------------------------------------------------------------------


def test_plain_sql_is_recorded_unsigned(image):
    tag = make_tag("knee")
    unsigned()
    sql(
        "INSERT INTO tags_imagetag (uuid, image_id, tag_id, value)"
        " VALUES (gen_random_uuid(), %s, %s, 'left')",
        image.pk,
        tag.pk,
    )
    line = TagChange.objects.get()
    assert (line.old_value, line.new_value) == (None, "left")
    assert (line.user_id, line.user_name, line.through) == (None, "", "sql")


@pytest.mark.django_db(transaction=True)
def test_unsigned_statements_of_one_transaction_are_one_change():
    image = make_image("one", "two", "three")
    for names in (["one", "two"], ["three"]):
        with transaction.atomic():
            for name in names:
                ImageTag.objects.filter(tag__name=name).delete()
    removals = TagChange.objects.filter(image_id=image.pk, new_value=None)
    one, two, three = removals.order_by("id").values_list("change_id", flat=True)
    assert one == two != three


def test_an_upsert_is_recorded_as_what_it_did_to_each_link(image, mira):
    tagging.set_values(image, {"old": "1"}, mira)
    make_tag("new")
    sql(
        "INSERT INTO tags_imagetag (uuid, image_id, tag_id, value)"
        " SELECT gen_random_uuid(), %s, id, '2' FROM tags_tag"
        " ON CONFLICT (image_id, tag_id) DO UPDATE SET value = EXCLUDED.value",
        image.pk,
    )
    assert sorted(lines(image)[1:]) == [("new", None, "2"), ("old", "1", "2")]


def test_moving_a_link_to_another_tag_is_a_removal_and_an_addition(image, mira):
    tagging.set_values(image, {"knee": "left"}, mira)
    sql("UPDATE tags_imagetag SET tag_id = %s", make_tag("joint").pk)
    assert lines(image)[1:] == [("knee", "left", None), ("joint", None, "left")]


def test_moving_a_link_to_another_image_is_recorded_on_both(image, mira):
    tagging.tag(image, ["knee"], mira)
    other = make_image()
    sql("UPDATE tags_imagetag SET image_id = %s", other.pk)
    assert lines(image) == [("knee", None, ""), ("knee", "", None)]
    assert lines(other) == [("knee", None, "")]


def test_a_statement_over_many_images_leaves_a_line_for_each_link(mira):
    images = [make_image("knee") for _ in range(5)]
    ImageTag.objects.filter(tag__name="knee").delete()
    assert [lines(image) for image in images] == [[("knee", None, ""), ("knee", "", None)]] * 5


def test_deleting_a_tag_records_each_link_that_it_takes_along(mira):
    images = [make_image("knee", "left"), make_image("knee")]
    assert curation.delete(Tag.objects.get(name="knee"), mira)
    removals = TagChange.objects.filter(new_value=None).order_by("id")
    assert list(removals.values_list("image_id", "tag_name", "user_name")) == [
        (image.pk, "knee", "mira") for image in images
    ]
    assert removals[0].change_id == removals[1].change_id


def test_deleting_tag_rows_by_plain_sql_records_the_cascade():
    image = make_image("knee", "left")
    assert sql("DELETE FROM tags_tag") == 2
    assert sorted(lines(image)[2:]) == [("knee", "", None), ("left", "", None)]


def test_deleting_an_image_row_records_the_cascade_and_the_ledger_outlives_it():
    image = make_image("knee")
    assert sql("DELETE FROM images_image WHERE id = %s", image.pk) == 1
    assert not ImageTag.objects.exists()
    assert lines(image) == [("knee", None, ""), ("knee", "", None)]


def test_the_many_to_many_manager_is_recorded_too(image):
    knee, hand = make_tag("knee"), make_tag("hand")
    knee.images.add(image)
    image.tags.set([hand])
    image.tags.clear()
    assert lines(image) == [
        ("knee", None, ""),
        ("knee", "", None),
        ("hand", None, ""),
        ("hand", "", None),
    ]


MERGE = """
MERGE INTO tags_imagetag l
USING (SELECT %s::bigint AS image_id, t.id AS tag_id FROM tags_tag t) w
ON l.image_id = w.image_id AND l.tag_id = w.tag_id
WHEN MATCHED AND l.value = 'gone' THEN DELETE
WHEN MATCHED THEN UPDATE SET value = 'stays'
WHEN NOT MATCHED THEN INSERT (uuid, image_id, tag_id, value)
    VALUES (gen_random_uuid(), w.image_id, w.tag_id, 'new')
"""


def test_merge_is_recorded_by_what_it_did_to_each_link(image, mira):
    tagging.set_values(image, {"a": "gone", "b": ""}, mira)
    make_tag("c")
    sql(MERGE, image.pk)
    assert sorted(lines(image)[2:]) == [("a", "gone", None), ("b", "", "stays"), ("c", None, "new")]


def test_a_statement_that_replaces_a_link_by_itself_is_refused(image, mira):
    """The order of its two lines could not be told; two statements can."""
    tagging.tag(image, ["knee"], mira)
    replacing = """
        MERGE INTO tags_imagetag l USING (SELECT id FROM tags_imagetag UNION ALL SELECT 0) w
        ON l.id = w.id
        WHEN MATCHED THEN DELETE
        WHEN NOT MATCHED THEN INSERT (uuid, image_id, tag_id, value)
            VALUES (gen_random_uuid(), %s, %s, 'new')
        """
    knee = Tag.objects.get()
    with pytest.raises(DatabaseError, match="removes and adds"), transaction.atomic():
        sql(replacing, image.pk, knee.pk)


def test_history_names_a_value_change_and_unsigned_authors(api, image, mira):
    tagging.set_values(image, {"env": "test"}, mira)
    unsigned()
    sql("UPDATE tags_imagetag SET value = 'live'")
    newest, _ = api.get(f"/v1/images/{image.pk}/history").json()["results"]
    assert (newest["action"], newest["old_value"], newest["new_value"]) == (
        "change",
        "test",
        "live",
    )
    assert (newest["created_by"], newest["through"]) == ("anonymous", "sql")


# --- What cannot be done -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tags_tagchange SET user_name = 'nobody'",
        "DELETE FROM tags_tagchange",
        "TRUNCATE tags_tagchange",
        "TRUNCATE tags_imagetag",
        "TRUNCATE tags_tag CASCADE",
        "TRUNCATE images_image CASCADE",
    ],
)
def test_the_ledger_cannot_be_rewritten_nor_links_truncated(statement):
    make_image("knee")
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    sql("SET LOCAL taggedimages.may_truncate = off")
    with pytest.raises(DatabaseError, match=r"never rewritten|unrecorded"), transaction.atomic():
        sql(statement)


# --- What it costs -------------------------------------------------------------------------------


def test_signing_costs_one_statement_a_request_however_many_tags(api, image):
    def statements(tags: list[str]) -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            answer = api.put(f"/v1/images/{image.pk}", {"tags": tags})
        assert answer.status_code == 200
        return [query["sql"] for query in captured]

    one = statements(["tag-0"])
    many = statements([f"tag-{number}" for number in range(50)])
    assert len(many) == len(one)
    assert [sum("taggedimages." in query for query in queries) for queries in (one, many)] == [1, 1]
