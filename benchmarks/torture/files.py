"""Pictures that no two clients have in common."""

import hashlib
import io
import random
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from PIL import Image as Picture


@dataclass
class File:
    """A valid picture whose name and bytes no other has."""

    filename: str
    body: bytes

    @cached_property
    def sha256(self) -> str:
        """Of its bytes, in hexadecimal digits."""
        return hashlib.sha256(self.body).hexdigest()

    def about(self, tags: list[str]) -> dict[str, Any]:
        """What the ledger keeps of it when it is announced or sent."""
        size, filename = len(self.body), self.filename
        return {"filename": filename, "size": size, "sha256": self.sha256, "tags": tags}


def noise(name: str, chance: random.Random) -> File:
    """A small PNG or JPEG of noise."""
    size = chance.randint(8, 160), chance.randint(8, 160)
    picture = Picture.frombytes("RGB", size, chance.randbytes(size[0] * size[1] * 3))
    kind = chance.choice(["png", "jpeg"])
    return File(f"{name}.{kind}", _saved(picture, kind))


def slow(name: str, chance: random.Random) -> File:
    """A JPEG of few bytes and so many pixels that its inspection can be met under way."""
    size = chance.randint(5_000, 6_000), chance.randint(5_000, 6_000)
    picture = Picture.linear_gradient("L").convert("RGB").resize(size)
    return File(f"{name}.jpeg", _saved(picture, "jpeg"))


def _saved(picture: Picture.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind)
    return buffer.getvalue()
