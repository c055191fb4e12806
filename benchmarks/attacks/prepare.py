"""A small corpus for the attacks, made through /v1: records, a few files, one heavy image."""

import io
import json
import random
from base64 import b64encode
from typing import Any

from PIL import Image as Picture

from benchmarks.client import Client
from benchmarks.stamp import Say

FILES = 20
HEAVY_TAGS = 1_000
NAMES = [f"attack-{number:03}" for number in range(200)]
HEAVY = "attack-heavy"


class Refused(Exception):
    """The service would not take the corpus; the text is its answer."""


def prepare(base: str, token: str, images: int, seed: int, say: Say) -> None:
    """Make what is attacked. Raises Refused."""
    client, chance = Client(base, token), random.Random(seed)
    heavy = [f"{HEAVY}-{number:04}" for number in range(HEAVY_TAGS)]
    _made(client, "/v1/images", {"filename": f"{HEAVY}.png", "tags": heavy})
    for number in range(images - FILES - 1):
        _made(client, "/v1/images", _record(chance, number))
        if number % 500 == 499:
            say(f"{number + 1} records")
    for number in range(FILES):
        file = io.BytesIO()
        Picture.new("RGB", (64, 48), (number, chance.randrange(256), 99)).save(file, "PNG")
        data = {"image_data": b64encode(file.getvalue()).decode()}
        _made(client, "/v1/upload", _record(chance, images + number) | data)
    client.close()
    say(f"{images} images, one of them with {HEAVY_TAGS} tags")


def _record(chance: random.Random, number: int) -> dict[str, Any]:
    tags = chance.sample(NAMES, chance.randrange(1, 9))
    return {
        "filename": f"attacked-{number:06}.png",
        "size": 1 + chance.randrange(1 << 20),
        "tags": tags,
    }


def _made(client: Client, path: str, body: Any) -> None:
    answer = client.ask(path, "POST", body)
    if answer.status != 201:
        raise Refused(f"{path}: {answer.status} {answer.body[:300].decode('utf-8', 'replace')}")


def heavy_image(base: str) -> dict[str, Any]:
    """Id and uuid of the image with many tags, as Atmosphere shows it. Raises Refused."""
    client = Client(base)
    answer = client.ask(f"/api/v2/image_tags?tag__name={HEAVY}-0000&page_size=1")
    client.close()
    if answer.status != 200 or not json.loads(answer.body)["results"]:
        raise Refused("There is no heavy image: run `prepare` first.")
    image: dict[str, Any] = json.loads(answer.body)["results"][0]["image"]
    return {"id": image["id"], "uuid": image["uuid"]}
