"""docs/triggers.md is what the database has, and models name it beside themselves."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest
from django.apps import apps
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]
PAGE = "docs/triggers.md"
NAME = re.compile(r"`([^`]+)`")

# The bits of pg_trigger.tgtype, as PostgreSQL's catalog/pg_trigger.h names them.
EACH_ROW, BEFORE, INSTEAD = 1, 2, 64
EVENTS = {4: "insert", 16: "update", 8: "delete", 32: "truncate"}

TRIGGERS = """
SELECT c.relname, t.tgname, t.tgtype, ARRAY(
           SELECT a.attname::text FROM unnest(t.tgattr) WITH ORDINALITY columns (number, place)
           JOIN pg_attribute a ON a.attrelid = t.tgrelid AND a.attnum = columns.number
           ORDER BY place
       ), p.proname, p.prosrc
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
WHERE NOT t.tgisinternal AND c.relnamespace = 'public'::regnamespace
"""
FUNCTIONS = """
SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace
AND prolang IN (SELECT oid FROM pg_language WHERE lanname IN ('plpgsql', 'sql'))
"""
# What the body of a function writes to, and what it may call.
CALLED = re.compile(r"\b(\w+)\(")
WRITTEN = re.compile(r"\b(?:INSERT INTO|DELETE FROM|UPDATE(?! SET)) (\w+)")


class Row(NamedTuple):
    """What is compared of a trigger."""

    table: str
    trigger: str
    when: str
    function: str
    writes: frozenset[str]


def cells() -> list[list[str]]:
    """The rows of the page's table, without its head."""
    lines = (ROOT / PAGE).read_text().splitlines()
    found = [line.strip("| ").split(" | ") for line in lines if line.startswith("| `")]
    assert {len(row) for row in found} == {7}
    return found


def told() -> list[Row]:
    """The triggers by the page."""
    rows = []
    for table, trigger, when, function, _, writes, _ in cells():
        [table], [trigger], [function] = map(NAME.findall, (table, trigger, function))
        written = frozenset(NAME.findall(writes))
        rows.append(Row(table, trigger, when.replace("`", ""), function, written))
    return rows


def when(kind: int, columns: list[str]) -> str:
    """When a trigger runs, in the page's words."""
    assert not kind & INSTEAD
    events = " or ".join(name for bit, name in EVENTS.items() if kind & bit)
    of = f" of {', '.join(columns)}" if columns else ""
    each = "each row" if kind & EACH_ROW else "each statement"
    return f"{'before' if kind & BEFORE else 'after'} {events}{of}, {each}"


def written(body: str, functions: dict[str, str]) -> frozenset[str]:
    """The tables that a function writes to, and the functions that it calls."""
    called = [functions[name] for name in CALLED.findall(body) if name in functions]
    return frozenset(WRITTEN.findall(body)).union(*(written(one, functions) for one in called))


@pytest.fixture
def there(db: None) -> list[Row]:
    """The triggers of the database that the migrations made."""
    with connection.cursor() as cursor:
        cursor.execute(FUNCTIONS)
        functions = dict(cursor.fetchall())
        cursor.execute(TRIGGERS)
        return [
            Row(table, trigger, when(kind, columns), function, written(body, functions))
            for table, trigger, kind, columns, function, body in cursor.fetchall()
        ]


def test_the_page_lists_the_triggers_of_the_database(there: list[Row]):
    assert sorted(told(), key=lambda row: row[:2]) == sorted(there, key=lambda row: row[:2])


def test_the_page_lists_them_by_table_and_name():
    names = [row[:2] for row in told()]
    assert names == sorted(set(names))


@pytest.mark.parametrize("row", cells(), ids=lambda row: " ".join(NAME.findall(" ".join(row[:2]))))
def test_the_migration_that_the_page_names_creates_the_trigger(row: list[str]):
    [table], [trigger], _, [function], [migration], *_ = map(NAME.findall, row)
    app, _, name = migration.rpartition("/")
    sql = (ROOT / app / "migrations" / f"{name}.py").read_text()
    created = rf"TRIGGER {trigger}\b[^;]* ON {table}\b[^;]* EXECUTE FUNCTION {function}\(\)"
    assert re.search(rf"CREATE (OR REPLACE )?{created}", sql)


def test_models_whose_tables_have_or_get_something_of_triggers_name_the_page(there: list[Row]):
    tables = {row.table for row in there}.union(*(row.writes for row in there))
    models = {model._meta.db_table: model for model in apps.get_models()}
    assert tables <= models.keys()
    unsaid = [
        models[table].__name__
        for table in sorted(tables)
        if PAGE not in (models[table].__doc__ or "")
    ]
    assert unsaid == []
