"""What two names have in common that somebody would take for one: their words.

Case, accents, and the signs that words are put together with are left out of them. What tells names
apart on purpose stays: a sign between two digits, as in 1.5 and 15, one before a number, and all
signs that are no separators, as in C and C++.
"""

import re
import unicodedata
from functools import lru_cache

from tags.names import folded

# Spaces, hyphens and dashes, underscores, full stops, slashes, colons, apostrophes, parentheses.
SEPARATOR = r"[\s\-_.,/:;'`()\[\]\u00a0\u00b7\u2000-\u200a\u2010-\u2015\u2018\u2019\u3000\u30fb]"
BETWEEN_DIGITS = re.compile(rf"(?<=\d){SEPARATOR}+(?=\d)")
SIGN = re.compile(r"[-\u2212\u2010-\u2015](?=\d)")
BETWEEN = re.compile(rf"{SEPARATOR}+")
# Neither is in a name as such: controls are none of its characters.
KEPT_SIGN, MINUS = "\x01", "\x02"

# Letters that are written with a stroke or as two, which Unicode does not take apart.
STROKES = str.maketrans(
    {
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ħ": "h",
        "\u0131": "i",
        "æ": "ae",
        "œ": "oe",
        "þ": "th",
        "ð": "d",
    }
)
# Of Latin and Greek letters a mark is an accent; of others it may be a letter of its own, such as a
# vowel in Hindi, or make another, such as й of и.
ACCENTED = re.compile(r"[A-Za-z\u00c0-\u024f\u1e00-\u1eff\u0370-\u03ff\u1f00-\u1fff]")


def words(name: str, *, accents: bool = False) -> tuple[str, ...]:
    """The words of a name, folded; without their accents unless these are asked for.

    >>> words("Left-Knee_1.5T"), words("Café au lait")
    (('left', 'knee', '1\\x015t'), ('cafe', 'au', 'lait'))
    """
    text = folded(name)
    return _words(text if accents else unaccented(text))


def skeleton(name: str) -> str:
    """What is left of a name without case, accents and separators: twins have the same.

    >>> skeleton("Left-Knee") == skeleton("leftknee"), skeleton("T1") == skeleton("T2")
    (True, False)
    """
    return "".join(words(name))


@lru_cache(maxsize=4_096)
def _words(text: str) -> tuple[str, ...]:
    text = BETWEEN_DIGITS.sub(KEPT_SIGN, text)
    if SIGN.match(text):
        text = MINUS + text[1:]
    return tuple(filter(None, BETWEEN.split(text)))


def unaccented(text: str) -> str:
    """A folded text without accents.

    >>> unaccented("crâne"), unaccented("мой")
    ('crane', 'мой')
    """
    if text.isascii():
        return text
    kept, is_accented = [], False
    for letter in unicodedata.normalize("NFD", text):
        if unicodedata.category(letter) == "Mn":
            if is_accented:
                continue
        else:
            is_accented = bool(ACCENTED.match(letter))
        kept.append(letter)
    return unicodedata.normalize("NFC", "".join(kept)).translate(STROKES)
