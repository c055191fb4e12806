"""A position as text that callers hand back, and cannot make up: a cursor.

It says by itself where a list goes on, so the service keeps nothing for it, and whatever is made
or deleted meanwhile moves nothing. It holds for one order; conditions are not its matter.
"""

import json
from base64 import b64decode, urlsafe_b64encode
from datetime import datetime

from django.utils.crypto import constant_time_compare, salted_hmac

from search.ordering import ORDERS, KeysetPosition

# Bytes of the signature. It keeps out what is cut or made up, and guards no secret.
SIGNED = 9


class BadCursor(ValueError):
    """Text that is no cursor of this order."""


def cursor_at(position: KeysetPosition, order: str) -> str:
    """The cursor after which a list in this order goes on; safe in a URL as it is."""
    written = json.dumps(
        position, default=datetime.isoformat, ensure_ascii=False, separators=(",", ":")
    )
    said = written.encode()
    return urlsafe_b64encode(_signature(said, order) + said).decode().rstrip("=")


def position_of(cursor: str, order: str) -> KeysetPosition:
    """Where a list in this order goes on. Raises BadCursor."""
    try:
        data = b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except ValueError as error:
        raise BadCursor from error
    signature, said = data[:SIGNED], data[SIGNED:]
    if not constant_time_compare(signature, _signature(said, order)):
        raise BadCursor
    # Ours, so in the form that it was written in.
    key, image = json.loads(said)
    if key is not None and ORDERS[order].of is datetime:
        key = datetime.fromisoformat(key)
    return KeysetPosition(key, image)


def _signature(said: bytes, order: str) -> bytes:
    return salted_hmac(f"{__name__}.{order}", said, algorithm="sha256").digest()[:SIGNED]
