"""Object keys: where in the bucket the file of an image lies."""

import re
import uuid
from datetime import UTC, datetime
from posixpath import splitext

ARCHIVE = "archive/"
# What a store that keeps objects as files takes for one part of a key.
MAX_SEGMENT_BYTES = 255
MAX_SUFFIX_BYTES = 32


def new_key(filename: str, created_at: datetime) -> str:
    """`YYYY/MM/DD/HH-MM-<uuid4>/<filename>` in UTC (contract TIM, upload flow).

    >>> new_key("knee.dcm", datetime(2026, 1, 2, 3, 4, tzinfo=UTC))  # doctest: +ELLIPSIS
    '2026/01/02/03-04-.../knee.dcm'
    """
    return f"{of_minute(created_at)}{uuid.uuid4()}/{safe_name(filename)}"


def of_minute(created_at: datetime) -> str:
    """What the keys of all files begin with whose records were made in this minute.

    >>> of_minute(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    '2026/01/02/03-04-'
    """
    return f"{created_at.astimezone(UTC):%Y/%m/%d/%H-%M}-"


def of_hour(created_at: datetime) -> str:
    """What the keys of all files begin with whose records were made in this hour.

    >>> of_hour(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    '2026/01/02/03-'
    """
    return f"{created_at.astimezone(UTC):%Y/%m/%d/%H}-"


def safe_name(filename: str) -> str:
    r"""The file name as one part of a key: no separators, not dots only, at most 255 bytes.

    >>> safe_name("../etc/passwd"), safe_name(r"a\b.png"), safe_name("...")
    ('.._etc_passwd', 'a_b.png', '___')
    """
    name = _shortened(re.sub(r"[/\\]", "_", filename))
    return "_" * len(name) if not name.strip(".") else name


def archived(key: str) -> str:
    """Where an object is moved when it has arrived, out of reach of its upload URL."""
    return ARCHIVE + key


def is_archived(key: str) -> bool:
    """Whether a key is one that objects are moved to."""
    return key.startswith(ARCHIVE)


def upload_key(key: str) -> str:
    """The key that the upload URL of an object was for."""
    return key.removeprefix(ARCHIVE)


PREVIEWS = "previews/"
# What is written to see whether that is possible, and removed at once.
PROBES = "probes/"
HYPHENATED_UUID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def previewed(key: str) -> uuid.UUID | None:
    """The uuid of the image that a preview belongs to; None for other keys.

    >>> previewed("previews/0b0c7f0e-6a1c-4f0e-9f7b-2f6c1d2a9e55/mini.webp")
    UUID('0b0c7f0e-6a1c-4f0e-9f7b-2f6c1d2a9e55')
    """
    found = HYPHENATED_UUID.search(key) if key.startswith(PREVIEWS) else None
    return uuid.UUID(found[0]) if found else None


def _shortened(name: str) -> str:
    if len(name.encode()) <= MAX_SEGMENT_BYTES:
        return name
    stem, suffix = splitext(name)
    if len(suffix.encode()) > MAX_SUFFIX_BYTES:
        stem, suffix = name, ""
    room = MAX_SEGMENT_BYTES - len(suffix.encode())
    return stem.encode()[:room].decode(errors="ignore") + suffix
