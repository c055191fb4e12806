"""The order in which several processes do all tests soonest."""

from collections.abc import Iterator, Sequence
from itertools import groupby, islice

import pytest

# These run services of their own that no fixture tells of.
LONG = {"test_torture.py", "test_keys.py", "test_upgrades.py", "test_killed_starts.py"}
# Whose modules share one browser.
BROWSER = "browser"


def dealt_out(items: Sequence[pytest.Item], processes: int) -> list[pytest.Item]:
    """Tests, as many for each of so many processes: each begins with what runs a service of its
    own, and has as much as the others of that and of all else.

    Those that leave the database as it was come before those that empty it, as pytest-django has
    them sorted. What a module shares, or the package with the browser, is made once.
    """
    services = [item for item in items if runs_a_service(item)]
    in_database = [item for item in items if uses_database(item) and not empties(item)]
    emptying = [item for item in items if empties(item)]
    dealt = {*services, *in_database, *emptying}
    others = iter([item for item in items if item not in dealt])
    piles: list[list[pytest.Item]] = [[] for _ in range(processes)]
    for number, group in enumerate(grouped(services)):
        piles[number % processes] += group
    for number, pile in enumerate(piles):
        ends = (len(in_database) * end // processes for end in (number, number + 1))
        pile += in_database[slice(*ends)]
    for number, group in enumerate(grouped(emptying)):
        piles[number % processes] += group
    size = -(-len(items) // processes)
    for pile in piles:
        pile += islice(others, max(size - len(pile), 0))
    return [item for pile in piles for item in pile]


def grouped(items: Sequence[pytest.Item]) -> Iterator[list[pytest.Item]]:
    """What shares fixtures: the tests of a module, and all in the browser."""
    for _, group in groupby(
        items, key=lambda item: item.path.parent if is_in_browser(item) else item.path
    ):
        yield list(group)


def is_in_browser(item: pytest.Item) -> bool:
    return item.path.parent.name == BROWSER


def runs_a_service(item: pytest.Item) -> bool:
    """Whether it works on a data folder of its own, as what runs `up` does."""
    own = item.path.name in LONG or "tmp_path_factory" in fixtures(item)
    return own and not (uses_database(item) or empties(item))


def uses_database(item: pytest.Item) -> bool:
    return item.get_closest_marker("django_db") is not None or "db" in fixtures(item)


def empties(item: pytest.Item) -> bool:
    """Whether the database is emptied after it."""
    marker = item.get_closest_marker("django_db")
    told = marker is not None and bool(
        marker.kwargs.get("transaction") or marker.kwargs.get("reset_sequences")
    )
    return told or not {"transactional_db", "live_server"}.isdisjoint(fixtures(item))


def fixtures(item: pytest.Item) -> Sequence[str]:
    return getattr(item, "fixturenames", ())
