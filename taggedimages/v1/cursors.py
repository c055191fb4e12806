"""A place in a list as text that callers hand back, and cannot make up: a cursor.

It is a keyset position: the values of the row after which the list goes on. So the service keeps
nothing for it, and whatever is made or deleted meanwhile moves nothing. It holds for one list in
one order; conditions are not its matter.
"""

import json
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

# Keeps out what is cut or made up, and guards no secret.
SIGNATURE_BYTES = 9
# Proxies bound headers: a longer one that they refuse would cost the whole answer.
LINK_MAX_CHARACTERS = 2_000

LINK_HEADER = OpenApiParameter(
    "Link",
    location=OpenApiParameter.HEADER,
    response=[200],
    description='Where there is more: the next page, by cursor, as `<URL>; rel="next"`.',
)


def write_cursor(position: Sequence[Any], salt: str) -> str:
    """The cursor after which a list goes on; safe in a URL as it is.

    The position's values are what JSON has, or times; `salt` names the list and its order.
    """
    written = json.dumps(
        position, default=datetime.isoformat, ensure_ascii=False, separators=(",", ":")
    ).encode()
    signature = _signature(written, salt, settings.SECRET_KEY)
    return urlsafe_b64encode(signature + written).decode().rstrip("=")


def read_cursor(cursor: str, salt: str, of: str) -> list[Any]:
    """The position that `write_cursor` was given, times as text in ISO 8601.

    Raises ValidationError that this is no cursor "of ...".
    """
    try:
        data = b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except ValueError:
        data = b""
    signature, written = data[:SIGNATURE_BYTES], data[SIGNATURE_BYTES:]
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    if not any(constant_time_compare(signature, _signature(written, salt, key)) for key in keys):
        raise ValidationError({"cursor": [f"Not a cursor of {of}."]})
    # Ours, so in the form that it was written in.
    position: list[Any] = json.loads(written)
    return position


def next_link(request: Request, cursor: str) -> dict[str, str]:
    """The header that links to the next page; none where it would be too long."""
    parameters = request.query_params.copy()
    parameters.pop("page", None)
    parameters["cursor"] = cursor
    url = request.build_absolute_uri(f"{request.path}?{parameters.urlencode()}")
    return {"Link": f'<{url}>; rel="next"'} if len(url) <= LINK_MAX_CHARACTERS else {}


def _signature(written: bytes, salt: str, key: str) -> bytes:
    return salted_hmac(salt, written, key, algorithm="sha256").digest()[:SIGNATURE_BYTES]
