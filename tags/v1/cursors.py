"""Cursors of the list of tags (`taggedimages.v1.cursors`)."""

from taggedimages.v1.cursors import read_cursor, write_cursor
from tags.alphabet import TagPosition

# Written into every cursor that callers hold: another one ends them all.
SALT = "tags.alphabet"


def cursor_at(position: TagPosition) -> str:
    """The cursor after which the list of tags goes on."""
    return write_cursor(position, SALT)


def position_of(cursor: str) -> TagPosition:
    """Where the list of tags goes on. Raises ValidationError."""
    return TagPosition(*read_cursor(cursor, SALT, of="the list of tags"))
