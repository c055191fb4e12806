"""Texts of others within our messages: cut, and without what a terminal would obey."""

import json
from typing import Any

MOST_CHARACTERS = 100


def escaped(text: str, most: int = MOST_CHARACTERS) -> str:
    r"""The text on one line, with its unprintable characters and lone bytes as their numbers.

    >>> escaped("a\nb"), escaped(b"Mu\xf1oz.png".decode(errors="surrogateescape"))
    ('a\\nb', 'Mu\\xf1oz.png')
    """
    cut = text if len(text) <= most else text[: most - 1] + "…"
    return "".join(letter if letter.isprintable() else _number(letter) for letter in cut)


def quoted(value: Any) -> str:
    r"""A value between quotes, or as JSON if it is no text.

    >>> quoted("kn\x07ee"), quoted(["a"])
    ('"kn\\x07ee"', '["a"]')
    """
    if isinstance(value, str):
        return f'"{escaped(value)}"'
    return escaped(json.dumps(value, default=str))


def _number(letter: str) -> str:
    if "\udc80" <= letter <= "\udcff":
        # A byte that is no UTF-8, as Python holds names of files.
        return f"\\x{ord(letter) - 0xDC00:02x}"
    return letter.encode("unicode_escape").decode()
