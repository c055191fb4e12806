"""A database that is full and in use gets stamps, the vocabulary's ledger and `registered_at`."""

from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from images.models import Facts, Image
from taggedimages.factories import TESTS, make_image
from taggedimages.postgresql import operations
from tags import tagging
from tags.models import TagChange, VocabularyChange
from tags.tests.test_migrations import migrate, put_on_image

pytestmark = pytest.mark.django_db(transaction=True)

BEFORE = [("tags", "0018_colours"), ("images", "0014_folded_texts")]
NEW = [
    ("tags", "0019_ledger_of_changes"),
    ("images", "0015_registered_at"),
    ("images", "0016_subject"),
]


@pytest.fixture
def old_image() -> Iterator[Image]:
    """One with facts and a tag that it got before."""
    image = make_image("knee")
    Facts.objects.create(image=image)
    migrate(*BEFORE)
    with connection.cursor() as cursor:
        put_on_image(cursor, "left")
    yield image
    migrate()


def forget(*migrations: tuple[str, str]) -> None:
    """As if they had been killed just before they were noted as applied."""
    for migration in migrations:
        MigrationRecorder(connection).record_unapplied(*migration)


def test_what_is_there_stays_as_it_is_and_what_comes_is_recorded(old_image):
    migrate()
    old_image.refresh_from_db()
    assert old_image.registered_at is None
    assert old_image.facts.subject is None
    assert set(TagChange.objects.values_list("tag_name", "bulk")) == {
        ("knee", None),
        ("left", None),
    }
    assert not VocabularyChange.objects.exists()
    tagging.tag(old_image, ["right"], TESTS)
    [line] = VocabularyChange.objects.all()
    assert (line.name, line.at) == ("right", TagChange.objects.latest("id").changed_at)
    assert make_image().registered_at is not None


def test_each_can_be_run_again_where_it_was_killed(old_image):
    migrate(*NEW)
    forget(*NEW)
    migrate()
    tagging.tag(old_image, ["right"], TESTS)
    assert VocabularyChange.objects.count() == 1


@pytest.mark.parametrize(
    ("table", "migration"),
    [
        ("tags_tagchange", "0019_ledger_of_changes"),
        ("tags_tag", "0019_ledger_of_changes"),
        ("images_image", "0015_registered_at"),
        ("images_facts", "0016_subject"),
    ],
)
def test_who_writes_meanwhile_is_waited_for_in_short_turns(
    old_image, monkeypatch, table, migration
):
    """So that nobody queues for long behind a migration that waits for a long transaction."""
    settings = connection.get_connection_params()
    known = ("dbname", "user", "password", "host", "port")
    other = psycopg2.connect(**{name: settings[name] for name in known if name in settings})
    with other.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {table} IN ROW EXCLUSIVE MODE")
    waits = []

    def wait(seconds: float) -> Any:
        waits.append(seconds)
        other.rollback()

    monkeypatch.setattr(operations, "LOCK_WAIT", "100ms")
    monkeypatch.setattr("time.sleep", wait)
    migrate()
    other.close()
    assert waits == [operations.LOCK_PAUSE_SECONDS]
