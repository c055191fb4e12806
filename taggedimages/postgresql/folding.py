"""Texts that are the same, and texts that differ by case alone: in Python, and in PostgreSQL.

The function `text_folded` (images, migration 0016) is `folded` as the database has it, and indexes
stand on it; a test holds one against the other, letter by letter.
"""

import unicodedata

from django.db.models import CharField, TextField, Transform


def normal(text: str) -> str:
    r"""The text in Unicode's form NFC: what looks the same is the same.

    >>> normal("u\u0308") == "\u00fc"
    True
    """
    return unicodedata.normalize("NFC", text)


def folded(text: str) -> str:
    r"""The text as every search in any case compares it: normal, case folded, and normal again.

    >>> folded("Straße") == folded("STRASSE"), folded("U\u0308") == folded("\u00fc")
    (True, True)
    """
    # Folding takes some letters apart, such as U+0390.
    return text.lower() if text.isascii() else normal(normal(text).casefold())


@TextField.register_lookup
@CharField.register_lookup
class Folded(Transform):
    """`column__folded__like`: a column as `folded` has its text."""

    lookup_name = "folded"
    function = "text_folded"
    output_field = TextField()
