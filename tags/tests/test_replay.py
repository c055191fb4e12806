"""The property on which undo and 'tags as of a date' rest: the ledger, replayed, is the truth."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from images.models import Image
from taggedimages.factories import make_image
from taggedimages.identity.authors import Author
from tags import curation, resolving, tagging
from tags.models import ImageTag, Tag, TagChange

OPS = Author(None, "tests")
Links = dict[tuple[int, int], str]


def replayed() -> Links:
    """What links there must be by the ledger; each line must fit what the lines before it made."""
    links: Links = {}
    for line in TagChange.objects.order_by("id"):
        link = (line.image_id, line.tag_id)
        assert links.pop(link, None) == line.old_value
        if line.new_value is not None:
            links[link] = line.new_value
    return links


def present() -> Links:
    return {(link.image_id, link.tag_id): link.value for link in ImageTag.objects.all()}


# --- Operations: on one of three images, some of five tags ----------------------------------------


def image(number: int) -> Image:
    """The image of that number; a new one where its row was deleted."""
    filename = f"{number}.png"
    return Image.objects.filter(filename=filename).first() or make_image(filename=filename)


def ids_of(names: list[str]) -> list[int]:
    return [tag.pk for tag in resolving.resolve(names)]


def sql(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def tag(number: int, names: list[str]) -> None:
    tagging.tag(image(number), names, OPS)


def retag(number: int, names: list[str]) -> None:
    tagging.retag(image(number), names, OPS)


def untag(number: int, names: list[str]) -> None:
    tagging.untag(image(number), ids_of(names), OPS)


def set_values(number: int, values: dict[str, str]) -> None:
    tagging.set_values(image(number), values, OPS)


def rename(name: str, other: str) -> None:
    with suppress(curation.TagNameTaken):
        curation.rename(resolving.resolve([name])[0], other, OPS)


def delete_tag(name: str) -> None:
    curation.delete(resolving.resolve([name])[0], OPS)


def through_manager(number: int, names: list[str]) -> None:
    image(number).tags.set(resolving.resolve(names))


def bulk_insert(names: list[str], value: str) -> None:
    sql(
        "INSERT INTO tags_imagetag (uuid, image_id, tag_id, value)"
        " SELECT gen_random_uuid(), i.id, t.id, %s FROM images_image i, tags_tag t"
        " WHERE t.name = ANY(%s) ON CONFLICT DO NOTHING",
        value,
        names,
    )


def upsert(names: list[str], value: str) -> None:
    sql(
        "INSERT INTO tags_imagetag (uuid, image_id, tag_id, value)"
        " SELECT gen_random_uuid(), i.id, t.id, %s FROM images_image i, tags_tag t"
        " WHERE t.name = ANY(%s)"
        " ON CONFLICT (image_id, tag_id) DO UPDATE SET value = EXCLUDED.value",
        value,
        names,
    )


def bulk_update(names: list[str], value: str) -> None:
    ImageTag.objects.filter(tag__in=ids_of(names)).update(value=value)


def bulk_delete(names: list[str]) -> None:
    ImageTag.objects.filter(tag__in=ids_of(names)).delete()


def move_to_tag(name: str, other: str) -> None:
    here, there = ids_of([name])[0], ids_of([other])[0]
    sql(
        "UPDATE tags_imagetag l SET tag_id = %s, value = value || '!' WHERE tag_id = %s AND NOT"
        " EXISTS (SELECT FROM tags_imagetag o WHERE o.image_id = l.image_id AND o.tag_id = %s)",
        there,
        here,
        there,
    )


def move_to_image(number: int, other: int) -> None:
    here, there = image(number).pk, image(other).pk
    sql(
        "UPDATE tags_imagetag l SET image_id = %s WHERE image_id = %s AND NOT"
        " EXISTS (SELECT FROM tags_imagetag o WHERE o.tag_id = l.tag_id AND o.image_id = %s)",
        there,
        here,
        there,
    )


def merge(number: int, value: str) -> None:
    """Deletes links with that value, changes others to it, and adds the tags that lack."""
    sql(
        "MERGE INTO tags_imagetag l"
        " USING (SELECT %s::bigint AS image_id, id AS tag_id FROM tags_tag) w"
        " ON l.image_id = w.image_id AND l.tag_id = w.tag_id"
        " WHEN MATCHED AND l.value = %s THEN DELETE"
        " WHEN MATCHED THEN UPDATE SET value = %s"
        " WHEN NOT MATCHED THEN INSERT (uuid, image_id, tag_id, value)"
        " VALUES (gen_random_uuid(), w.image_id, w.tag_id, %s)",
        image(number).pk,
        value,
        value,
        value,
    )


def delete_and_insert_at_once(name: str, other: str) -> None:
    """One statement with a writing CTE: links of one tag go, the same images get another."""
    here, there = ids_of([name])[0], ids_of([other])[0]
    if here != there:
        sql(
            "WITH gone AS (DELETE FROM tags_imagetag WHERE tag_id = %s RETURNING image_id, value)"
            " INSERT INTO tags_imagetag (uuid, image_id, tag_id, value)"
            " SELECT gen_random_uuid(), image_id, %s, value FROM gone ON CONFLICT DO NOTHING",
            here,
            there,
        )


def delete_image_row(number: int) -> None:
    sql("DELETE FROM images_image WHERE filename = %s", f"{number}.png")


def delete_tag_rows(names: list[str]) -> None:
    sql("DELETE FROM tags_tag WHERE name = ANY(%s)", names)


def rolled_back(steps: list[tuple[Any, ...]]) -> None:
    with transaction.atomic():
        run(steps)
        transaction.set_rollback(True)


def run(steps: list[tuple[Any, ...]]) -> None:
    for operation, *arguments in steps:
        operation(*arguments)


number = st.integers(0, 2)
name = st.sampled_from(["knee", "hand", "left", "right", "Knee"])
names = st.lists(name, max_size=4)
value = st.sampled_from(["", "x", "y"])
OPERATIONS: dict[Callable[..., None], tuple[st.SearchStrategy[Any], ...]] = {
    tag: (number, names),
    retag: (number, names),
    untag: (number, names),
    set_values: (number, st.dictionaries(name, value, max_size=4)),
    rename: (name, name),
    delete_tag: (name,),
    through_manager: (number, names),
    bulk_insert: (names, value),
    upsert: (names, value),
    bulk_update: (names, value),
    bulk_delete: (names,),
    move_to_tag: (name, name),
    move_to_image: (number, number),
    merge: (number, value),
    delete_and_insert_at_once: (name, name),
    delete_image_row: (number,),
    delete_tag_rows: (names,),
}
step = st.one_of([st.tuples(st.just(op), *drawn) for op, drawn in OPERATIONS.items()])
undone = st.tuples(st.just(rolled_back), st.lists(step, max_size=5))


@pytest.mark.django_db
@settings(max_examples=150, deadline=None)
@given(steps=st.lists(st.one_of(step, step, step, undone), max_size=25))
def test_replaying_the_ledger_gives_the_current_links(steps):
    with transaction.atomic():
        run(steps)
        assert replayed() == present()
        assert Tag.objects.count() <= 5
        transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
@settings(max_examples=20, deadline=None)
@given(steps=st.lists(st.one_of(step, undone), min_size=5, max_size=25))
def test_so_it_does_over_committed_transactions(steps):
    """Here every example goes on from the links that the one before has left."""
    run(steps)
    assert replayed() == present()
