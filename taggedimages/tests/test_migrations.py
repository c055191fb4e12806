"""Migrations that have landed stay as they are, and new ones hold up nobody."""

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
import sqlparse
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import connection, migrations, models
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

from taggedimages.postgresql.operations import BuildIndex

ROOT = Path(__file__).resolve().parents[2]
LANDED = ROOT / "taggedimages" / "postgresql" / "migrations.sha256"


def checksums() -> dict[str, str]:
    """SHA-256 of each migration of ours, by its path from the root."""
    return {
        str(file.relative_to(ROOT)): hashlib.sha256(file.read_bytes()).hexdigest()
        for folder in ("taggedimages", "images", "tags", "search")
        for file in sorted((ROOT / folder).rglob("migrations/[0-9]*.py"))
    }


def landed() -> dict[str, str]:
    """The same as recorded, which `sha256sum -c` reads."""
    lines = LANDED.read_text().splitlines()
    return {path: checksum for checksum, path in (line.split("  ") for line in lines)}


def test_no_migration_that_has_landed_is_edited_renamed_or_removed(
    request: pytest.FixtureRequest,
) -> None:
    """Databases have what it did when they were migrated. Another migration does what it lacks."""
    found, recorded = checksums(), landed()
    if request.config.getoption("--record-migrations"):
        recorded = found | recorded
        lines = [f"{checksum}  {path}\n" for path, checksum in sorted(recorded.items())]
        LANDED.write_text("".join(lines))
    assert {path: found.get(path) for path in recorded} == recorded


def test_each_migration_is_recorded() -> None:
    """A new one: pytest taggedimages/tests/test_migrations.py --record-migrations."""
    assert checksums().keys() - landed().keys() == set()


# The last of each app from before this was asked of them; those stand as they are.
BEFORE = {
    "changes": "0006_unsettled",
    "datasets": "0002_held_stays",
    "identity": "0005_kept_answers",
    "images": "0019_registered",
    "search": "0010_audience_of_projects",
    "tags": "0030_redaction",
}
# What reads or writes a whole table while it is locked, as the beginning of a statement or a part
# of an ALTER TABLE, and what to do instead.
LONG = {
    r"CREATE (UNIQUE )?INDEX (?!CONCURRENTLY)": "make the index with BuildIndex",
    r"DROP INDEX (?!CONCURRENTLY)": "use RemoveIndexConcurrently",
    r"ALTER TABLE .* ALTER (COLUMN )?\S+ (SET DATA )?TYPE ": "fill another column, and drop it",
    r"ALTER TABLE .* SET NOT NULL": "add a CHECK that is NOT VALID first",
    r"ALTER TABLE .* ADD COLUMN .* (UNIQUE|PRIMARY KEY|REFERENCES|STORED)": "add a plain column",
    r"ALTER TABLE .* ADD CONSTRAINT (?!.* (NOT VALID|USING INDEX))": "add it NOT VALID first",
    r"ALTER TABLE .* SET (UN)?LOGGED": "nothing: such a table is written anew",
    r"(VACUUM FULL|CLUSTER|REINDEX (?!.*CONCURRENTLY))": "nothing: such a table is written anew",
}
# What is brief only where nothing long shares its transaction.
LOCKS, FILLS = re.compile("ALTER TABLE|CREATE TRIGGER|DROP TRIGGER"), re.compile("UPDATE|DELETE")


def holds_up(migration: Migration, state: ProjectState) -> list[str]:
    """What in a migration locks a table that is in use for longer than a moment."""
    with connection.schema_editor(collect_sql=True, atomic=migration.atomic) as editor:
        migration.apply(state, editor, collect_sql=True)
    collected = [line for line in editor.collected_sql if not line.startswith("--")]
    statements = [" ".join(one.split()) for line in collected for one in sqlparse.split(line)]
    made = {name for line in statements for name in re.findall(r'CREATE TABLE "?(\w+)', line)}
    on_live = [line for line in statements if not made & set(re.findall(r"\w+", line))]
    found = [
        f"{remedy}: {line}"
        for line in on_live
        for long, remedy in LONG.items()
        if re.match(long, line)
    ]
    fills = any(isinstance(operation, migrations.RunPython) for operation in migration.operations)
    fills = fills or any(FILLS.match(line) for line in on_live)
    if migration.atomic and fills and any(LOCKS.match(line) for line in on_live):
        found.append("fill in a migration of its own: the table is locked while rows are written")
    return found


@pytest.mark.django_db(transaction=True)
def test_no_new_migration_locks_a_table_for_longer_than_a_moment() -> None:
    loader = MigrationLoader(connection)
    ours = {path.split("/")[-3] for path in checksums()}
    new = [
        (migration, loader.project_state(key, at_end=False))
        for key, migration in loader.disk_migrations.items()
        if key[0] in ours and key[1] > BEFORE.get(key[0], "")
    ]
    assert {str(one): found for one, state in new if (found := holds_up(one, state))} == {}


def of_tags(*operations: Any, atomic: bool = True) -> list[str]:
    """What would hold others up in a migration of tags that comes next."""
    migration = Migration("9999_next", "tags")
    vars(migration).update(operations=list(operations), atomic=atomic)
    return holds_up(migration, MigrationLoader(connection).project_state())


INDEX = models.Index(fields=["uuid"], name="tag_probe")
LONG_OPERATIONS = [
    migrations.AddIndex("tag", INDEX),
    migrations.AlterField("tag", "name", models.TextField()),
    migrations.AddField("tag", "note", models.IntegerField(unique=True, null=True)),
    migrations.AddConstraint(
        "tag", models.CheckConstraint(condition=models.Q(name__gt=""), name="tag_probe")
    ),
    migrations.RunSQL("SELECT 1; ALTER TABLE tags_tag ALTER told SET NOT NULL"),
    migrations.RunSQL("ALTER TABLE tags_tag SET UNLOGGED"),
    migrations.RunSQL("ALTER TABLE tags_tag ADD note text; UPDATE tags_tag SET note = name"),
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("operation", LONG_OPERATIONS)
def test_what_locks_a_table_for_long_is_found(operation: Any) -> None:
    assert len(of_tags(operation)) == 1


@pytest.mark.django_db(transaction=True)
def test_what_is_brief_may_be_done() -> None:
    assert of_tags(BuildIndex("tag", INDEX), atomic=False) == []
    brief = [
        migrations.AddField("tag", "note", models.CharField(max_length=9, default="")),
        migrations.CreateModel("Probe", [("id", models.BigAutoField(primary_key=True))]),
        migrations.AddIndex("probe", models.Index(fields=["id"], name="probe_probe")),
        AddConstraintNotValid(
            "tag", models.CheckConstraint(condition=models.Q(name__gt=""), name="tag_probe")
        ),
        migrations.RunSQL("ALTER TABLE tags_tag SET (fillfactor = 70)"),
    ]
    assert of_tags(*brief) == []
