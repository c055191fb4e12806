"""Redaction: names and values that should never have been written are blanked in the ledgers.

The one rewriting of them that there is. It takes texts away and nothing else: which links there
were when stays as it was, and `as_of` goes on finding by ids. Triggers (docs/triggers.md) let
nothing else through, and count the lines of each redaction in its own record.

What is there now is not redacted, but changed first, as ever; that is a line, too. Other parts of
the service that keep such texts register how to blank theirs (`register`). docs/time-travel.md
says what is covered, and what is not.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from django.db import connection, transaction

from tags.models import ImageTag, Redaction, Tag
from tags.names import normal

# Lines of the ledger that are looked at in one transaction.
CHUNK_LINES = 100_000
SIGN = "SELECT set_config('taggedimages.redaction', %s, true)"

# Conditions of lines; what is not asked for is NULL and holds for all of them. Names are of a text,
# or all of a tag that it is not called by any more.
IS_OF_IMAGE = "(%(image)s::bigint IS NULL OR image_id = %(image)s)"
IS_OF_TAG = "(%(tag)s::bigint IS NULL OR tag_id = %(tag)s)"
IS_NAME = "{column} <> '' AND {column} = ANY(%(texts)s::text[])"
IS_NAME_OF_BEFORE = """{column} <> ''
AND {column} IS DISTINCT FROM (SELECT t.name FROM tags_tag t WHERE t.id = %(tag)s)"""
IS_VALUE = "{column} <> '' AND {column} = ANY(%(texts)s::text[])"
COUNT = "SELECT count(*) FROM {table} WHERE {where}"
BLANK = "UPDATE {table} SET {blanked} WHERE {where}"
BLANKED = "{column} = CASE WHEN {condition} THEN '' ELSE {column} END"
LINKS, VOCABULARY = "tags_tagchange", "tags_vocabularychange"
ENDS = "SELECT coalesce(min(id) - 1, 0), coalesce(max(id), 0) FROM {table}"


class StillThere(Exception):
    """A tag is called so, or a link has the value: what is there now is not redacted."""


class Texts(NamedTuple):
    """What is to be blanked: a name, a value, or with neither all names that the tag had before;
    only of a tag, or of an image, where these are given."""

    name: str | None = None
    value: str | None = None
    tag_id: int | None = None
    image_id: int | None = None

    @property
    def texts(self) -> list[str]:
        """The text itself, and how it is spelt since names have one form."""
        text = self.name if self.value is None else self.value
        return [] if text is None else sorted({text, normal(text)})

    @property
    def what(self) -> dict[str, Any]:
        """What the record says: all but the text."""
        of = "value" if self.value is not None else "name" if self.name else "names of a tag"
        where = {"tag_id": self.tag_id, "image_id": self.image_id}
        return {"of": of} | {key: number for key, number in where.items() if number is not None}


# Of another part: how many places it has that would be blanked, and, if `apply`, are.
Place = Callable[[Texts, bool], int]
_places: dict[str, Place] = {}


def register(name: str, place: Place) -> None:
    """Have another part's texts blanked along; `name` says what they are, in the plural."""
    _places[name] = place


def check(wanted: Texts) -> None:
    """Raise StillThere where it is so now."""
    if wanted.value is not None:
        links = ImageTag.objects.filter(value__in=wanted.texts)
        if wanted.tag_id is not None:
            links = links.filter(tag=wanted.tag_id)
        if wanted.image_id is not None:
            links = links.filter(image=wanted.image_id)
        if link := links.first():
            raise StillThere(f"Image {link.image_id} has the value: change it first.")
    elif wanted.name is not None:
        tags = Tag.objects.filter(name__in=wanted.texts)
        if wanted.tag_id is not None:
            tags = tags.filter(pk=wanted.tag_id)
        if tag := tags.first():
            raise StillThere(f"Tag {tag.pk} is called so: rename or delete it first.")


def found(wanted: Texts) -> dict[str, int]:
    """How many lines of each ledger, and what else, would be blanked. Raises StillThere."""
    check(wanted)
    counted = {
        "lines of links": sum(_each_part(wanted, LINKS, COUNT)),
        "lines of the vocabulary": sum(_each_part(wanted, VOCABULARY, COUNT)),
    }
    return counted | {name: place(wanted, False) for name, place in _places.items()}


def redact(wanted: Texts, by: str, reason: str) -> tuple[Redaction, dict[str, int]]:
    """Blank texts, a part of the ledgers at a time, and the record of it; what was blanked.

    Interrupted, it has been done as far as its record says; done again, it goes on. Raises
    StillThere.
    """
    check(wanted)
    record = Redaction.objects.create(user_name=by, reason=reason, what=wanted.what)
    blanked = {
        "lines of links": sum(_each_part(wanted, LINKS, BLANK, record)),
        "lines of the vocabulary": sum(_each_part(wanted, VOCABULARY, BLANK, record)),
    }
    blanked |= {name: place(wanted, True) for name, place in _places.items()}
    record.refresh_from_db()
    return record, blanked


def _each_part(
    wanted: Texts, table: str, statement: str, record: Redaction | None = None
) -> list[int]:
    """A statement about some lines after the other, each in a transaction of its own."""
    if table == VOCABULARY and (wanted.value is not None or wanted.image_id is not None):
        return []
    columns = ["name", "old_name"] if table == VOCABULARY else ["tag_name"]
    if wanted.value is not None:
        columns, condition = ["old_value", "new_value"], IS_VALUE
    else:
        condition = IS_NAME if wanted.name is not None else IS_NAME_OF_BEFORE
    conditions = {column: condition.format(column=column) for column in columns}
    of_image = [IS_OF_IMAGE] if table == LINKS else []
    any_of = " OR ".join(f"({one})" for one in conditions.values())
    text = statement.format(
        table=table,
        blanked=", ".join(
            BLANKED.format(column=column, condition=one) for column, one in conditions.items()
        ),
        where=" AND ".join([*of_image, IS_OF_TAG, f"({any_of})", "id > %(after)s", "id <= %(to)s"]),
    )
    values = {"texts": wanted.texts, "tag": wanted.tag_id, "image": wanted.image_id}
    before, last = _ends(table)
    return [
        _run(text, values | {"after": after, "to": after + CHUNK_LINES}, record)
        for after in range(before, last, CHUNK_LINES)
    ]


def _ends(table: str) -> tuple[int, int]:
    """Where the ids of a ledger begin, less one, and where they end."""
    with connection.cursor() as cursor:
        cursor.execute(ENDS.format(table=table))
        first, last = cursor.fetchone()
        return first, last


def _run(text: str, values: dict[str, Any], record: Redaction | None) -> int:
    """How many lines there are, or with a record were blanked for it."""
    with transaction.atomic(), connection.cursor() as cursor:
        if record is None:
            cursor.execute(text, values)
            return int(cursor.fetchone()[0])
        cursor.execute(SIGN, [str(record.pk)])
        cursor.execute(text, values)
        return int(cursor.rowcount)
