"""Records are made through HTTP and by the same statements in SQL; nothing of them stays."""

import json
from dataclasses import replace

import psycopg2
import pytest
from django.core.management import call_command
from django.db import connection

from benchmarks.__main__ import main
from benchmarks.inside import TooFewTags
from benchmarks.writes import TAGS, Refused, Writes
from images.models import Image
from taggedimages.factories import make_image
from tags.models import ImageTag, Tag, TagChange

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def writes(live_server) -> Writes:
    """Measures a service with just as many tags as a record gets."""
    make_image(*(f"tag{number}" for number in range(TAGS)), filename="of others.png")
    call_command("tagindex", rebuild=True)
    return Writes(live_server.url, "", seconds=0.1, say=lambda line: None)


def rows(image: int) -> list[object]:
    """All that the database has of an image, without what is its own."""
    own = {"id", "uuid", "image_id", "image", "change_id", "request_id"}
    found: list[object] = []
    for rows_of in (
        Image.objects.filter(pk=image),
        ImageTag.objects.filter(image=image).order_by("tag"),
        TagChange.objects.filter(image_id=image).order_by("tag_id"),
    ):
        found += [
            {
                name: type(value) if name.endswith("_at") or name == "key" else value
                for name, value in row.items()
                if name not in own
            }
            for row in rows_of.values()
        ]
    return found


def test_a_script_makes_the_rows_of_the_request_it_was_recorded_from(writes):
    script = writes.scripts()[0]
    recorded = Image.objects.latest("pk").pk
    connected = psycopg2.connect(**connection.get_connection_params())
    connected.autocommit = True
    made = script.run(connected.cursor())
    connected.close()
    assert made > recorded
    assert Image.objects.get(pk=made).key != Image.objects.get(pk=recorded).key
    assert rows(made) == rows(recorded)
    assert len(rows(made)) == 1 + 2 * TAGS


def test_all_kinds_of_writes_are_measured_without_errors(writes, capsys):
    assert main(["writes", f"--base={writes.base}", "--seconds=0.1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["writes"]
    assert [found[side]["errors"] for side in ("posts", "sql")] == [0, 0]
    assert min(steps["n"] for steps in found["steps"].values()) >= 10


def test_records_of_others_are_left_alone(writes):
    before = list(Image.objects.values())
    writes.run()
    assert list(Image.objects.current().values()) == before
    assert Tag.objects.count() == TAGS


def test_what_was_made_is_deleted_after_a_failure_too(writes):
    before = Image.objects.count()
    with pytest.raises(Refused):
        replace(writes, base="http://127.0.0.1:1").run()
    assert Image.objects.count() > before
    assert Image.objects.current().count() == before


def test_without_tags_there_is_nothing_to_measure(live_server):
    with pytest.raises(TooFewTags, match="12 tags"):
        Writes(live_server.url, "", seconds=0.1, say=lambda line: None).run()
