"""What the service is to reach, and whether a result does; times in milliseconds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

# What searches were asked beside where nothing else went on.
QUIET = "nothing"
MILLION = 1_000_000

# What one run has found, decoded from its JSON.
Found = dict[str, Any]

# A median of so many times the floor's or so much more, and a p95 of so many times the median.
FACTOR, MORE_MS, P95_FACTOR = 3, 6, 3
# Pages far from the first, to the first.
DEEP_FACTOR = 3
DEEP = ("page 1,000", "page 10,000")
PAGES_PER_SECOND = 250
WEB_MEMORY_MB = 200
# From one size to the next: first pages and writes, and totals.
GROWTH, TOTAL_GROWTH = 1.5, 2.0
# Records made through HTTP, to the same in SQL.
POST_SHARE = 0.6
# Lists of tags and completion of names, searches by prefix, and the longest wait for what is found.
TAGS_MS, PREFIX_MS, PATTERN_MS = 5, 30, 1000
IMPORT_SECONDS = 300
PRESIGNING_MS = 1
# A change of a million images, and searches meanwhile to those before, by their p95.
PLAN_SECONDS, APPLY_SECONDS, MEANWHILE_FACTOR = 5, 240, 2

# A page of the workplace, its median and its statements, and until the grid takes keys.
ADMIN_PAGE_MS, ADMIN_STATEMENTS, GRID_USABLE_MS = 150, 12, 1_000


@dataclass(frozen=True)
class Verdict:
    """One goal, what was found, and whether it is met."""

    what: str
    found: str
    goal: str
    is_met: bool

    @property
    def word(self) -> str:
        return "met" if self.is_met else "missed"


@dataclass(frozen=True)
class Growth:
    """Medians of one thing at each size, None where it was not measured, and what is allowed."""

    name: str
    medians: tuple[float | None, ...]
    # None: it is no goal that this does not grow.
    allowed: float | None

    @property
    def step(self) -> float | None:
        """How many times slower it became at most, from one size to the next."""
        known = [median for median in self.medians if median is not None]
        return max((after / before for before, after in pairwise(known)), default=None)

    @property
    def word(self) -> str:
        """The verdict; empty where there is none."""
        if self.allowed is None or self.step is None:
            return ""
        return "met" if self.step <= self.allowed else "missed"


def of(found: Found) -> list[Verdict]:
    """The verdicts on all that one result has."""
    return [
        *(_of_kinds(found["kinds"]) if "kinds" in found else []),
        *(_of_throughput(found["throughput"]) if found.get("throughput") else []),
        *(_of_memory(found["web_memory"]) if found.get("web_memory") else []),
        *(_of_writes(found["writes"]) if "writes" in found else []),
        *(_of_page(found["page"]) if "page" in found else []),
        *(_of_vocabulary(found["vocabulary"]) if "vocabulary" in found else []),
        *(_of_import(found["import"]) if "import" in found else []),
        *(_of_change(found["change"]) if "change" in found else []),
        *(_of_workplace(found["workplace"]) if "workplace" in found else []),
    ]


def growth(results: Sequence[Found]) -> list[Growth]:
    """How everything that was measured at several sizes grew, the smallest size first."""
    kinds = results[-1]["kinds"]
    steps = results[-1].get("writes", {"steps": {}})["steps"]
    return [
        *(
            Growth(name, _medians(results, "kinds", name, "service"), _allowed(name))
            for name in kinds
        ),
        *(
            Growth(f"{name}: total", _medians(results, "kinds", name, "total"), TOTAL_GROWTH)
            for name in kinds
            if kinds[name].get("total")
        ),
        *(Growth(step, _medians(results, "writes", "steps", step), GROWTH) for step in steps),
    ]


def _allowed(kind: str) -> float | None:
    return None if kind in (*DEEP, "deep_page") else GROWTH


def _medians(results: Sequence[Found], *keys: str) -> tuple[float | None, ...]:
    def median(found: Any) -> float | None:
        for key in keys:
            found = (found or {}).get(key)
        return found["median"] if found else None

    return tuple(median(found) for found in results)


def _of_kinds(kinds: dict[str, Any]) -> Iterator[Verdict]:
    tests = {
        "kinds that are answered rightly": lambda kind: not kind["wrong"],
        "kinds whose median is allowed": lambda kind: kind["service"]["median"] <= kind["allowed"],
        f"kinds whose p95 is at most {P95_FACTOR} medians": lambda kind: is_even(kind["service"]),
    }
    for what, is_met in tests.items():
        number = sum(map(is_met, kinds.values()))
        yield Verdict(what, str(number), str(len(kinds)), number == len(kinds))
    for name in DEEP:
        if name in kinds and "page 1" in kinds:
            times = kinds[name]["service"]["median"] / kinds["page 1"]["service"]["median"]
            yield _most(f"{name}, to page 1", times, DEEP_FACTOR)


def is_even(times: dict[str, float]) -> bool:
    """Whether the slow calls are not much slower than the usual ones."""
    return times["p95"] <= P95_FACTOR * times["median"]


def _of_throughput(through: dict[str, Any]) -> Iterator[Verdict]:
    yield _least(
        f"pages a second, {through['clients']} clients", through["per_second"], PAGES_PER_SECOND
    )
    yield _most("their errors", through["errors"], 0)


def _of_memory(memory: dict[str, int]) -> Iterator[Verdict]:
    most = max(memory["now"], memory["peak"]) / 10**6
    yield _most("MB that a web process ever held", most, WEB_MEMORY_MB)


def _of_writes(writes: dict[str, Any]) -> Iterator[Verdict]:
    yield _least("records a second, to the same in SQL", writes["share"], POST_SHARE)
    yield _most("their errors", writes["posts"]["errors"], 0)


def _of_page(page: dict[str, Any]) -> Iterator[Verdict]:
    yield _most("presigned links of a page", page["presigning"]["service"], PRESIGNING_MS)


def _of_vocabulary(vocabulary: dict[str, Any]) -> Iterator[Verdict]:
    for name, kind in vocabulary["kinds"].items():
        if kind["within"] is not None:
            yield _most(f"{name}: median", kind["times"]["median"], kind["within"])
        yield _most(f"{name}: longest", kind["longest"], PATTERN_MS)
        other = sum(n for status, n in kind["statuses"].items() if int(status) not in (200, 503))
        if other:
            yield _most(f"{name}: answers but 200 and 503", other, 0)


def _of_import(imported: dict[str, Any]) -> Iterator[Verdict]:
    yield _most("seconds for a million imports", imported["million_seconds"], IMPORT_SECONDS)


def _of_change(change: dict[str, Any]) -> Iterator[Verdict]:
    within = {"plan": PLAN_SECONDS, "apply": APPLY_SECONDS, "plan of undo": PLAN_SECONDS}
    for name, step in change["steps"].items():
        seconds = step["seconds"] * MILLION / change["images"]
        yield _most(
            f"seconds for a million images: {name}", seconds, within.get(name, APPLY_SECONDS)
        )
    quiet = change["searches"][QUIET]["p95"]
    for name, times in change["searches"].items():
        if name != QUIET:
            yield _most(
                f"p95 of searches, to quiet: {name}", times["p95"] / quiet, MEANWHILE_FACTOR
            )
    yield _most("searches that were answered wrong", len(change["wrong"]), 0)


def _of_workplace(workplace: dict[str, Any]) -> Iterator[Verdict]:
    for name, page in workplace["pages"].items():
        yield _most(f"{name}: median", page["times"]["median"], ADMIN_PAGE_MS)
        yield _most(f"{name}: statements", page["statements"], ADMIN_STATEMENTS)
    if workplace["usable"]:
        yield _most("grid usable in Chromium", workplace["usable"]["median"], GRID_USABLE_MS)


def _most(what: str, found: float, goal: float) -> Verdict:
    return Verdict(what, short(found), f"<= {goal:g}", found <= goal)


def _least(what: str, found: float, goal: float) -> Verdict:
    return Verdict(what, short(found), f">= {goal:g}", found >= goal)


def short(figure: float) -> str:
    """A figure with as many digits as tell something.

    >>> short(1234.56), short(12.345), short(0.6789), short(0)
    ('1235', '12.3', '0.68', '0')
    """
    if not figure % 1:
        return f"{figure:.0f}"
    return (
        f"{figure:.0f}" if figure >= 100 else f"{figure:.1f}" if figure >= 10 else f"{figure:.2f}"
    )
