"""Which texts PostgreSQL can hold."""

import re

UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def is_storable(text: str) -> bool:
    """No null character and no lone half of a surrogate pair."""
    return not UNSTORABLE.search(text)
