"""Text from outside: whether PostgreSQL can hold it, and whether it is a uuid."""

import re
import uuid

UUID_FORM = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)


def is_storable(text: str) -> bool:
    """No null character and no lone surrogate."""
    return not re.search("[\0\ud800-\udfff]", text)


def uuid_in(text: str) -> uuid.UUID | None:
    """The uuid that a text is, or None."""
    return uuid.UUID(text) if UUID_FORM.fullmatch(text) else None
