"""Whether what is stored encrypted can be read."""

from collections.abc import Iterator

from taggedimages.encrypted import COLUMNS
from taggedimages.verification.outcomes import Outcome, counted

FALLBACK = "Set the SECRET_KEY by which it was made in SECRET_KEY_FALLBACKS, or bring it back."


def keys(deep: bool) -> Iterator[Outcome]:
    """All that is needed of what is encrypted, by SECRET_KEY and its fallbacks."""
    found = {column.name: column.unreadable() for column in COLUMNS}
    unreadable = {name: count for name, count in found.items() if count}
    details = {"unreadable": unreadable}
    if unreadable:
        yield Outcome("keys", False, f"{counted(unreadable)} cannot be read.", FALLBACK, details)
    else:
        says = "all that is encrypted can be read with SECRET_KEY and its fallbacks"
        yield Outcome("keys", True, says, details=details)
