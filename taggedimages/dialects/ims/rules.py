"""What IMS lets a key and a value be, and how a tag is written as one string (contract IMS)."""

import unicodedata
from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.fields import empty

from taggedimages.dialects.ims.codes import TAG_RULE
from taggedimages.http.fields import NameLength, StrictCharField
from tags.names import CONTROLS, fault, is_word

MAX_KEY, MAX_VALUE, MAX_TAGS = 36, 43, 10
# Of the OpenStack form.
MAX_TAG = 255


def printable(text: str) -> None:
    """Raises ValidationError where a character cannot be printed."""
    if any(unicodedata.category(character) in CONTROLS for character in text):
        raise ValidationError("Only printable characters are allowed.", "characters")


def named(text: str) -> None:
    """Raises ValidationError where a key is no name of a tag."""
    if why := fault(text):
        raise ValidationError(why, "characters")


def word(text: str) -> None:
    """Raises ValidationError unless there are only letters with their marks, digits, `_`, `-`."""
    if not is_word(text):
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


class TagTextField(NameLength, StrictCharField):
    """A key or a value, trimmed. All that is wrong with it but its type is IMG.0115."""

    def run_validation(self, data: Any = empty) -> Any:
        try:
            return super().run_validation(data)
        except ValidationError as error:
            if error.get_codes() == ["invalid"]:
                raise
            raise ValidationError([str(line) for line in error.detail], TAG_RULE) from error
