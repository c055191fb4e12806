"""Generated pictures with tags that describe them, for demonstrations."""

import io
import random
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image, ImageDraw

COLOURS = {
    "red": "#d32f2f",
    "orange": "#f57c00",
    "yellow": "#fbc02d",
    "green": "#388e3c",
    "teal": "#00897b",
    "blue": "#1976d2",
    "purple": "#7b1fa2",
    "pink": "#d81b60",
    "brown": "#6d4c41",
    "grey": "#607d8b",
}
SHAPES = ("circle", "square", "triangle", "stripes", "grid", "rings")
SKIES = {"day": "#e3f2fd", "sunset": "#ffe0b2", "night": "#1a237e"}
SUBJECTS = ("knee", "chest", "hand", "beach", "harbour", "forest", "street", "portrait")
SIZE = 320


@dataclass(frozen=True)
class Picture:
    """A file and what it shows."""

    filename: str
    body: bytes
    tags: list[str]


def generate(count: int, seed: int) -> Iterator[Picture]:
    """That many pictures, the same for the same seed."""
    rng = random.Random(seed)  # noqa: S311  repeatable on purpose
    for number in range(1, count + 1):
        yield _picture(rng, number)


def _picture(rng: random.Random, number: int) -> Picture:
    sky, shape = rng.choice(list(SKIES)), rng.choice(SHAPES)
    colours = rng.sample(list(COLOURS), 2)
    subject = rng.choice(SUBJECTS)
    canvas = Image.new("RGB", (SIZE, SIZE * 3 // 4), SKIES[sky])
    for colour in colours:
        _draw(rng, canvas, shape, COLOURS[colour])
    jpeg = rng.random() < 0.5
    buffer = io.BytesIO()
    canvas.save(buffer, "JPEG" if jpeg else "PNG")
    tags = [subject, shape, sky, *colours, "large" if rng.random() < 0.3 else "small"]
    if rng.random() < 0.2:
        tags.append("reviewed")
    filename = f"{subject}-{shape}-{number:04}.{'jpg' if jpeg else 'png'}"
    return Picture(filename, buffer.getvalue(), tags)


def _draw(rng: random.Random, canvas: Image.Image, shape: str, colour: str) -> None:
    draw = ImageDraw.Draw(canvas)
    x, y, r = rng.randrange(60, 260), rng.randrange(50, 190), rng.randrange(30, 80)
    box = (x - r, y - r, x + r, y + r)
    if shape == "circle":
        draw.ellipse(box, fill=colour)
    elif shape == "square":
        draw.rectangle(box, fill=colour)
    elif shape == "triangle":
        draw.polygon([(x, y - r), (x - r, y + r), (x + r, y + r)], fill=colour)
    elif shape == "stripes":
        for left in range(x % 40, SIZE, 40):
            draw.rectangle((left, 0, left + 14, SIZE), fill=colour)
    elif shape == "grid":
        for at in range(x % 32, SIZE, 32):
            draw.line((at, 0, at, SIZE), fill=colour, width=3)
            draw.line((0, at, SIZE, at), fill=colour, width=3)
    else:
        for radius in range(r, 5, -14):
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), outline=colour, width=5)
