"""`schema.json` is what the migrations make, and what differs from it is told."""

import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from taggedimages.postgresql import schema
from taggedimages.postgresql.migrating import known

pytestmark = pytest.mark.django_db


def test_the_recorded_schema_is_what_the_migrations_make(request: pytest.FixtureRequest) -> None:
    """After a change of it: pytest taggedimages/tests/test_schema.py --record-migrations."""
    if request.config.getoption("--record-migrations"):
        schema.RECORDED.write_text(json.dumps(schema.catalogue(connection), indent=1) + "\n")
    recorded = {name: text for name, text in schema.recorded().items() if is_compared(name)}
    found = {name: text for name, text in schema.catalogue(connection).items() if is_compared(name)}
    assert found == recorded
    assert schema.differences(connection) == []


def is_compared(name: str) -> bool:
    return name not in schema.BY_SERVER


def change(statement: str) -> list[str]:
    """What is told of a database in which somebody has run this."""
    with connection.cursor() as cursor:
        cursor.execute(statement)
    return schema.differences(connection)


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("DROP TABLE images_usagedelta CASCADE", "table images_usagedelta is missing"),
        (
            "DROP TRIGGER record_added ON tags_imagetag",
            "trigger tags_imagetag.record_added is missing",
        ),
        (
            "ALTER TABLE tags_imagetag DISABLE TRIGGER record_added",
            "trigger tags_imagetag.record_added is: CREATE TRIGGER record_added",
        ),
        ("DROP INDEX image_newest_first", "index images_image.image_newest_first is missing"),
        (
            "ALTER TABLE images_image ALTER name TYPE text",
            "column images_image.name is: text NOT NULL; it should be: character varying(",
        ),
        (
            "ALTER TABLE images_image ALTER name SET DEFAULT 'x'",
            "column images_image.name is: character varying(256) DEFAULT 'x'",
        ),
        (
            "ALTER TABLE images_image ALTER key DROP NOT NULL",
            "column images_image.key is: ",
        ),
        ("ALTER TABLE images_image DROP CONSTRAINT image_key_once", "constraint images_image."),
        (
            "CREATE OR REPLACE FUNCTION tags_refuse_truncate() RETURNS trigger LANGUAGE plpgsql"
            " AS $$ BEGIN RETURN NULL; END $$",
            "function tags_refuse_truncate() is: ",
        ),
        ("ALTER TABLE identity_bucket SET LOGGED", "table identity_bucket is: logged"),
        ("DROP FUNCTION text_folded(text) CASCADE", "function text_folded(text) is missing"),
        (
            "ALTER TABLE tags_tag ADD COLUMN wanted text NOT NULL DEFAULT '';"
            " ALTER TABLE tags_tag ALTER wanted DROP DEFAULT",
            "column tags_tag.wanted is not of this version: text NOT NULL",
        ),
        (
            "ALTER TABLE tags_tag ADD CONSTRAINT short CHECK (length(name) < 9) NOT VALID",
            "constraint tags_tag.short is not of this version",
        ),
        (
            "CREATE UNIQUE INDEX odd ON images_image (key, id)",
            "index images_image.odd is not of this version",
        ),
    ],
)
def test_what_somebody_has_changed_is_told(statement: str, told: str) -> None:
    found = change(statement)
    assert any(line.startswith(told) for line in found), found


def test_what_somebody_has_added_for_themselves_is_no_difference() -> None:
    assert (
        change(
            "CREATE TABLE report (id int PRIMARY KEY, of bigint UNIQUE);"
            "CREATE INDEX report_by_size ON images_image (size);"
            "CREATE VIEW largest AS SELECT id, size FROM images_image ORDER BY size DESC LIMIT 9;"
            "ALTER TABLE images_image ADD COLUMN note text;"
            "CREATE FUNCTION nine() RETURNS int LANGUAGE sql RETURN 9"
        )
        == []
    )


def test_prepare_tells_what_differs_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    change("DROP TRIGGER record_added ON tags_imagetag")
    with pytest.raises(CommandError, match="still differs in 1 places"):
        call_command("prepare")
    assert "trigger tags_imagetag.record_added is missing" in capsys.readouterr().err


def test_prepare_refuses_a_database_of_a_later_version(recorded_later: str) -> None:
    with pytest.raises(CommandError, match=f"it has {recorded_later}, which this version does not"):
        call_command("prepare")


@pytest.fixture
def recorded_later() -> str:
    last = max(name for app, name in known() if app == "tags")
    later = f"{int(last[:4]) + 1:04}_of_tomorrow"
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('tags', %s, now())", [later]
        )
    return f"tags.{later}"
