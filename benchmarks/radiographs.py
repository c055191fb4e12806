"""Pictures that look like radiographs, with tags that describe them, for screenshots."""

import io
import math
import random
from collections.abc import Callable, Iterator

from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter

from taggedimages.pictures import Picture

SIZE = 360
BONE, SOFT = 215, 95
SIDES = ("left", "right")
FINDINGS = ("fracture", "implant", "osteoarthritis", "effusion")

Canvas = ImageDraw.ImageDraw


def generate(count: int, seed: int) -> Iterator[Picture]:
    """That many pictures, the same for the same seed."""
    rng = random.Random(seed)
    for number in range(1, count + 1):
        yield _picture(rng, number)


def _picture(rng: random.Random, number: int) -> Picture:
    part, side = rng.choice(list(PARTS)), rng.choice(SIDES)
    tags = ["radiograph", part]
    tags += [side] if part != "chest" else []
    tags += [rng.choice(FINDINGS)] if rng.random() < 0.3 else ["normal"]
    tags += ["reviewed"] if rng.random() < 0.3 else []
    soft, bones = _layer(), _layer()
    PARTS[part](ImageDraw.Draw(soft), ImageDraw.Draw(bones), rng)
    body = ImageChops.lighter(
        soft.filter(ImageFilter.GaussianBlur(10)), bones.filter(ImageFilter.GaussianBlur(3))
    )
    noise = Image.frombytes("L", (SIZE, SIZE), rng.randbytes(SIZE * SIZE))
    canvas = ImageChops.add(body, noise.point([116 + value // 10 for value in range(256)]), 1, -128)
    turned = _exposed(canvas, rng)
    if side == "left":
        turned = turned.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if part != "chest":
        ImageDraw.Draw(turned).text((14, 12), side[0].upper(), fill=235, font_size=34)
    if "implant" in tags:
        _draw_implant(ImageDraw.Draw(turned), rng)
    buffer = io.BytesIO()
    turned.save(buffer, "JPEG", quality=82)
    return Picture(f"{part}-{number:04}.jpg", buffer.getvalue(), tags)


def _exposed(canvas: Image.Image, rng: random.Random) -> Image.Image:
    """Not quite straight, nor in the middle, nor as bright as the others."""
    room = rng.randrange(45)
    left, top = rng.randrange(room + 1), rng.randrange(room + 1)
    box = (left, top, left + SIZE - room, top + SIZE - room)
    turned = canvas.rotate(rng.uniform(-9, 9), resample=Image.Resampling.BICUBIC)
    shown = turned.crop(box).resize((SIZE, SIZE))
    bright = ImageEnhance.Brightness(shown).enhance(rng.uniform(0.7, 1.25))
    return ImageEnhance.Contrast(bright).enhance(rng.uniform(0.8, 1.2))


def _layer() -> Image.Image:
    return Image.new("L", (SIZE, SIZE), 12)


def _draw_implant(draw: Canvas, rng: random.Random) -> None:
    x, y = rng.randrange(150, 200), rng.randrange(120, 170)
    draw.rounded_rectangle((x, y, x + 14, y + 110), 6, fill=255)
    for at in range(y + 12, y + 105, 24):
        draw.line((x - 18, at, x + 32, at + 4), fill=255, width=5)


def _draw_knee(soft: Canvas, bones: Canvas, rng: random.Random) -> None:
    gap = rng.randrange(4, 12)
    soft.rounded_rectangle((95, -20, 265, 380), 60, fill=SOFT)
    bones.polygon([(145, -5), (215, -5), (222, 120), (138, 120)], fill=BONE - 40)
    bones.ellipse((118, 95, 186, 178 - gap), fill=BONE)
    bones.ellipse((176, 95, 244, 178 - gap), fill=BONE)
    bones.rounded_rectangle((116, 180, 246, 222), 18, fill=BONE)
    bones.polygon([(140, 215), (222, 215), (208, 370), (156, 370)], fill=BONE - 40)
    bones.polygon([(238, 225), (256, 225), (250, 370), (236, 370)], fill=BONE - 65)
    bones.ellipse((150, 70, 212, 135), fill=BONE + 20)


def _draw_hand(soft: Canvas, bones: Canvas, rng: random.Random) -> None:
    spread = rng.uniform(0.75, 1.1)
    soft.rounded_rectangle((120, 190, 250, 390), 50, fill=SOFT)
    for number, length in enumerate((70, 115, 130, 118, 92)):
        angle = math.radians(-152 + number * 25 * spread)
        x, y = 135.0 + number * 24, 215.0
        for piece in range(3):
            tip = x + math.cos(angle) * length / 2.4, y + math.sin(angle) * length / 2.4
            soft.line((x, y, *tip), fill=SOFT, width=34)
            bones.line((x, y, *tip), fill=BONE - 15 * piece, width=15 - 3 * piece)
            x, y = tip[0] + math.cos(angle) * 5, tip[1] + math.sin(angle) * 5
    for number in range(5):
        bones.line((145 + number * 21, 300, 138 + number * 23, 228), fill=BONE - 20, width=15)
    for at in range(8):
        x, y = 148 + at % 4 * 26, 300 + at // 4 * 22
        bones.ellipse((x - 12, y - 11, x + 12, y + 11), fill=BONE - 25)
    bones.rectangle((148, 335, 190, 370), fill=BONE - 30)
    bones.rectangle((204, 335, 232, 370), fill=BONE - 45)


def _draw_chest(soft: Canvas, bones: Canvas, rng: random.Random) -> None:
    soft.rounded_rectangle((20, 10, 340, 400), 90, fill=130)
    for left, right in ((52, 164), (196, 308)):
        soft.ellipse((left, 55, right, 285), fill=28)
    soft.ellipse((150, 150, 262, 285), fill=150 + rng.randrange(30))
    soft.rectangle((20, 275, 340, 400), fill=160)
    bones.rectangle((168, 10, 192, 350), fill=140)
    for number in range(8):
        y, width = 62 + number * 27, 2 + rng.randrange(3)
        for box in ((40, y - 45, 180, y + 40), (180, y - 45, 320, y + 40)):
            bones.arc(box, 10, 170, fill=118, width=5 + width)
    bones.line((60, 62, 165, 42), fill=170, width=9)
    bones.line((300, 62, 195, 42), fill=170, width=9)


PARTS: dict[str, Callable[[Canvas, Canvas, random.Random], None]] = {
    "knee": _draw_knee,
    "hand": _draw_hand,
    "chest": _draw_chest,
}
