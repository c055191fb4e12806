"""Results, as `--json` gives them, as text to read or as Markdown to paste."""

from collections.abc import Sequence
from typing import Any

from benchmarks import goals
from benchmarks.goals import Found, short

KINDS = ("kind", "floor", "service", "p95", "ratio", "allowed", "total", "goal")


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
        (name, f"{kind['a']:.2f}", f"{kind['b']:.2f}", f"{kind['ratio']:.2f}")
        for name, kind in kinds.items()
    ]
    table = aligned([("kind", "A", "B", "B / A"), *rows], markdown=markdown)
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
    return f"{told}; {'microseconds' if 'costs' in found else 'milliseconds'}."


def _of_kinds(kinds: dict[str, Any]) -> list[tuple[str, ...]]:
    return [KINDS, *((name, *_figures(kind)) for name, kind in kinds.items())]


def _figures(kind: dict[str, Any]) -> tuple[str, ...]:
    floor, service, total = kind["floor"], kind["service"], kind.get("total")
    figures = (floor["median"], service["median"], service["p95"], kind["ratio"], kind["allowed"])
    shown = [f"{figure:.2f}" for figure in figures]
    return *shown, f"{total['median']:.2f}" if total else "", _verdict(kind)


def _verdict(kind: dict[str, Any]) -> str:
    if kind["wrong"]:
        return "wrong"
    if kind["met"]:
        return "met"
    return "missed" if goals.is_even(kind["service"]) else "missed: p95"


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


def _times(times: dict[str, float]) -> tuple[str, str, str]:
    return f"{times['median']:.2f}", f"{times['p95']:.2f}", f"{times['n']:.0f}"


def _wrong(found: Found) -> list[str]:
    kinds = found.get("kinds", {})
    wrong = [f"WRONG {name}: {text}" for name, kind in kinds.items() for text in kind["wrong"]]
    return ["\n".join(wrong[:20])] if wrong else []
