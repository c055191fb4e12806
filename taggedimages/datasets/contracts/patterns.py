"""Whether PostgreSQL, which matches values, can read a pattern, and in bounded time."""

import re

from django.db import DataError, connection, transaction

from taggedimages.datasets.contracts.rules import BadContract, whole

# What sends the matcher back and forth, in time that grows with a power of the value's length.
REFERENCE_BACK = re.compile(r"(?<!\\)(?:\\\\)*\\[1-9]")


def check(pattern: str) -> None:
    """Raise BadContract for what is no regular expression, alone and as it is used, or refers back
    to a part of itself. One statement."""
    if REFERENCE_BACK.search(pattern):
        raise BadContract("References back, such as \\1, are not taken.")
    try:
        # Alone too, for `a)|(b` becomes another expression within parentheses.
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT '' ~ %s, '' ~ %s", [pattern, whole(pattern)])
    except DataError as error:
        said = str(error).splitlines()[0].removeprefix("invalid regular expression: ")
        raise BadContract(f"Not a regular expression of PostgreSQL: {said}.") from error
