r"""Names of tags as people type and paste them: a list in one text.

Lines, tabs, commas, semicolons and pipes separate, so that the cells of a sheet, a column and a
sentence can all be pasted. The tag box reads texts in the same way (`tagbox.js`).
"""

import re
import unicodedata
from collections.abc import Iterable

from tags import names

SEPARATORS = ",;|\t\n\r"
# A name in double quotes, in which a quote is doubled; or all up to the next separator.
ITEM = re.compile(
    rf'[^\S\t\n\r]*"(?P<quoted>(?:[^"]|"")*)"[^\S\t\n\r]*(?=[{SEPARATORS}]|\Z)'
    rf"|(?P<plain>[^{SEPARATORS}]*)"
)
MAX_VALUE = 255
OPEN_QUOTE = 'A name that begins with " ends with one, and has each " within it twice.'


def typed_names(text: str) -> list[str]:
    r"""The names in a text, each once, in their order. Raises names.BadName.

    >>> typed_names('knee, left knee\nknee; "a, b" | 5" screw')
    ['knee', 'left knee', 'a, b', '5" screw']
    """
    return names.distinct(names.entered(item) for item in _items(text) if item.strip())


def _items(text: str) -> Iterable[str]:
    place = 0
    while place <= len(text):
        item = ITEM.match(text, place)
        assert item  # Nothing at all is an item, too.
        place = item.end() + 1
        if (quoted := item["quoted"]) is not None:
            yield quoted.replace('""', '"')
            continue
        if item["plain"].lstrip().startswith('"'):
            raise names.BadName(OPEN_QUOTE)
        yield item["plain"]


def written(given: Iterable[str]) -> str:
    """A text that `typed_names` reads as these names.

    >>> written(["knee", "a, b", '"so-called"'])
    'knee, "a, b", \"""so-called""\"'
    """
    return ", ".join(map(_quoted, given))


def _quoted(name: str) -> str:
    if name.startswith('"') or not set(SEPARATORS).isdisjoint(name):
        return '"' + name.replace('"', '""') + '"'
    return name


def typed_value(text: str) -> str:
    """A value of a tag on an image, trimmed; it may be empty. Raises names.BadName."""
    value = text.strip()
    if len(value) > MAX_VALUE:
        raise names.BadName(f"A value has at most {MAX_VALUE} characters.")
    if any(unicodedata.category(letter) in names.CONTROLS for letter in value):
        raise names.BadName(names.CONTROL_FAULT)
    return value
