"""No page of a list is over 4 MB: what it nests is shortened until it fits, before it is written.

Rows, and their names, stay whole: a thousand rows with two names of 256 characters, which take six
bytes each where JSON has to escape them, and with 800 bytes of numbers and URLs are 3.9 MB. What is
left is for descriptions and nested tags. An ordinary page is far from that, and is as it would be.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import Any

import orjson

MAX_PAGE_BYTES = 4_000_000
# What stands around the rows: totals, links to other pages.
ENVELOPE_BYTES = 40_000
# More than a row has without what can be shortened.
ROW_BYTES = 4_000


# Rows of which no list is measured: each has less than 80 KB.
UNMEASURED_ROWS = 50


# A field of a row, or of what is in one.
Field = tuple[dict[str, Any], str]


def fit(
    rows: Sequence[dict[str, Any]],
    nested: Iterable[Field],
    texts: Iterable[Field],
    max_bytes: int = MAX_PAGE_BYTES,
) -> None:
    """Shorten the nested lists of a page, each to as many items as all may have; texts likewise."""
    lists, long = list(nested), [(row, name) for row, name in texts if row[name]]
    items, words = [row[name] for row, name in lists], [row[name] for row, name in long]
    sizes = _sizes(items)
    of_lists, of_texts = sum(size[-1] for size in sizes), sum(6 * len(text) for text in words)
    if of_lists + of_texts + len(rows) * ROW_BYTES < max_bytes - ENVELOPE_BYTES:
        return
    _cut(lists, items, 0)
    _cut(long, words, 0)
    room = max_bytes - ENVELOPE_BYTES - len(orjson.dumps(rows, default=str))
    # Texts may have half of the room, or what lists leave of it.
    for_texts = max(room // 2, room - of_lists)
    length = _most(words, lambda most: _written(words, most) <= for_texts)
    for_lists = room - _written(words, length)
    most = _most(
        items, lambda most: sum(size[min(most, len(size) - 1)] for size in sizes) <= for_lists
    )
    _cut(lists, items, most)
    _cut(long, words, length)


def first(rows: Sequence[dict[str, Any]], max_bytes: int = MAX_PAGE_BYTES) -> list[dict[str, Any]]:
    """As many of some rows, which are whole, as a page has room for; one at least."""
    room = max_bytes - ENVELOPE_BYTES
    if len(rows) < UNMEASURED_ROWS:
        return list(rows)
    written = accumulate(len(orjson.dumps(row, default=str)) + 1 for row in rows)
    fitting = sum(size <= room for size in written)
    return list(rows[: max(1, fitting)])


def _cut(fields: list[Field], values: list[Any], length: int) -> None:
    for (row, name), value in zip(fields, values, strict=True):
        row[name] = value[:length]


def _sizes(lists: list[list[Any]]) -> list[list[int]]:
    """How many bytes the first none, one, two ... items of each list are."""
    # Tags come again and again on a page: each is written once to be measured.
    known = {id(item): item for items in lists for item in items}
    sizes = {key: len(orjson.dumps(item, default=str)) + 1 for key, item in known.items()}
    return [list(accumulate((sizes[id(item)] for item in items), initial=0)) for items in lists]


def _written(texts: list[str], length: int) -> int:
    return sum(len(orjson.dumps(text[:length])) for text in texts)


def _most(values: list[Any], fits: Callable[[int], bool]) -> int:
    """The greatest length of any of these values that fits; 0 where none does."""
    low, high = 0, max(map(len, values), default=0)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low
