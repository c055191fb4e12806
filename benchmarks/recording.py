"""The statements of a request, recorded from the service's own code, to be run as plain SQL.

What is recorded is run again with values of its own. To know which these are, a request is
recorded twice: what is the same both times stays; the id of the image that was made comes from
where it first is in a result; uuids and times are made anew, times as far apart as they were. Ids
and uuids may also be within texts, such as those of arrays.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import zip_longest
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from django.db import connection
from django.test.utils import CaptureQueriesContext, override_settings

from taggedimages.postgresql.bulk import uuids

CONTROL = {"BEGIN", "COMMIT", "ROLLBACK"}
UUIDS = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}")
NUMBER = re.compile(r"(\d+)")

Rows = list[tuple[Any, ...]]
# Makes a value for a run: of the id of its image, and its new uuids by those recorded.
New = Callable[[int, dict[str, UUID]], Any]


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
class Script:
    """Statements with a New for each value that differs, and at which statement, row and column the
    id of the image is."""

    statements: list[tuple[str, Any]]
    image_at: tuple[int, int, int]

    def run(self, cursor: Any) -> int:
        """Run it all on a connection that commits by itself; the id of the image it makes."""
        known: dict[str, UUID] = {}
        image = 0
        at, row, column = self.image_at
        for number, (statement, values) in enumerate(self.statements):
            cursor.execute(statement, filled(values, image, known))
            if number == at:
                image = cursor.fetchall()[row][column]
        return image


class _Own(NamedTuple):
    """What two recordings have each for itself: the images, and the first time of the first."""

    images: tuple[int, int]
    began: datetime


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

    with (
        # What is prepared on this connection, another does not know.
        override_settings(DATABASE_PREPARES=False),
        CaptureQueriesContext(connection) as queries,
        connection.execute_wrapper(note),
    ):
        image = request()
    others = iter(ran)
    logged = [query["sql"] for query in queries.captured_queries]
    statements = [Statement(said) if said in CONTROL else next(others) for said in logged]
    return Recording(statements, image)


def script(first: Recording, second: Recording) -> Script:
    """What two recordings of one request have in common. Raises NotRepeatable."""
    if [one.sql for one in first.statements] != [two.sql for two in second.statements]:
        raise NotRepeatable("One request was recorded twice, and ran other statements.")
    pairs = list(zip(first.statements, second.statements, strict=True))
    began = min(_times([one.values for one, _ in pairs]), default=datetime.now(UTC))
    own = _Own((first.image, second.image), began)
    found = next(_places(pairs, own.images), None)
    if found is None:
        raise NotRepeatable("No statement returned the id of the image.")
    return Script([(one.sql, _common(one.values, two.values, own)) for one, two in pairs], found)


def filled(values: Any, image: int, known: dict[str, UUID]) -> Any:
    """Values with what is new among them; `known` gets the new uuids by those recorded."""
    if isinstance(values, list | tuple):
        return type(values)([filled(value, image, known) for value in values])
    return values(image, known) if callable(values) else values


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


def _times(values: Any) -> Iterator[datetime]:
    if isinstance(values, list | tuple):
        for value in values:
            yield from _times(value)
    elif isinstance(values, datetime):
        yield values


def _common(one: Any, two: Any, own: _Own) -> Any:
    if isinstance(one, list | tuple):
        return type(one)([_common(*both, own) for both in zip(one, two, strict=True)])
    return one if one == two else _new(one, two, own)


def _new(one: Any, two: Any, own: _Own) -> New:
    if (one, two) == own.images:
        return lambda image, known: image
    if isinstance(one, datetime):
        later = one - own.began
        return lambda image, known: datetime.now(UTC) + later
    if isinstance(one, UUID):
        return lambda image, known: UUID(_another(str(one), known))
    if isinstance(one, str) and UUIDS.search(one):
        # Numbers beside a uuid are the time in a key: that of the recording will do.
        return lambda image, known: UUIDS.sub(lambda found: _another(found[0], known), one)
    if isinstance(one, str) and (parts := _around_ids(one, str(two), own.images)):
        return lambda image, known: str(image).join(parts)
    raise NotRepeatable(f"{one!r} was {two!r} the next time.")


def _around_ids(one: str, two: str, images: tuple[int, int]) -> list[str]:
    """A text in pieces between which the id of its image was; none where more than that differs."""
    pieces = [""]
    for mine, other in zip_longest(NUMBER.split(one), NUMBER.split(two)):
        if mine == other:
            pieces[-1] += mine
        elif (mine, other) == (str(images[0]), str(images[1])):
            pieces.append("")
        else:
            return []
    return pieces


def _another(recorded: str, known: dict[str, UUID]) -> str:
    """The uuid of this run instead of one recorded: of the same version, and written the same."""
    if recorded not in known:
        # Those that are in order of time cost an index less.
        in_order = UUID(recorded).version == 7
        known[recorded] = UUID(uuids(1)[0]) if in_order else uuid4()
    return str(known[recorded]) if "-" in recorded else known[recorded].hex
