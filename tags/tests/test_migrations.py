"""A database with tags, links and deltas of before goes on under the present migrations."""

import io
from collections.abc import Iterator
from importlib import import_module

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.migrations.executor import MigrationExecutor

from images.visibility import Viewer
from search.tests.indexes import merge_all
from taggedimages.factories import TESTS, make_image, make_tag
from tags import alphabet, colours, counters, curation, vocabulary
from tags.models import Closure, CounterDelta, ImageTag, Tag

pytestmark = pytest.mark.django_db(transaction=True)

SHELF_FUNCTIONS = """
SELECT count(*) FROM pg_proc WHERE proname IN ('search_tags_shelved', 'search_tag_moved')
"""
NEW_TAG = """
INSERT INTO tags_tag (uuid, name, folded, description, label_en, label_fr, color, public,
                      listed, visible, allow_download)
VALUES (gen_random_uuid(), %s, %s, '', '', '', %s, false, true, false, false)
RETURNING id
"""
TAG_ON_IMAGE = f"""
WITH tag AS ({NEW_TAG})
INSERT INTO tags_imagetag (uuid, image_id, tag_id, value)
SELECT gen_random_uuid(), (SELECT max(id) FROM images_image), id, '' FROM tag
"""
BEFORE = [("search", "0006_folds"), ("tags", "0011_valued_links")]


def migrate(*targets: tuple[str, str]) -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(list(targets) or executor.loader.graph.leaf_nodes())


@pytest.fixture
def before() -> Iterator[None]:
    """Some links, of which some deltas are compacted, in a database as it was before."""
    make_image("knee", "left")
    merge_all()
    make_image("knee", "right")
    migrate(*BEFORE)
    yield
    migrate()


def put_on_image(cursor: CursorWrapper, name: str) -> None:
    """A new tag of this name on an image, without a model, whose columns were others before."""
    cursor.execute(TAG_ON_IMAGE, [name, name, "#000000"])


def new_tag(name: str, folded: str = "", color: str = "#000000") -> int:
    """The id of a new tag, likewise."""
    with connection.cursor() as cursor:
        cursor.execute(NEW_TAG, [name, folded or name, color])
        return int(cursor.fetchone()[0])


def _number(cursor: CursorWrapper, statement: str) -> int:
    cursor.execute(statement)
    return int(cursor.fetchone()[0])


def assert_counters_exact() -> None:
    assert counters.count_tags() == Tag.objects.count()
    assert counters.count_links(Viewer.of(None)) == ImageTag.objects.count()


def test_counters_go_on_with_the_deltas_of_before(before):
    with connection.cursor() as cursor:
        put_on_image(cursor, "new")
    deltas = set(CounterDelta.objects.values_list("of", "change"))
    migrate()
    # And those of the tags that everybody is shown.
    kept = CounterDelta.objects.filter(of__lt=0)
    assert set(kept.values_list("of", "change")) == deltas
    assert counters.verify(connection.cursor()) == 0
    assert_counters_exact()
    curation.delete(make_tag("knee"), TESTS)
    merge_all()
    assert_counters_exact()


def test_nothing_of_shelves_is_left_and_tags_are_written_as_before_when_taken_back(before):
    with connection.cursor() as cursor:
        assert _number(cursor, SHELF_FUNCTIONS) == 2
        put_on_image(cursor, "new")
        assert _number(cursor, "SELECT sum(tags) FROM search_shelf") > 0
        migrate()
        make_tag("newer")
        assert _number(cursor, SHELF_FUNCTIONS) == 0
        assert _number(cursor, "SELECT count(to_regclass('search_shelf'))") == 0


def test_names_are_brought_to_form_nfc_where_no_other_tag_has_them():
    migrate(("tags", "0015_audiences_of_tags"))
    old = {
        "zu\u0308": "zu\u0308",
        "Я\u0301a": "я\u0301a",
        "é": "é",
        "e\u0301": "e\u0301",
        "\u0390": "\u03b9\u0308\u0301",
    }
    ids = {name: new_tag(name, fold) for name, fold in old.items()}
    migrate()
    tags = {name: Tag.objects.get(pk=pk) for name, pk in ids.items()}
    shown = [(tag.name, tag.folded) for tag in tags.values()]
    assert shown == [
        ("zü", "zü"),
        ("Я\u0301a", "я\u0301a"),
        ("é", "é"),
        # Left, since another has that name; found as what looks the same.
        ("e\u0301", "é"),
        ("\u0390", "\u0390"),
    ]
    found = alphabet.page(Viewer.of(None), 10).tags
    assert {tag["name"] for tag in found} == {name for name, _ in shown}
    twin = tags["e\u0301"]
    out = io.StringIO()
    with pytest.raises(CommandError, match="1 names are odd"):
        call_command("tagnames", stdout=out, mend=True)
    assert out.getvalue().splitlines() == [
        "0 names were brought to form NFC.",
        f"tag {twin.pk} 'e\\u0301': looks like tag {tags['é'].pk}",
    ]
    curation.rename(twin, "another", TESTS)
    call_command("tagnames", stdout=out)
    assert out.getvalue().endswith("All names of tags are right.\n")


def test_a_colour_that_is_none_becomes_the_one_that_is_shown():
    migrate(("tags", "0017_normal_names"))
    tag = new_tag("knee", color="red")
    migrate()
    assert Tag.objects.get(pk=tag).color == colours.shown("red") == colours.UNKNOWN


def test_rules_are_migrated_again_where_that_was_interrupted():
    knee, old = make_tag("knee"), make_tag("old")
    vocabulary.alias(old, knee, TESTS)
    tables = import_module("tags.migrations.0020_vocabulary")
    ledger = import_module("tags.migrations.0021_ledger_of_rules")
    with connection.cursor() as cursor:
        for statements in (tables.COLUMNS, tables.TABLES, tables.FOLLOW, ledger.RECORD):
            cursor.execute(statements)
    assert Closure.objects.get().descendant == old
    curation.delete(knee, TESTS)
    assert not Tag.objects.exists()


def test_models_and_migrations_say_the_same():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
