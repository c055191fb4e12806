"""Results as text to read, or as Markdown to paste."""

from collections.abc import Sequence

from benchmarks.searching import CLIENTS, PAGES_PER_SECOND, Kind, Result

HEADINGS = ("kind", "floor", "service", "p95", "ratio", "allowed", "goal")


def of_search(result: Result, *, markdown: bool = False) -> str:
    """The kinds with their ratios, then throughput and memory."""
    rows = [_row(kind) for kind in result.kinds]
    table = aligned([HEADINGS, *rows], markdown=markdown)
    when = f"{result.measured_at:%Y-%m-%d %H:%M} UTC, commit {result.commit or 'unknown'}"
    return "\n".join(
        [f"{result.images:,} images, {when}; medians in ms.", "", *table, "", *_others(result)]
    )


def aligned(rows: Sequence[Sequence[str]], *, markdown: bool = False) -> list[str]:
    """Lines of a table whose first row is its head; the first column is text, others numbers."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        [
            cell.ljust(width) if at == 0 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        for row in rows
    ]
    rule = ["-" * width if at == 0 else "-" * (width - 1) + ":" for at, width in enumerate(widths)]
    if markdown:
        return [f"| {' | '.join(line)} |" for line in [lines[0], rule, *lines[1:]]]
    return ["  ".join(line) for line in lines]


def _row(kind: Kind) -> tuple[str, ...]:
    verdict = "wrong" if kind.wrong else "met" if kind.is_met else "missed"
    figures = (
        kind.floor.median,
        kind.service.median,
        kind.service.p95,
        kind.ratio,
        kind.allowed,
    )
    return kind.name, *(f"{figure:.2f}" for figure in figures), verdict


def _others(result: Result) -> list[str]:
    lines = []
    if through := result.throughput:
        verdict = (
            "met" if through.per_second >= PAGES_PER_SECOND and not through.errors else "missed"
        )
        lines.append(
            f"{CLIENTS} clients: {through.per_second:.0f} pages of 100 records a second, "
            f"median {through.times.median:.1f} ms, p95 {through.times.p95:.1f} ms, "
            f"{through.errors} errors; goal {PAGES_PER_SECOND}: {verdict}."
        )
    if memory := result.memory:
        lines.append(
            f"The largest web process holds {memory.now / 2**20:.0f} MiB"
            f" and never held more than {memory.peak / 2**20:.0f} MiB."
        )
    return lines + [f"WRONG {text}" for text in result.wrong[:20]]
