"""What statements that write very many rows are given."""

import os
import time
from collections.abc import Iterable

# Between items; the one character that no text of PostgreSQL's can have.
NUL = "\0"
# Hexadecimal digits of a uuid that are drawn.
DRAWN = 18


def array(values: Iterable[object]) -> str:
    r"""A list without nulls as the text of a PostgreSQL array, for a placeholder with a cast.

    The driver writes a list as an expression for each item, which the server takes longer to
    parse than to store.

    >>> array([1, 'a "b"']), array([])
    ('{"1","a \\"b\\""}', '{}')
    """
    items = list(map(str, values))
    text = NUL.join(items).replace("\\", "\\\\").replace('"', '\\"')
    return '{"' + text.replace(NUL, '","') + '"}' if items else "{}"


def uuids(count: int) -> list[str]:
    """New uuids of this instant (version 7 of RFC 9562), so that an index of them grows at its end.

    Drawing each on the server takes longer than storing it.
    """
    now = f"{time.time_ns() // 1_000_000:012x}7"
    drawn = os.urandom(count * DRAWN // 2).hex()
    return [
        f"{now}{drawn[at : at + 3]}8{drawn[at + 3 : at + DRAWN]}"
        for at in range(0, count * DRAWN, DRAWN)
    ]
