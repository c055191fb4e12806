"""Results, as `--json` gives them, as text to read or as Markdown to paste."""

from collections.abc import Sequence
from typing import Any

from benchmarks import goals
from benchmarks.goals import Found, short

KINDS = ("kind", "floor", "first", "service", "p95", "ratio", "allowed", "total", "goal")


def of(found: Found, *, markdown: bool = False) -> str:
    """All that one result has, a table after the other, and the verdicts at the end."""
    tables = {
        "kinds": _of_kinds,
        "writes": _of_writes,
        "page": _of_page,
        "costs": _of_costs,
        "vocabulary": _of_vocabulary,
        "import": _of_import,
        "change": _of_change,
        "workplace": _of_workplace,
        "releases": _of_releases,
        "sizes": _of_sizes,
        "slow_readers": _of_slow_readers,
        "inspection": _of_inspection,
    }
    rows = [table(found[name]) for name, table in tables.items() if name in found]
    verdicts = [(v.what, v.found, v.goal, v.word) for v in goals.of(found)]
    if verdicts:
        rows.append([("goal", "found", "allowed", "verdict"), *verdicts])
    texts = ["\n".join(aligned(table, markdown=markdown)) for table in rows]
    return "\n\n".join([_head(found), *texts, *_wrong(found)])


def of_growth(results: Sequence[Found], *, markdown: bool = False) -> str:
    """Medians at each size, the smallest first, and the largest step from one to the next."""
    sizes = [f"{found['images']:,}" for found in results]
    rows = [
        (
            grown.name,
            *("" if median is None else f"{median:.2f}" for median in grown.medians),
            "" if grown.step is None else f"{grown.step:.2f}",
            "" if grown.allowed is None else f"{grown.allowed:g}",
            grown.word,
        )
        for grown in goals.growth(results)
    ]
    head = ("kind", *sizes, "step", "allowed", "goal")
    return "\n".join(aligned([head, *rows], markdown=markdown))


def of_in_turn(found: Found, *, markdown: bool = False) -> str:
    """The medians of two services that were asked in turn, and the second's to the first's."""
    kinds = found["in_turn"]
    rows = [
        (
            name,
            *("" if first is None else f"{first:.2f}" for first in kind["first"]),
            f"{kind['a']:.2f}",
            f"{kind['b']:.2f}",
            f"{kind['ratio']:.2f}",
        )
        for name, kind in kinds.items()
    ]
    head = ("kind", "first A", "first B", "A", "B", "B / A")
    table = aligned([head, *rows], markdown=markdown)
    different = [f"DIFFERENT {name}: {text}" for name in kinds for text in kinds[name]["different"]]
    a, b = found["bases"]
    return "\n".join([f"A {a}, B {b}; milliseconds.", "", *table, *different[:20]])


