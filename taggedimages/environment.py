"""Settings read from the environment, and held to what the other side of each can take.

A value that is none is a fault, which `manage.py check` tells (`taggedimages.checks`), and nothing
is served or worked with it; the default stands in for it until then.
"""

import math
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import environ

from taggedimages.quoting import quoted
from taggedimages.truth import truth

# Within a class that has a method of that name.
Text = str

DAY, YEAR = 86_400, 31_536_000
MEBIBYTE = 1024**2
MAX_INT32, MAX_INT64 = 2**31 - 1, 2**63 - 1


class Bounds(NamedTuple):
    """The least and the most that a number may be."""

    least: float
    most: float


# Of numbers that are not here.
USUAL = Bounds(0, MAX_INT32)
BOUNDS = {
    "TAGGEDIMAGES_WEB_PROCESSES": Bounds(1, 1_024),
    "TAGGEDIMAGES_WEB_THREADS": Bounds(1, 1_024),
    "TAGGEDIMAGES_MAX_CONNECTIONS": Bounds(1, 1_000_000),
    "TAGGEDIMAGES_HEAD_SECONDS": Bounds(0.1, DAY),
    "TAGGEDIMAGES_BODY_SECONDS": Bounds(0.1, DAY),
    "TAGGEDIMAGES_QUEUE_SECONDS": Bounds(0.1, DAY),
    "TAGGEDIMAGES_SEND_SECONDS": Bounds(0.1, DAY),
    "TAGGEDIMAGES_DRAIN_SECONDS": Bounds(0, 3_600),
    "TAGGEDIMAGES_STOP_SECONDS": Bounds(1, 3_600),
    # To PostgreSQL, 0 is no limit, and a request has to have one.
    "TAGGEDIMAGES_STATEMENT_TIMEOUT_MS": Bounds(1, DAY * 1_000),
    "TAGGEDIMAGES_PATTERN_TIMEOUT_MS": Bounds(0, DAY * 1_000),
    # To libpq, 0 is for ever.
    "TAGGEDIMAGES_DATABASE_CONNECT_SECONDS": Bounds(1, 3_600),
    "TAGGEDIMAGES_DATABASE_MAX_AGE": Bounds(0, YEAR),
    "TAGGEDIMAGES_REPLICA_LAG_MS": Bounds(0, 3_600_000),
    "TAGGEDIMAGES_S3_CONNECT_SECONDS": Bounds(0.01, 3_600),
    "TAGGEDIMAGES_S3_READ_SECONDS": Bounds(0.01, 3_600),
    "TAGGEDIMAGES_S3_TRIES": Bounds(1, 100),
    # Signature Version 4: X-Amz-Expires.
    "TAGGEDIMAGES_PRESIGNED_SECONDS": Bounds(1, 7 * DAY),
    "TAGGEDIMAGES_PRESIGNED_STABLE_SECONDS": Bounds(0, 7 * DAY),
    "TAGGEDIMAGES_MAX_BODY_BYTES": Bounds(1_024, MAX_INT32),
    "TAGGEDIMAGES_MAX_UPLOAD_BODY_BYTES": Bounds(1_024, MAX_INT32),
    "TAGGEDIMAGES_MAX_LIST_ITEMS": Bounds(1, 1_000_000),
    "TAGGEDIMAGES_MAX_SEARCH_TERMS": Bounds(1, 10_000),
    "TAGGEDIMAGES_CHANGE_CONFIRM": Bounds(0, MAX_INT32),
    "TAGGEDIMAGES_RATE_LOGINS": Bounds(0, 1_000_000),
    "TAGGEDIMAGES_RATE_WRONG_PASSWORDS": Bounds(0, 1_000_000),
    "TAGGEDIMAGES_RATE_ANONYMOUS_WRITES": Bounds(0, 1_000_000),
    "TAGGEDIMAGES_RATE_UPLOADS": Bounds(0, 1_000_000),
    "TAGGEDIMAGES_RATE_SEARCHES": Bounds(0, 1_000_000),
    "TAGGEDIMAGES_IDEMPOTENCY_SECONDS": Bounds(60, YEAR),
    "TAGGEDIMAGES_MAX_STREAMS": Bounds(0, 1_024),
    # All that is counted back from now: a time before the year 1 there is none.
    "TAGGEDIMAGES_UPLOAD_GRACE_SECONDS": Bounds(0, YEAR),
    "TAGGEDIMAGES_MULTIPART_SECONDS": Bounds(1, 100 * YEAR),
    "TAGGEDIMAGES_RETENTION_SECONDS": Bounds(0, 100 * YEAR),
    "TAGGEDIMAGES_TRASH_SECONDS": Bounds(0, 100 * YEAR),
    "TAGGEDIMAGES_ORPHAN_SECONDS": Bounds(0, 100 * YEAR),
    "TAGGEDIMAGES_PURGE_SECONDS": Bounds(0.1, YEAR),
    "TAGGEDIMAGES_SWEEP_SECONDS": Bounds(0.01, 3_600),
    "TAGGEDIMAGES_CLEANUP_SECONDS": Bounds(0, YEAR),
    "TAGGEDIMAGES_CONTRACTS_SECONDS": Bounds(0, YEAR),
    "TAGGEDIMAGES_PROJECT_QUOTA_BYTES": Bounds(0, MAX_INT64),
    "TAGGEDIMAGES_MIN_FREE_BYTES": Bounds(0, MAX_INT64),
    "TAGGEDIMAGES_MAX_PIXELS": Bounds(1, 10_000_000_000),
    "TAGGEDIMAGES_INSPECTION_MEMORY_BYTES": Bounds(64 * MEBIBYTE, MAX_INT64),
    "TAGGEDIMAGES_MAX_INSPECTED_BYTES": Bounds(1, MAX_INT64),
    "TAGGEDIMAGES_MAX_METADATA_BYTES": Bounds(0, MAX_INT32),
    "TAGGEDIMAGES_INSPECTION_CPU_SECONDS": Bounds(1, DAY),
    "TAGGEDIMAGES_INSPECTION_SECONDS": Bounds(0.1, DAY),
    # There is a column of 16 bits.
    "TAGGEDIMAGES_FILES_AT_ONCE": Bounds(1, 64),
    "TAGGEDIMAGES_INSPECTION_TRIES": Bounds(1, 1_000),
}
WORDS = {
    "TAGGEDIMAGES_ANONYMOUS": ("open", "read-only", "none"),
    # Empty: it depends on who may read.
    "TAGGEDIMAGES_VISIBILITY": ("", "public", "project", "private"),
    "TAGGEDIMAGES_PROJECT_EDITS": ("members", "own"),
    "TAGGEDIMAGES_LOG_FORMAT": ("text", "json"),
    "TAGGEDIMAGES_LOG_LEVEL": ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
}
ADDRESSES = {
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL",
    "AWS_S3_ENDPOINT_URL",
    "S3_ENDPOINT_URL",
    "S3_PUBLIC_ENDPOINT_URL",
}


