"""Cursors of lists of images, each for one order (`taggedimages.v1.cursors`)."""

from datetime import datetime

from search.ordering import ORDERS, KeysetPosition
from taggedimages.v1.cursors import read_cursor, write_cursor

# With the order's name. Written into every cursor that callers hold: another one ends them all.
SALT = "search.cursors.{}"


def cursor_at(position: KeysetPosition, order: str) -> str:
    """The cursor after which a list of images in this order goes on."""
    return write_cursor(position, SALT.format(order))


def position_of(cursor: str, order: str) -> KeysetPosition:
    """Where a list of images in this order goes on. Raises ValidationError."""
    key, image = read_cursor(cursor, SALT.format(order), of=f"the order {order}")
    if key is not None and ORDERS[order].of is datetime:
        key = datetime.fromisoformat(key)
    return KeysetPosition(key, image)
