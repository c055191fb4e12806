"""Text from outside that may be a uuid."""

import re
import uuid

UUID_FORM = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)


def uuid_in(text: str) -> uuid.UUID | None:
    """The uuid that a text is, or None."""
    return uuid.UUID(text) if UUID_FORM.fullmatch(text) else None
