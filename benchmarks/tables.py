"""Results, as `search --json` gives them, as text to read or as Markdown to paste."""

from collections.abc import Sequence
from typing import Any

# What one run has found, decoded from its JSON.
Found = dict[str, Any]

HEADINGS = ("kind", "floor", "service", "p95", "ratio", "allowed", "goal")


def of_search(found: Found, *, markdown: bool = False) -> str:
    """The kinds with their ratios, then throughput and memory."""
    head = (
        f"{found['images']:,} images, {found['measured_at'][:16].replace('T', ' ')} UTC,"
        f" commit {found['commit'] or 'unknown'}; milliseconds."
    )
    rows = [(name, *_figures(kind)) for name, kind in found["kinds"].items()]
    table = aligned([HEADINGS, *rows], markdown=markdown)
    return "\n".join([head, "", *table, "", *_others(found)])


def of_growth(results: Sequence[Found], *, markdown: bool = False) -> str:
    """The service's median of each kind at each size, the smallest first, and how it grew."""
    sizes = [f"{found['images']:,}" for found in results]
    rows = []
    for name in results[-1]["kinds"]:
        medians = [
            found["kinds"][name]["service"]["median"] if name in found["kinds"] else None
            for found in results
        ]
        known = [median for median in medians if median is not None]
        shown = ["" if median is None else f"{median:.2f}" for median in medians]
        rows.append((name, *shown, f"{known[-1] / known[0]:.2f}"))
    return "\n".join(aligned([("kind", *sizes, "growth"), *rows], markdown=markdown))


def of_commits(before: Found, after: Found, *, markdown: bool = False) -> str:
    """The service's medians at two commits, and the second to the first."""
    rows = [
        (name, f"{was:.2f}", f"{now:.2f}", f"{now / was:.2f}")
        for name, kind in after["kinds"].items()
        if name in before["kinds"]
        for was, now in [(before["kinds"][name]["service"]["median"], kind["service"]["median"])]
    ]
    was, now = (found["throughput"]["per_second"] for found in (before, after))
    rows.append(("pages a second", f"{was:.0f}", f"{now:.0f}", f"{now / was:.2f}"))
    head = ("kind", before["commit"], after["commit"], "ratio")
    return "\n".join(aligned([head, *rows], markdown=markdown))


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


def _figures(kind: dict[str, Any]) -> tuple[str, ...]:
    floor, service = kind["floor"], kind["service"]
    figures = (floor["median"], service["median"], service["p95"], kind["ratio"], kind["allowed"])
    verdict = "wrong" if kind["wrong"] else "met" if kind["met"] else "missed"
    return *(f"{figure:.2f}" for figure in figures), verdict


def _others(found: Found) -> list[str]:
    lines = []
    if through := found["throughput"]:
        goal, times = found["throughput_goal"], through["times"]
        is_met = through["per_second"] >= goal and not through["errors"]
        lines.append(
            f"{through['clients']} clients: {through['per_second']:.0f} pages of 100 records"
            f" a second, median {times['median']:.1f} ms, p95 {times['p95']:.1f} ms,"
            f" {through['errors']} errors; goal {goal}: {'met' if is_met else 'missed'}."
        )
    if memory := found["web_memory"]:
        now, peak = (memory[name] / 2**20 for name in ("now", "peak"))
        lines.append(
            f"The largest web process holds {now:.0f} MiB and never held more than {peak:.0f} MiB."
        )
    wrong = [f"{name}: {text}" for name, kind in found["kinds"].items() for text in kind["wrong"]]
    return lines + [f"WRONG {text}" for text in wrong[:20]]