def aligned(rows: Sequence[Sequence[str]], *, markdown: bool = False) -> list[str]:
    """Lines of a table whose first row is its head; the first column is text, others numbers."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        [cell.rjust(width) if at else cell.ljust(width) for at, cell, width in _cells(row, widths)]
        for row in rows
    ]
    if not markdown:
        return ["  ".join(line).rstrip() for line in lines]
    rule = [f"{'-' * (width - 1)}{':' if at else '-'}" for at, width in enumerate(widths)]
    return [f"| {' | '.join(line)} |" for line in [lines[0], rule, *lines[1:]]]


def _cells(row: Sequence[str], widths: list[int]) -> list[tuple[int, str, int]]:
    return [(at, cell, widths[at]) for at, cell in enumerate(row)]


def _head(found: Found) -> str:
    images = [f"{found['images']:,} images"] if "images" in found else []
    when = f"{found['measured_at'][:16].replace('T', ' ')} UTC"
    told = ", ".join([*images, when, f"commit {found['commit'] or 'unknown'}"])
    units = {"costs": "microseconds", "sizes": "bytes"}
    return f"{told}; {next((units[one] for one in units if one in found), 'milliseconds')}."


def _of_kinds(kinds: dict[str, Any]) -> list[tuple[str, ...]]:
    return [KINDS, *((name, *_figures(name, kind)) for name, kind in kinds.items())]


def _figures(name: str, kind: dict[str, Any]) -> tuple[str, ...]:
    floor, service, total = kind["floor"], kind["service"], kind["total"]
    figures = (
        floor and floor["median"],
        kind["first"]["median"],
        service["median"],
        service["p95"],
        kind["ratio"],
        kind["allowed"],
        total and total["median"],
    )
    shown = ["" if figure is None else f"{figure:.2f}" for figure in figures]
    return *shown, _verdict(name, kind)


def _verdict(name: str, kind: dict[str, Any]) -> str:
    missed = goals.missed(name, kind)
    if missed == "answers":
        return "wrong"
    if kind["allowed"] is None:
        return ""
    return "met" if not missed else "missed" if missed == "median" else f"missed: {missed}"


def _of_writes(writes: dict[str, Any]) -> list[tuple[str, ...]]:
    rows = [("write", "a second", "median", "p95", "n", "errors")]
    sides = {
        f"POST with {writes['tags']} tags": writes["posts"],
        f"its {writes['statements']} statements in SQL": writes["sql"],
    }
    for name, side in sides.items():
        what = f"{name}, {side['clients']} clients"
        rows.append((what, short(side["per_second"]), *_times(side["times"]), str(side["errors"])))
    return rows + [(step, "", *_times(times), "") for step, times in writes["steps"].items()]


def _of_workplace(workplace: dict[str, Any]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("page of the admin", "median", "p95", "n", "statements")]
    for name, page in workplace["pages"].items():
        rows.append((name, *_times(page["times"]), str(page["statements"])))
    if workplace["usable"]:
        rows.append(("grid usable in Chromium", *_times(workplace["usable"]), ""))
    return rows


def _of_page(page: dict[str, Any]) -> list[tuple[str, ...]]:
    pages, links = page["pages"].values(), page["presigning"]
    rows = [("part of a page", *page["pages"])]
    for part in next(iter(pages))["parts"]:
        rows.append((part, *(f"{profile['parts'][part]:.2f}" for profile in pages)))
    rows.append(("whole", *(f"{profile['whole']:.2f}" for profile in pages)))
    blank = [""] * (len(page["pages"]) - 1)
    for who in ("service", "boto3"):
        rows.append((f"{links['links']} links by {who}", f"{links[who]:.2f}", *blank))
    return rows


def _of_costs(costs: dict[str, dict[str, float]]) -> list[tuple[str, ...]]:
    figures = ("code", "measured", "ratio")
    rows = [(name, *(f"{cost[what]:.2f}" for what in figures)) for name, cost in costs.items()]
    return [("cost", "in the code", *figures[1:]), *rows]


def _of_vocabulary(vocabulary: dict[str, Any]) -> list[tuple[str, ...]]:
    head = (
        f"of {vocabulary['tags']:,} tags",
        "median",
        "p95",
        "n",
        "longest",
        "200",
        "503",
        "else",
    )
    rows = []
    for name, kind in vocabulary["kinds"].items():
        statuses = {int(status): n for status, n in kind["statuses"].items()}
        answered, bounded = statuses.get(200, 0), statuses.get(503, 0)
        counts = (answered, bounded, sum(statuses.values()) - answered - bounded)
        rows.append((name, *_times(kind["times"]), short(kind["longest"]), *map(str, counts)))
    return [head, *rows]


def _of_import(imported: dict[str, Any]) -> list[tuple[str, ...]]:
    head = ("records", "tags", "seconds", "a second", "a million, seconds", "peak memory, MB")
    counts = (f"{imported['images']:,}", f"{imported['links']:,}")
    figures = [imported[name] for name in ("seconds", "per_second", "million_seconds")]
    return [head, (*counts, *map(short, figures), short(imported["peak_memory"] / 10**6))]


def _of_change(change: dict[str, Any]) -> list[tuple[str, ...]]:
    links, statements = change["links"], max(change["statements"].values())
    figures = ("seconds", "bytes a link", "index behind by", "searches: median", "p95", "n")
    rows: list[tuple[str, ...]] = [(f"{statements} statements a batch", *figures)]
    for name, times in change["searches"].items():
        told = ("", "", "")
        if step := change["steps"].get(name):
            grown = sum(step["grown"].values()) / links
            told = (short(step["seconds"]), short(grown), f"{step['unindexed']:,}")
        rows.append((name, *told, *_times(times)))
    return rows


def _of_releases(releases: dict[str, Any]) -> list[tuple[str, ...]]:
    kinds = releases["past"]["kinds"]
    rows = [
        (f"{kind}, {age}", *_times(times))
        for kind, ages in kinds.items()
        for age, times in ages.items()
    ]
    report = f"report of 20 rules over {releases['contract']['checked']:,} images"
    return [
        ("search as of", "median", "p95", "n"),
        *rows,
        (report, *_times(releases["contract"]["times"])),
    ]


def _of_slow_readers(found: dict[str, Any]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("pages, 8 clients", "a second", "median", "p95", "n", "errors")]
    readers = f"{found['readers']} slow readers"
    sides = {"before": "alone", "beginning": f"as {readers} begin", "beside": f"beside {readers}"}
    for side, name in sides.items():
        pages = found[side]
        figures = (short(pages["per_second"]), *_times(pages["times"]), str(pages["errors"]))
        rows.append((name, *figures))
    return rows


def _of_inspection(found: dict[str, Any]) -> list[tuple[str, ...]]:
    ways = ("bare", "completed", "unannounced")
    rows = [(name, *(short(rates[way]) for way in ways)) for name, rates in found["kinds"].items()]
    return [("files inspected a second", *ways), *rows]


def _of_sizes(sizes: dict[str, Any]) -> list[tuple[str, ...]]:
    counts = ", ".join(f"{count:,.0f} {what}" for what, count in sizes["asked"].items())
    rows = [
        (name, one["grows_with"], f"{one['table']:.0f}", f"{one['indexes']:.0f}", _gb(one["bytes"]))
        for name, one in sizes["tables"].items()
    ]
    whole = sum(one["bytes"] for one in sizes["tables"].values())
    head = ("table", "grows with", "bytes of each", "of its indexes", f"GB for {counts}")
    return [head, *rows, ("all of these", "", "", "", _gb(whole))]


def _gb(size: float) -> str:
    return f"{size / 10**9:.1f}"


def _times(times: dict[str, float]) -> tuple[str, str, str]:
    return f"{times['median']:.2f}", f"{times['p95']:.2f}", f"{times['n']:.0f}"


def _wrong(found: Found) -> list[str]:
    kinds = found.get("kinds", {})
    wrong = [f"WRONG {name}: {text}" for name, kind in kinds.items() for text in kind["wrong"]]
    wrong += [
        f"WRONG: {text}" for text in found.get("releases", {"past": {"wrong": []}})["past"]["wrong"]
    ]
    return ["\n".join(wrong[:20])] if wrong else []
