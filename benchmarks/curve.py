"""The growth curve as an SVG: a panel for each kind, both axes logarithmic.

In a panel's corner is how many times slower the service became from one size to the next.
"""

import math
from collections.abc import Sequence
from html import escape

from benchmarks import goals
from benchmarks.goals import Found

WIDTH, HEIGHT, ACROSS = 250, 200, 4
LEFT, RIGHT, TOP, BOTTOM = 46, 14, 34, 30
HEAD = 56
SERVICE, FLOOR, GRID, MISSED = "#1f6fb2", "#8a8f98", "#e3e6ea", "#b3261e"
STYLE = (
    "text{font:11px system-ui,sans-serif;fill:#30353b}"
    ".title{font-weight:600;font-size:12px}.head{font-weight:600;font-size:15px}"
    ".tick{fill:#6b7178;font-size:10px}"
)


def draw(results: Sequence[Found]) -> str:
    """Service and floor of each kind by the number of images, the smallest result first."""
    names = list(results[-1]["kinds"])
    grown = {growth.name: growth for growth in goals.growth(results)}
    panels = [Panel(name, results, grown[name]) for name in names]
    rows = math.ceil(len(panels) / ACROSS)
    width, height = WIDTH * ACROSS, HEAD + HEIGHT * rows
    body = [
        f'<g transform="translate({at % ACROSS * WIDTH} {HEAD + at // ACROSS * HEIGHT})">'
        f"{panel.svg()}</g>"
        for at, panel in enumerate(panels)
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
            f' width="{width}" height="{height}">',
            f'<style>{STYLE}</style><rect width="100%" height="100%" fill="white"/>',
            *_head(results),
            *body,
            "</svg>\n",
        ]
    )


def _head(results: Sequence[Found]) -> list[str]:
    when, commit = results[-1]["measured_at"][:10], escape(results[-1]["commit"])
    return [
        f'<text x="{LEFT}" y="22" class="head">Median of a page of 100 with its exact total,'
        " in milliseconds, by the number of images</text>",
        f'<g transform="translate({LEFT} 40)">'
        f'<path d="M0 0h26" stroke="{SERVICE}" stroke-width="2"/>'
        '<text x="32" y="4">service, through HTTP</text>'
        f'<path d="M180 0h26" stroke="{FLOOR}" stroke-width="2" stroke-dasharray="5 3"/>'
        '<text x="212" y="4">floor, PostgreSQL alone</text>'
        f'<text x="380" y="4" class="tick">{when}, commit {commit}</text></g>',
    ]


class Panel:
    """One kind: two lines over a grid of decades that all panels share."""

    def __init__(self, name: str, results: Sequence[Found], growth: goals.Growth) -> None:
        self.name = name
        self.growth = growth
        self.sizes = [found["images"] for found in results]
        self.lines = {
            side: [
                (found["images"], found["kinds"][name][side]["median"])
                for found in results
                if name in found["kinds"]
            ]
            for side in ("service", "floor")
        }
        times = [
            kind[side]["median"]
            for found in results
            for kind in found["kinds"].values()
            for side in ("service", "floor")
        ]
        self.decades = math.floor(math.log10(min(times))), math.ceil(math.log10(max(times)))
        self.span = math.log10(self.sizes[0]), math.log10(self.sizes[-1])

    def svg(self) -> str:
        """The panel's elements, from its own corner."""
        title = f'<text x="{LEFT}" y="20" class="title">{escape(self.name)}</text>'
        service = self._line(self.lines["service"], SERVICE, above=True)
        floor = self._line(self.lines["floor"], FLOOR, dashes="5 3", above=False)
        return title + self._step() + self._grid() + floor + service

    def _step(self) -> str:
        """The service's largest growth from one size to the next, and the verdict on it."""
        if self.growth.step is None:
            return ""
        colour = f' style="fill:{MISSED}"' if self.growth.word == "missed" else ""
        return (
            f'<text x="{WIDTH - RIGHT}" y="20" text-anchor="end" class="tick"{colour}>'
            f"\u00d7{self.growth.step:.2f} {self.growth.word}</text>"
        )

    def _x(self, images: int) -> float:
        first, last = self.span
        # A single size stands in the middle.
        share = (math.log10(images) - first) / (last - first) if last > first else 0.5
        return LEFT + 16 + share * (WIDTH - LEFT - RIGHT - 32)

    def _y(self, time: float) -> float:
        lowest, highest = self.decades
        share = (math.log10(time) - lowest) / max(1, highest - lowest)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    def _grid(self) -> str:
        drawn = []
        for decade in range(self.decades[0], self.decades[1] + 1):
            y = self._y(10.0**decade)
            drawn.append(
                f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="{GRID}"/>'
                f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" class="tick">'
                f"{10.0**decade:g}</text>"
            )
        for size in self.sizes:
            drawn.append(
                f'<text x="{self._x(size):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle"'
                f' class="tick">{short(size)}</text>'
            )
        return "".join(drawn)

    def _line(
        self, points: list[tuple[int, float]], colour: str, *, above: bool, dashes: str = "none"
    ) -> str:
        places = [(self._x(images), self._y(time), time) for images, time in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in places)
        marks = "".join(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6" fill="{colour}"/>'
            f'<text x="{x:.1f}" y="{y + (-7 if above else 15):.1f}" text-anchor="middle"'
            f' class="tick">{time:.3g}</text>'
            for x, y, time in places
        )
        return (
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"'
            f' stroke-dasharray="{dashes}"/>{marks}'
        )


def short(count: int) -> str:
    """A large number in few characters.

    >>> short(100_000), short(1_000_000)
    ('100 k', '1 M')
    """
    for unit, name in ((10**6, " M"), (10**3, " k")):
        if count >= unit:
            return f"{count / unit:g}{name}"
    return str(count)
