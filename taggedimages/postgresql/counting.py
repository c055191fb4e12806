"""How many there are of several things, as far as that is soon told."""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet


def counted(wanted: Sequence[tuple[QuerySet[Any, Any], int]]) -> list[int]:
    """How many rows each queryset finds, so many at most: one statement for all.

    It reads no more than that, so that it takes long only where they are hard to find.
    """
    pieces: list[str] = []
    values: list[Any] = []
    for rows, most in wanted:
        try:
            sql, given = rows.order_by().values("pk")[:most].query.sql_with_params()
        except EmptyResultSet:
            sql, given = "SELECT 1 WHERE false", ()
        pieces.append(f"(SELECT count(*) FROM ({sql}) found)")  # noqa: S608  querysets' own
        values += given
    if not pieces:
        return []
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(pieces)}", values)
        return list(cursor.fetchone() or ())
