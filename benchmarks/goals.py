"""What the service is to reach, and whether a result does; times in milliseconds."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from benchmarks.corpus import LATER

# What searches were asked beside where nothing else went on.
QUIET = "nothing"
MILLION = 1_000_000
# Beside readers who stop: pages a second and their p95, to those without, and until another stream
# begins, in seconds.
BESIDE_READERS_SHARE, BESIDE_READERS_P95, ANOTHER_STREAM_SECONDS = 0.8, 2, 1
# How long ago searches are asked as of (benchmarks.past), and the kind that is held to most.
QUIET_AGE, JUST_NOW, LATELY = "now", "ten seconds ago", ("a day ago", "30 days ago")
ONE_TAG = "a common tag"

# What one run has found, decoded from its JSON.
Found = dict[str, Any]

# A median of so many times the floor's or so much more, and a p95 of so many times the median.
FACTOR, MORE_MS, P95_FACTOR = 3, 4, 3
# Kinds that are to take no longer than so, whatever the floor; the first time and after.
WITHIN_MS = {
    "format": 10,
    "format and tag": 10,
    "modality": 10,
    "body part": 10,
    "width": 15,
    "width and height": 15,
    "tag with width and size": 15,
    "filename": 100,
    "largest of a tag": 14,
    "uploaded of a tag": 14,
    "filename of a tag": 14,
    "facets of a tag": 50,
    "facets of all": 10,
    "facets of two tags": 20,
    "facets in a window": 50,
    "untagged": 7,
    "any_tags": 7,
    "tag and not": 7,
    "Atmosphere: search": 40,
    "Atmosphere: links": 30,
    "Atmosphere: images": 15,
    "IMS: tags of two projects": 50,
}
# Those that are held against the floor the first time, too.
AT_ONCE = {"and3", "prefix"}
# Pages far from the first, to the first.
DEEP_FACTOR = 3
DEEP = ("page 1,000", "page 10,000")
PAGES_PER_SECOND = 450
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
# A search as of an instant within a month, of any and the commonest tag, and of just now to the
# plain one.
MONTH_MS, PAST_MS, JUST_NOW_FACTOR = 150, 800, 2
# The report of a contract over a million images; a release of a million members, and what the
# worker holds meanwhile; a hundred thousand signed lines, and the first of them.
REPORT_MS, BUILD_SECONDS, WORKER_MEMORY_MB, LINES_SECONDS, FIRST_LINE_SECONDS = (
    1_000,
    90,
    200,
    2,
    0.2,
)

# Files inspected a second to those of a bare loop, and of small ones; files that eight clients
# send, and until the first is ready of those that nobody announces; pages meanwhile.
BARE_SHARE, SMALL_FILES, SENT_FILES, FIRST_READY_SECONDS = 0.6, 30, 100, 5
PAGES_BESIDE_INSPECTION = 2


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
        *(_of_slow_readers(found["slow_readers"]) if "slow_readers" in found else []),
        *(_of_inspection(found["inspection"]) if "inspection" in found else []),
        *(_of_releases(found["releases"], found["images"]) if "releases" in found else []),
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
            Growth(f"{name}: first", _medians(results, "kinds", name, "first"), GROWTH)
            for name in kinds
            if is_judged_at_once(name)
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


def allowed(kind: str, floor: dict[str, float] | None) -> float | None:
    """The median that a kind may have, in milliseconds; None: any."""
    within = WITHIN_MS.get(kind.removesuffix(LATER))
    if within is not None:
        return within
    if floor is None:
        return None
    return round(max(FACTOR * floor["median"], floor["median"] + MORE_MS), 2)


def missed(name: str, kind: dict[str, Any]) -> str:
    """What a kind misses, in a word; empty where that is nothing."""
    if kind["wrong"]:
        return "answers"
    most = kind["allowed"]
    if most is None:
        return ""
    if kind["service"]["median"] > most:
        return "median"
    if is_judged_at_once(name) and kind["first"]["median"] > most:
        return "first"
    return "" if not is_judged_by_p95(name) or is_even(kind["service"]) else "p95"


def is_judged_at_once(kind: str) -> bool:
    """Whether what is allowed holds for the first time that a question is asked."""
    return kind.removesuffix(LATER) in WITHIN_MS.keys() | AT_ONCE


def is_judged_by_p95(kind: str) -> bool:
    """Whether it is held against the floor, whose goal is about all but the slowest calls, too."""
    return kind.removesuffix(LATER) not in WITHIN_MS


def _of_kinds(kinds: dict[str, Any]) -> Iterator[Verdict]:
    judged = {name: kind for name, kind in kinds.items() if kind["allowed"] is not None}
    at_once = {name: kind for name, kind in judged.items() if is_judged_at_once(name)}
    by_p95 = {name: kind for name, kind in judged.items() if is_judged_by_p95(name)}
    tests: list[tuple[str, dict[str, Any], Callable[[Any], bool]]] = [
        ("kinds that are answered rightly", kinds, lambda kind: not kind["wrong"]),
        (
            "kinds whose median is allowed",
            judged,
            lambda kind: kind["service"]["median"] <= kind["allowed"],
        ),
        (
            "kinds whose first time is allowed",
            at_once,
            lambda kind: kind["first"]["median"] <= kind["allowed"],
        ),
        (
            f"kinds whose p95 is at most {P95_FACTOR} medians",
            by_p95,
            lambda kind: is_even(kind["service"]),
        ),
    ]
    for what, some, is_met in tests:
        number = sum(map(is_met, some.values()))
        if some:
            yield Verdict(what, str(number), str(len(some)), number == len(some))
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


def _of_slow_readers(found: dict[str, Any]) -> Iterator[Verdict]:
    before, beginning, beside = found["before"], found["beginning"], found["beside"]
    quick = found["quick"]
    # Keys of JSON are texts.
    statuses = {int(status): number for status, number in found["statuses"].items()}
    yield _least("streams that began", statuses.get(200, 0), found["readers"])
    share = beside["per_second"] / before["per_second"]
    yield _least("pages a second beside slow readers, to none", share, BESIDE_READERS_SHARE)
    p95 = beside["times"]["p95"] / before["times"]["p95"]
    yield _most("p95 of pages beside them, to none", p95, BESIDE_READERS_P95)
    errors = before["errors"] + beginning["errors"] + beside["errors"]
    yield _most("their errors", errors, 0)
    yield _most(
        "seconds to the first line of another stream", quick["first"], ANOTHER_STREAM_SECONDS
    )
    yield _most("streams that did not go on rightly", len(found["wrong"]), 0)


def _of_inspection(found: dict[str, Any]) -> Iterator[Verdict]:
    for name, rates in found["kinds"].items():
        for way in ("completed", "unannounced"):
            yield _least(f"{name}, {way}, to bare", rates[way] / rates["bare"], BARE_SHARE)
    small = next(iter(found["kinds"].values()))
    of_each = small["completed"] / found["processors"]
    yield _least("small files a second, for a processor", of_each, SMALL_FILES)
    yield _least("files sent and completed a second", found["sent"]["per_second"], SENT_FILES)
    yield _most("their errors", found["sent"]["errors"], 0)
    pages = found["pages"]
    share = pages["beside"] / pages["alone"]
    yield _most("p99 of pages beside inspection, to none", share, PAGES_BESIDE_INSPECTION)
    yield _most("seconds to the first", found["first"]["first_seconds"], FIRST_READY_SECONDS)


def _of_releases(found: dict[str, Any], images: int) -> Iterator[Verdict]:
    past, build, members = found["past"], found["build"], found["members"]
    for kind, ages in past["kinds"].items():
        for age, times in ages.items():
            if age == JUST_NOW:
                factor = times["median"] / ages[QUIET_AGE]["median"]
                yield _most(f"{kind}, {age}, to now", factor, JUST_NOW_FACTOR)
            elif age != QUIET_AGE:
                within = MONTH_MS if kind == ONE_TAG and age in LATELY else PAST_MS
                yield _most(f"{kind}, {age}: median", times["median"], within)
    yield _most("searches of the past that were answered wrong", len(past["wrong"]), 0)
    report = found["contract"]["times"]["median"] * MILLION / images
    yield _most("ms for the report of 20 rules over a million images", report, REPORT_MS)
    seconds = build["seconds"] * MILLION / build["members"]
    yield _most("seconds for a release of a million", seconds, BUILD_SECONDS)
    if build["memory"]:
        yield _most("MB of the worker meanwhile", build["memory"]["most"] / 10**6, WORKER_MEMORY_MB)
    lines = members["last"] * 100_000 / members["lines"]
    yield _most("seconds for 100,000 signed lines", lines, LINES_SECONDS)
    yield _most("seconds to the first of them", members["first"], FIRST_LINE_SECONDS)


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
