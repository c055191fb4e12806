"""Whether this process is about to end, and how long what it does may still take.

It is told before it stops taking connections, so that whoever balances between processes looks
elsewhere first: `/readyz` is 503 from then on, and answers end their connections.
"""

import time

from django.conf import settings
from rest_framework.exceptions import APIException

# What of STOP_SECONDS a list may still be made for; in the rest its reader takes what was made.
MAKING = 0.5

_made_until: float | None = None


class Stopping(APIException):
    """What takes long has to end, since the process does."""

    status_code = 503
    default_detail = "The service is stopping; what is above is not all."


def begin() -> None:
    """The process has DRAIN_SECONDS to take requests, and STOP_SECONDS more to answer them."""
    global _made_until
    _made_until = time.monotonic() + settings.DRAIN_SECONDS + settings.STOP_SECONDS * MAKING


def has_begun() -> bool:
    """Whether it is about to end."""
    return _made_until is not None


def end_if_due() -> None:
    """For what is made while it is sent, between its pieces. Raises Stopping."""
    if _made_until is not None and time.monotonic() > _made_until:
        raise Stopping
