"""Pages of tags by name are right at any depth, whatever comes and goes, and cost the same."""

import pytest
from django.db import connection, connections

from search.index import maintenance, merging
from search.index.verification import verify
from search.models import Rebuild, Shelf
from taggedimages.factories import TESTS, make_spare_tags, make_tag
from taggedimages.tests.explaining import explained
from tags import alphabet, curation
from tags.models import Tag
from tags.name_cache import NamedTag

NAMES = [f"{letter}{number}" for letter in "bMdßzé%_" for number in range(4)]


@pytest.fixture
def short(monkeypatch) -> None:
    """Shelves of three tags each."""
    monkeypatch.setattr(alphabet, "TAGS", 3)


def put_up() -> None:
    with merging.one_state() as cursor:
        alphabet.put_up(cursor)


def shown(start: int, length: int) -> list[NamedTag]:
    return alphabet.page(length, start).tags


def assert_right() -> None:
    """Pages of any length from anywhere are those of the table itself."""
    wanted = list(Tag.objects.alphabetical().values("id", "name"))
    for start in range(len(wanted) + 2):
        for length in (1, 4, 100):
            assert shown(start, length) == wanted[start : start + length]
    assert alphabet.page(1).total == len(wanted)


# --- Right ---------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("again", [False, True])
def test_pages_are_right_whatever_comes_and_goes(short, again):
    def changes():
        yield lambda: [make_tag(name) for name in NAMES]
        yield put_up
        yield lambda: [make_tag(name) for name in ("a", "A", "c", "D0", "zz", "\U0001f600")]
        yield lambda: [curation.delete(tag, TESTS) for tag in Tag.objects.filter(name__gt="b2")[:5]]
        yield lambda: curation.rename(make_tag("a"), "x")
        yield lambda: curation.rename(make_tag("zz"), "0")
        yield lambda: curation.rename(make_tag("b0"), "B0")
        yield lambda: Tag.objects.filter(name__startswith="d").delete()
        yield lambda: Tag.objects.update(description="nothing that matters")
        yield lambda: Tag.objects.all().delete()
        yield lambda: make_tag("knee")

    for change in changes():
        change()
        assert_right()
        if again:
            put_up()
            assert_right()
        assert verify().right


@pytest.mark.django_db(transaction=True)
def test_a_tag_that_comes_while_shelves_are_put_up_is_counted_once(short):
    for name in NAMES:
        make_tag(name)
    other = connections.create_connection("default")
    try:
        with merging.one_state() as cursor:
            cursor.execute("SELECT count(*) FROM tags_tag")
            with other.cursor() as elsewhere:
                elsewhere.execute("UPDATE tags_tag SET name = '0', folded = '0' WHERE name = 'z3'")
                elsewhere.execute("DELETE FROM tags_tag WHERE name = 'M0'")
            alphabet.put_up(cursor)
    finally:
        other.close()
    assert Shelf.objects.filter(starts=False).count() == 3
    assert_right()


@pytest.mark.django_db
def test_what_came_past_the_triggers_is_counted_until_the_rebuild_and_told_after(short):
    for name in NAMES:
        make_tag(name)
    put_up()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        make_tag("a")
        cursor.execute("SET LOCAL session_replication_role = origin")
    assert not verify().right
    Rebuild.objects.create()
    assert shown(0, 3) == list(Tag.objects.alphabetical().values("id", "name")[:3])
    assert shown(9, 3) == list(Tag.objects.alphabetical().values("id", "name")[9:12])
    maintenance.keep()
    assert_right()


@pytest.mark.django_db
def test_wrong_shelves_are_found_and_mended(short):
    for name in NAMES:
        make_tag(name)
    put_up()
    Shelf.objects.filter(starts=True, name="b1").update(tags=2)
    assert not verify().right
    assert not verify(repair=True).right
    assert verify().right
    assert_right()


# --- Put up by the worker ------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_worker_puts_them_up_once_it_is_worth_it(short, monkeypatch):
    monkeypatch.setattr(alphabet, "CHANGES", 2)
    for name in "abc":
        make_tag(name)
    Shelf.objects.all().delete()
    maintenance.keep()
    assert not Shelf.objects.exists()
    make_tag("d")
    maintenance.keep()
    started = list(Shelf.objects.order_by("name").values_list("name", "starts", "tags"))
    assert started == [("a", True, 3), ("d", True, 1)]
    make_tag("e")
    make_tag("f")
    maintenance.keep()
    assert Shelf.objects.filter(starts=False).count() == 2
    make_tag("g")
    maintenance.keep()
    assert list(Shelf.objects.order_by("name").values_list("tags", flat=True)) == [3, 3, 1]


# --- Cheap ---------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("page", [0, 99, 199])
def test_a_page_far_on_passes_over_no_more_tags_than_a_shelf_has(api, page):
    make_spare_tags(20_000)
    put_up()
    read = explained(lambda: api.get("/v1/tags", {"page": page, "limit": 100}))
    assert len(read) == 2
    assert sum(statement.rows({"tags_tag"}) for statement in read) <= alphabet.TAGS + 100
    assert not any("tags_tag" in statement.scanned for statement in read)


@pytest.mark.django_db
def test_where_more_has_changed_than_is_worth_adding_up_tags_are_counted_out(short, monkeypatch):
    for name in NAMES:
        make_tag(name)
    put_up()
    [make_tag(f"a{number}") for number in range(5)]
    monkeypatch.setattr(alphabet, "WORTH", 4)
    assert_right()
