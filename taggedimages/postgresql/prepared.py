"""Statements that a connection plans once: planning a search takes longer than running it.

What differs between calls is written by `ids` and `number`, or as `%s` or `%(name)s`; statements
that are the same otherwise share a plan. No statement here has another `%`. A plan is named by its
text, so that behind a pool, where connections change hands, no name can mean another statement.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.db.backends.utils import CursorWrapper

from taggedimages.transactions import sqlstate

# Plans that a connection keeps, of up to some hundred kilobytes each.
PREPARED_MAX = 100
CONSTANT = re.compile(r"('(?:\{[-\d,]*\}|-?\d+)')(::bigint(?:\[\])?)|%(?:\(\w+\))?s")
# What a server says whose connection has changed hands.
DUPLICATE_STATEMENT, NO_SUCH_STATEMENT = "42P05", "26000"
# And one whose tables are others by now, with other columns: migrated, or put back.
OTHER_COLUMNS = "0A000"
OF_THE_PLAN = {DUPLICATE_STATEMENT, NO_SUCH_STATEMENT, OTHER_COLUMNS}


def ids(numbers: Iterable[int]) -> str:
    """A list of ids as SQL."""
    return "'{" + ",".join(map(str, numbers)) + "}'::bigint[]"


def number(one: int) -> str:
    """An id as SQL."""
    return f"'{one}'::bigint"


def execute_prepared(
    cursor: CursorWrapper, statement: str, parameters: Sequence[Any] | Mapping[str, Any] = ()
) -> None:
    """Execute a statement by the plan that its connection keeps for its like."""
    name, shape, values = _constant(statement) if "'" not in statement else _split(statement)
    kept: dict[str, bool] = cursor.connection.prepared
    if not settings.DATABASE_PREPARES or kept.get(name) is False:
        cursor.execute(statement, parameters or None)
        return
    run = f"EXECUTE {name}" + (f" ({', '.join(values)})" if values else "")
    first = "" if name in kept else f"{_room(kept)}PREPARE {name} AS {shape};\n"
    try:
        cursor.execute(first + run, parameters or None)
    except DatabaseError as error:
        problem = sqlstate(error)
        if problem == NO_SUCH_STATEMENT:
            kept.pop(name, None)
        elif problem == OTHER_COLUMNS or (first and problem != DUPLICATE_STATEMENT):
            # A plan that is of no use, or nobody knows whether there is one: never ours again.
            kept[name] = False
        if problem not in OF_THE_PLAN or cursor.db.in_atomic_block:
            raise
        cursor.execute(statement, parameters or None)
        if problem != DUPLICATE_STATEMENT:
            return
    # The last used comes last.
    kept.pop(name, None)
    kept[name] = True


def _split(statement: str) -> tuple[str, str, list[str]]:
    """The name of a plan, its text, and what differs between calls."""
    values: list[str] = []
    shape = CONSTANT.sub(lambda found: _placeholder(found, values), statement)
    return "p" + hashlib.md5(shape.encode(), usedforsecurity=False).hexdigest(), shape, values


# What is the same text in each call is worked out once.
_constant = lru_cache(maxsize=64)(_split)


def _placeholder(found: re.Match[str], values: list[str]) -> str:
    values.append(found[1] or found[0])
    return f"${len(values)}{found[2] or ''}"


def _room(kept: dict[str, bool]) -> str:
    """SQL that makes room for one more."""
    if len(kept) < PREPARED_MAX:
        return ""
    unused = next(iter(kept))
    return f"DEALLOCATE {unused};\n" if kept.pop(unused) else ""
