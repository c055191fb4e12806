"""Every test is dealt to one process, in an order that its database stands."""

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from taggedimages.tests import dealing


@dataclass(eq=False)
class Item:
    """What is asked of a collected test."""

    module: str
    fixturenames: tuple[str, ...] = ()
    # Of its mark `django_db`, where it has one.
    marked: dict[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        return Path("/tests", self.module)

    def get_closest_marker(self, name: str) -> Any:
        return SimpleNamespace(kwargs=self.marked) if self.marked else None


EMPTIED = {"transaction": True}
SERVICES = [Item(f"test_up_{n // 3}.py", ("tmp_path_factory",)) for n in range(9)]
ITEMS: list[Any] = [
    *(Item(f"test_{n // 4}.py", ("db",)) for n in range(11)),
    *(Item(f"test_kills_{n // 2}.py", (), EMPTIED) for n in range(6)),
    *(Item(f"browser/test_{n}.py", (), EMPTIED) for n in range(3)),
    *(Item("test_text.py") for _ in range(40)),
    *SERVICES,
]


def piles(processes: int) -> list[list[Any]]:
    """What each process begins with, as pytest-xdist has it: equal parts."""
    dealt = dealing.dealt_out(ITEMS, processes)
    size = -(-len(ITEMS) // processes)
    return [dealt[start : start + size] for start in range(0, len(dealt), size)]


@pytest.mark.parametrize("processes", [1, 2, 3, 7, 60])
def test_each_is_dealt_once(processes):
    dealt = [item for pile in piles(processes) for item in pile]
    assert sorted(map(id, dealt)) == sorted(map(id, ITEMS))


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_none_needs_a_database_that_was_emptied_before(processes):
    for pile in piles(processes):
        kinds = ["db" in item.fixturenames for item in pile]
        first = next((at for at, item in enumerate(pile) if item.marked), len(pile))
        assert not any(kinds[first:])


def test_services_come_first_and_what_shares_one_stays_together():
    for pile in piles(3):
        assert [item in SERVICES for item in pile] == [True] * 3 + [False] * (len(pile) - 3)
        assert len({item.module for item in pile[:3]}) == 1
    [browsing] = [pile for pile in piles(3) if any(map(dealing.is_in_browser, pile))]
    assert sum(map(dealing.is_in_browser, browsing)) == 3
