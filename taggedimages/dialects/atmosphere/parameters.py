"""Which parameters a list has: one that it does not know is refused, for it may mean to narrow.

Where it is passed over, as in the last server, the whole list looks like what was found.
"""

from collections.abc import Set

from django.http import QueryDict
from rest_framework.exceptions import ValidationError

# Of every list; and what clients add against caches, or to name the format.
PAGING = frozenset({"page", "page_size"})
PASSED_OVER = frozenset({"format", "_", "_dc", "nocache"})
# These narrow as often as they are given.
REPEATED = frozenset({"tag_name", "tags__name", "search"})
FLAGS = {"true": True, "1": True, "false": False, "0": False}
# Of a name that is quoted.
MAX_QUOTED = 60


def check(given: QueryDict, filters: Set[str]) -> None:
    """Raises ValidationError for a parameter that is unknown, or given with several values."""
    known = filters | PAGING | PASSED_OVER
    for name in given:
        if name not in known:
            raise ValidationError({name[:MAX_QUOTED]: ["There is no such filter."]})
        single = name not in REPEATED | PASSED_OVER
        if single and len(set(given.getlist(name))) > 1:
            raise ValidationError({name: ["Given more than once."]})


def flag(given: QueryDict, name: str) -> bool | None:
    """A truth, in any case; None where it is not given. Raises ValidationError."""
    value = given.get(name)
    if value is None:
        return None
    if value.lower() not in FLAGS:
        raise ValidationError({name: ["Must be true, false, 1 or 0."]})
    return FLAGS[value.lower()]
