r"""What a tag's name may be, how names are compared, and how lists of them are written.

One alphabet for all doors, commands and imports (contract README, rule 1), which add no more than
their own limits. Where the vocabulary is looked into for a name, `tags.spelling` says how it is
spelt there.
"""

import re
import unicodedata
from collections.abc import Iterable

from taggedimages.postgresql.folding import folded, normal

__all__ = ["folded", "normal"]

# Characters, counted in form NFC.
MAX_LENGTH = 255
# Controls, halves of surrogate pairs, and the separators of lines and paragraphs.
CONTROLS = {"Cc", "Cs", "Zl", "Zp"}
SPACES = {"Zs"}
# Letters, marks, which belong to the letters of many scripts, and numbers.
WORD_CATEGORIES = "LMN"
# What Unicode calls Default_Ignorable_Code_Point and is no format character (category Cf): joiners
# and fillers, variation selectors, and room for more of them. Besides: Braille's blank, the null
# note head, Khitan's filler, and what is no character at all.
INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufdd0-\ufdef\ufe00-\ufe0f"
    "\uffa0\ufff0-\uffff\U00016fe4\U0001d159\U000e0000-\U000e0fff]"
)
# The sign for an object and that for an unknown character, which lie between those.
REPLACEMENTS = "\ufffc\ufffd"
# Format characters that are seen: they go before numbers (Prepended_Concatenation_Mark).
SEEN = re.compile("[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd]")
# Parts of LIKE patterns that an index of names knows.
SELECTIVE_PATTERN = re.compile(r"^[^%]|[^\W_]{3}|[^\W_]{2}$")
# What means something in a regular expression of PostgreSQL's.
METACHARACTERS = re.compile(r"[\\.^$*+?()\[\]{}|]")
CONTROL_FAULT = "Control characters are not allowed."
INVISIBLE_FAULT = "A name has to have a character that can be seen."


class BadName(ValueError):
    """A text that cannot be the name of a tag; the message says why."""


def entered(text: str) -> str:
    r"""The name that a text is, trimmed and normal. Raises BadName.

    >>> entered(" Zu\u0308rich ")
    'Zürich'
    """
    name = normal(text.strip())
    if why := fault(name):
        raise BadName(why)
    if len(name) > MAX_LENGTH:
        raise BadName(f"A name has at most {MAX_LENGTH} characters.")
    return name


def fault(name: str) -> str:
    r"""Why a text is no name, whatever its length; empty where it is one.

    >>> fault("knee"), fault("\u200b\u2060"), fault("kn\x07ee")
    ('', 'A name has to have a character that can be seen.', 'Control characters are not allowed.')
    """
    if name.isascii() and name.isprintable():
        return "" if name.strip() else INVISIBLE_FAULT
    categories = [unicodedata.category(letter) for letter in name]
    if not CONTROLS.isdisjoint(categories):
        return CONTROL_FAULT
    if not any(map(_is_seen, name, categories)):
        return INVISIBLE_FAULT
    return ""


def _is_seen(letter: str, category: str) -> bool:
    if category in SPACES:
        return False
    if category == "Cf":
        return bool(SEEN.match(letter))
    return letter in REPLACEMENTS or not (INVISIBLE.match(letter) or ord(letter) & 0xFFFE == 0xFFFE)


def is_word(text: str, also: str = "_-") -> bool:
    """Whether there are only letters, marks and numbers of any script, and some signs.

    >>> is_word("हाथ"), is_word("a b"), is_word("a b", also=" ")
    (True, False, True)
    """
    return all(
        letter in also or unicodedata.category(letter)[0] in WORD_CATEGORIES for letter in text
    )


def like_pattern(pattern: str) -> str:
    r"""A client's pattern as a LIKE pattern for folded names: only `%` is a wildcard.

    >>> like_pattern("Sun_%")
    'sun\\_%'
    """
    return folded(pattern).replace("\\", "\\\\").replace("_", "\\_")


def is_selective(pattern: str) -> bool:
    """Whether a LIKE pattern tells how names begin, or has three letters in a row.

    An index of parts, asked for letters that stand alone, reads all of itself and all names.

    >>> is_selective("k%"), is_selective("%nee%"), is_selective("%e%")
    (True, True, False)
    """
    return bool(SELECTIVE_PATTERN.search(pattern))


def part_pattern(text: str) -> str:
    r"""A text as a LIKE pattern for folded texts that have it anywhere; nothing is a wildcard.

    >>> part_pattern("5%_")
    '%5\\%\\_%'
    """
    literal = like_pattern(text).replace("%", r"\%")
    return f"%{literal}%"


def start_pattern(text: str) -> str:
    r"""A text as a LIKE pattern for folded texts that begin with it; nothing is a wildcard.

    >>> start_pattern("5%_")
    '5\\%\\_%'
    """
    return part_pattern(text)[1:]


def word_pattern(word: str) -> str:
    r"""A regular expression of PostgreSQL's for folded texts that have a word: with no letter or
    number before or after it.

    >>> word_pattern("Left.")
    '(^|[^[:alnum:]])left\\.($|[^[:alnum:]])'
    """
    escaped = METACHARACTERS.sub(r"\\\g<0>", folded(word))
    return rf"(^|[^[:alnum:]]){escaped}($|[^[:alnum:]])"


def split(text: str, delimiter: str = "|") -> list[str]:
    r"""The items of a list in one text, empty ones too.

    A backslash before a delimiter or another backslash makes it a part of an item; before anything
    else it is itself.

    >>> split(r"a|b\|c|\d\\")
    ['a', 'b|c', '\\d\\']
    """
    if "\\" not in text:
        return text.split(delimiter)
    items = [""]
    for piece in re.findall(rf"\\[{re.escape(delimiter)}\\]|.", text, re.DOTALL):
        if piece == delimiter:
            items.append("")
        else:
            items[-1] += piece[-1]
    return items


def joined(items: Iterable[str], delimiter: str = "|") -> str:
    r"""A list in one text, as `split` reads it.

    >>> joined(["a", "b|c", "\\d\\"])
    'a|b\\|c|\\\\d\\\\'
    """
    meaning = re.compile(rf"[{re.escape(delimiter)}\\]")
    return delimiter.join(meaning.sub(r"\\\g<0>", item) for item in items)


def distinct(names: Iterable[str]) -> list[str]:
    """Each name once, at its first place."""
    return list(dict.fromkeys(names))
