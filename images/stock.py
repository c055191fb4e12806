"""What the store has of many files at once, as it tells itself: sizes and entity tags.

Keys begin with the minute in which their records were made, so a list of a minute's or a day's
objects tells of a thousand files at the price of some; others are asked about by quick requests of
their own. What is not there, or otherwise than it should be, the store is asked about once more.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from images import storage
from images.storage import StoredObject

DAY = re.compile(r"(?:archive/)?\d{4}/\d\d/\d\d/")
MINUTE = re.compile(DAY.pattern + r"\d\d-\d\d-")
# Files of one minute, or else of one day, from which on that is listed: so many requests take as
# long as a page of a list. And objects that are listed for each of them, before they are too few
# among all that there are.
LISTED_MIN, PAGE, LISTED_PER_FILE = 20, 1_000, 5

# Whether what is stored under a key is what should be.
IsRight = Callable[[str, StoredObject], bool]
Stored = StoredObject | None


def stored(
    keys: Iterable[str], at_once: int, is_right: IsRight = lambda key, found: True
) -> dict[str, Stored]:
    """What is stored under each of these keys, or None; `at_once` requests at a time.

    Raises storage.StorageUnavailable.
    """
    told: dict[str, Stored] = {}
    with ThreadPoolExecutor(at_once) as threads, storage.quick_heads(at_once) as quick_head:
        for listed in threads.map(lambda group: _listed(*group), _groups(keys)):
            told |= listed
        unlisted = [key for key, found in told.items() if found is None]
        told |= zip(unlisted, threads.map(quick_head, unlisted), strict=True)
        doubtful = [key for key, found in told.items() if not (found and is_right(key, found))]
        told |= zip(doubtful, threads.map(storage.head, doubtful), strict=True)
    return told


def _groups(keys: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """Keys by what a list of them would begin with; by nothing where none is of use."""
    left = list(keys)
    for of_period in (MINUTE, DAY):
        periods, left = _by_period(of_period, left), []
        for begins, of_one in periods.items():
            if begins and len(of_one) >= LISTED_MIN:
                yield begins, of_one
            else:
                left += of_one
    if left:
        yield "", left


def _by_period(of_period: re.Pattern[str], keys: Iterable[str]) -> dict[str, list[str]]:
    periods: dict[str, list[str]] = defaultdict(list)
    for key in keys:
        begins = of_period.match(key)
        periods[begins[0] if begins else ""].append(key)
    return periods


def _listed(begins: str, keys: list[str]) -> dict[str, Stored]:
    """What a list of a period has of these keys; None for all that was not met."""
    told: dict[str, Stored] = dict.fromkeys(keys)
    if not begins:
        return told
    left, most = len(keys), max(PAGE, LISTED_PER_FILE * len(keys))
    for number, (key, found) in enumerate(storage.objects(begins), 1):
        if key in told:
            told[key] = found
            left -= 1
        if not left or number >= most:
            break
    return told
