"""What IMS lets a key and a value be, and how a tag is written as one string (contract IMS)."""

import re
import unicodedata
from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.fields import empty

from taggedimages.dialects.ims.codes import TAG_RULE
from taggedimages.http.fields import StrictCharField

MAX_KEY, MAX_VALUE, MAX_TAGS = 36, 43, 10
# Of the OpenStack form.
MAX_TAG = 255
WORD = re.compile(r"[\w-]*")
# Controls, halves of surrogate pairs, and the separators of lines and paragraphs.
UNPRINTABLE = {"Cc", "Cs", "Zl", "Zp"}


def printable(text: str) -> None:
    """Raises ValidationError where a character cannot be printed."""
    if any(unicodedata.category(character) in UNPRINTABLE for character in text):
        raise ValidationError("Only printable characters are allowed.", "characters")


def word(text: str) -> None:
    """Raises ValidationError unless there are only letters, digits, `_` and `-`."""
    if not WORD.fullmatch(text):
        raise ValidationError("Only letters, digits, _ and - are allowed.", "characters")


def split(text: str) -> tuple[str, str]:
    """The key and the value of a tag in one string.

    >>> split("a=b.c"), split("a.b.c"), split("a")
    (('a', 'b.c'), ('a', 'b.c'), ('a', ''))
    """
    key, _, value = text.partition("=" if "=" in text else ".")
    return key, value


def joined(key: str, value: str) -> str:
    """A tag in one string; one without a value is its key."""
    return f"{key}={value}" if value else key


class TagTextField(StrictCharField):
    """A key or a value, trimmed. All that is wrong with it but its type is IMG.0115."""

    def run_validation(self, data: Any = empty) -> Any:
        try:
            return super().run_validation(data)
        except ValidationError as error:
            if error.get_codes() == ["invalid"]:
                raise
            raise ValidationError([str(line) for line in error.detail], TAG_RULE) from error
