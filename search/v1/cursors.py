"""Cursors of lists of images, each for one order as of one instant (`taggedimages.v1.cursors`)."""

from datetime import datetime

from search.ordering import ORDERS, KeysetPosition
from taggedimages.epochs import epoch_seconds
from taggedimages.v1.cursors import read_cursor, write_cursor

# With the order's name. Written into every cursor that callers hold: another one ends them all.
SALT = "search.cursors.{}"


def cursor_at(position: KeysetPosition, order: str, as_of: datetime | None = None) -> str:
    """The cursor after which a list of images in this order, and as of this instant, goes on."""
    return write_cursor(position, SALT.format(_list_of(order, as_of)))


def position_of(cursor: str, order: str, as_of: datetime | None = None) -> KeysetPosition:
    """Where a list of images in this order, and as of this instant, goes on.

    Raises ValidationError.
    """
    which = _list_of(order, as_of)
    key, image = read_cursor(cursor, SALT.format(which), of=f"the order {which}")
    if key is not None and ORDERS[order].of is datetime:
        key = datetime.fromisoformat(key)
    return KeysetPosition(key, image)


def _list_of(order: str, as_of: datetime | None) -> str:
    return order if as_of is None else f"{order} as of {epoch_seconds(as_of)}"