class Environment(environ.Env):  # type: ignore[misc]  # the library has no types
    """The environment; an empty value is none. `faults` says what is wrong with it."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[Text] = []

    def int(self, var: Text, default: Any = environ.Env.NOTSET) -> Any:
        """A whole number within its bounds."""
        return self._number(var, int, default)

    def float(self, var: Text, default: Any = environ.Env.NOTSET) -> Any:
        """A number within its bounds."""
        return self._number(var, float, default)

    def bool(self, var: Text, default: Any = environ.Env.NOTSET) -> Any:
        """Yes or no, in any of the words of taggedimages.truth."""
        given = self._given(var)
        try:
            return truth(given) if given else default
        except ValueError as error:
            return self._fault(f"{var} {error}: {quoted(given)}.", default)

    def str(self, var: Text, default: Any = environ.Env.NOTSET, *args: Any, **kwargs: Any) -> Any:
        """A text: one of its words, or an address, where it is to be one."""
        text = super().str(var, default, *args, **kwargs)
        if var in WORDS and text not in WORDS[var]:
            words = ", ".join(filter(None, WORDS[var]))
            return self._fault(f"{var} is one of: {words}; not {text!r}.", default)
        if var in ADDRESSES and text and not _is_address(text):
            return self._fault(f"{var} is an address such as https://host:9000.", default)
        return text

    def _number(self, var: Text, kind: type, default: Any) -> Any:
        given, bounds = self._given(var), BOUNDS.get(var, USUAL)
        if not given:
            return default
        try:
            number = kind(given) if given.isascii() else math.nan
        except ValueError:
            number = math.nan
        # Nothing is in order with what is no number.
        if not bounds.least <= number <= bounds.most:
            kinds = "a whole number" if kind is int else "a number"
            limits = f"from {bounds.least:,} to {bounds.most:,}"
            return self._fault(f"{var} is {kinds} {limits}, not {given[:40]!r}.", default)
        return number

    def _given(self, var: Text) -> Text:
        text: Text = super().str(var, "").strip()
        return text

    def _fault(self, message: Text, default: Any) -> Any:
        self.faults.append(message)
        return default


def _is_address(text: str) -> bool:
    try:
        address = urlsplit(text)
        # Raises ValueError where it is none.
        address.port  # noqa: B018
    except ValueError:
        return False
    whole = address.scheme in ("http", "https") and address.hostname
    return bool(whole) and text.isascii() and not (address.query or address.fragment)
