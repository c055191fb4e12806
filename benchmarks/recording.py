"""The statements of a request, recorded from the service's own code, to be run as plain SQL.

What is recorded is run again with values of its own. To know which these are, a request is
recorded twice: what is the same both times stays; the id of the image that was made comes from
where it first is in a result; uuids, by themselves or within a text, and times are made anew.
"""

import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

CONTROL = {"BEGIN", "COMMIT", "ROLLBACK"}
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

Rows = list[tuple[Any, ...]]


class NotRepeatable(Exception):
    """Two recordings of one request differ in what cannot be made anew; the text says in what."""


@dataclass(frozen=True)
class Statement:
    """What was run, with its values, and what it returned."""

    sql: str
    values: Any = None
    rows: Rows | None = None


@dataclass(frozen=True)
class Recording:
    """All statements of one request, transactions included, and the image that it made."""

    statements: list[Statement]
    image: int


@dataclass(frozen=True)
class Varying:
    """A place among values: the image's id, or a value of which there is a new one each time."""

    recorded: Any
    is_image: bool


@dataclass(frozen=True)
class Script:
    """Statements with places for what differs; the id is at a statement's row and column."""

    statements: list[tuple[str, Any]]
    image_at: tuple[int, int, int]

    def run(self, cursor: Any) -> int:
        """Run it all on a connection that commits by itself; the id of the image it makes."""
        known: dict[str, str] = {}
        image = 0
        at, row, column = self.image_at
        for number, (statement, values) in enumerate(self.statements):
            cursor.execute(statement, filled(values, image, known))
            if number == at:
                image = cursor.fetchall()[row][column]
        return image


def record(request: Callable[[], int]) -> Recording:
    """Call what makes an image and returns its id; the statements that this took.

    The connection has to be open and outside of a transaction.
    """
    ran: list[Statement] = []

    def note(execute: Any, statement: str, values: Any, many: bool, context: Any) -> Any:
        result = execute(statement, values, many, context)
        if many:
            raise NotRepeatable(f"One statement for many values: {statement}")
        ran.append(Statement(statement, values, _rows(context["cursor"].cursor)))
        return result

    with CaptureQueriesContext(connection) as queries, connection.execute_wrapper(note):
        image = request()
    others = iter(ran)
    logged = [query["sql"] for query in queries.captured_queries]
    statements = [Statement(said) if said in CONTROL else next(others) for said in logged]
    return Recording(statements, image)


def script(first: Recording, second: Recording) -> Script:
    """What two recordings of one request have in common. Raises NotRepeatable."""
    if [one.sql for one in first.statements] != [two.sql for two in second.statements]:
        raise NotRepeatable("One request was recorded twice, and ran other statements.")
    images = first.image, second.image
    pairs = list(zip(first.statements, second.statements, strict=True))
    found = next(_places(pairs, images), None)
    if found is None:
        raise NotRepeatable("No statement returned the id of the image.")
    return Script([(one.sql, _common(one.values, two.values, images)) for one, two in pairs], found)


def filled(values: Any, image: int, known: dict[str, str]) -> Any:
    """Values with what belongs in their places; `known` are the new uuids by those recorded."""
    if isinstance(values, list | tuple):
        return type(values)([filled(value, image, known) for value in values])
    if not isinstance(values, Varying):
        return values
    if values.is_image:
        return image
    if isinstance(values.recorded, datetime):
        return datetime.now(UTC)
    text = UUID.sub(lambda found: _another(found[0], known), str(values.recorded))
    return uuid.UUID(text) if isinstance(values.recorded, uuid.UUID) else text


def _another(recorded: str, known: dict[str, str]) -> str:
    return known.setdefault(recorded, str(uuid.uuid4()))


def _rows(cursor: Any) -> Rows | None:
    """The rows of a result, which its reader still finds there."""
    if cursor.description is None:
        return None
    rows: Rows = cursor.fetchall()
    if rows:
        cursor.scroll(0, mode="absolute")
    return rows


def _places(
    pairs: list[tuple[Statement, Statement]], images: tuple[int, int]
) -> Iterator[tuple[int, int, int]]:
    for at, (one, two) in enumerate(pairs):
        for row, columns in enumerate(zip(one.rows or [], two.rows or [], strict=False)):
            for column, values in enumerate(zip(*columns, strict=True)):
                if values == images:
                    yield at, row, column


def _common(one: Any, two: Any, images: tuple[int, int]) -> Any:
    if isinstance(one, list | tuple):
        return type(one)([_common(*both, images) for both in zip(one, two, strict=True)])
    if one == two:
        return one
    if isinstance(one, datetime | uuid.UUID) or (isinstance(one, str) and UUID.search(one)):
        return Varying(one, is_image=False)
    if (one, two) == images:
        return Varying(one, is_image=True)
    raise NotRepeatable(f"{one!r} was {two!r} the next time.")
