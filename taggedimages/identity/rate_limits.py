"""How often a caller may do what is dear: the kinds, and what is told to who does it too often.

Callers are told apart by a short text, such as `user 7`. `identity.buckets` and
`identity.attempts` keep the counts in PostgreSQL, so that all processes share them.
"""

import hashlib
import math
from enum import StrEnum

from django.conf import settings

from taggedimages.monitoring import series


class Kind(StrEnum):
    """What is counted, each on its own. A setting RATE_... says how often a minute."""

    LOGINS = "logins"
    WRONG_PASSWORDS = "wrong passwords"
    ANONYMOUS_WRITES = "writes without a login"
    UPLOADS = "uploads"
    SEARCHES = "expensive searches"

    @property
    def per_minute(self) -> int:
        """How many a caller may do within a minute; 0 is no limit."""
        return max(0, int(getattr(settings, f"RATE_{self.name}")))

    @property
    def is_on(self) -> bool:
        """Whether it is limited at all; but for passwords, nothing is where all are let in."""
        is_open = settings.ANONYMOUS == "open" and self is not Kind.WRONG_PASSWORDS
        return bool(self.per_minute) and not is_open

    def key(self, caller: str) -> bytes:
        """What a caller's count of this kind is kept by: short, whatever the caller sent."""
        text = f"{self.name} {caller}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(text, digest_size=16).digest()


class RateExceeded(Exception):
    """A caller has done something too often; in so many seconds it may be tried again."""

    def __init__(self, kind: Kind, seconds: float) -> None:
        self.seconds = max(1, math.ceil(seconds))
        super().__init__(f"Too many {kind}: try again in {self.seconds} s.")


def refused(kind: Kind, seconds: float) -> RateExceeded:
    """The refusal of a caller, counted."""
    series.REFUSED_RATES.labels(kind.name.lower()).inc()
    return RateExceeded(kind, seconds)
