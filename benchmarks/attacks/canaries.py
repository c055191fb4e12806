"""Images that strangers must not learn of: made, seen by their owner, and removed again."""

import hashlib
import io
import json
from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any

from PIL import Image as Picture

from benchmarks.attacks.credentials import Caller
from benchmarks.attacks.prepare import NAMES, Refused
from benchmarks.client import Client

MANY = 50
# So many of them have a file, with a checksum and a look.
FILES = 5


@dataclass
class Canaries:
    """All that gives them away begins with a word of this run."""

    word: str
    ids: list[int] = field(default_factory=list)
    uuids: list[str] = field(default_factory=list)

    def tag(self, number: int) -> str:
        """One of ten, which no other image has."""
        return f"{self.word}-tag-{number % 10}"

    def picture(self, number: int) -> bytes:
        """The bytes of a file."""
        file, colour = io.BytesIO(), hashlib.sha256(f"{self.word}{number}".encode()).digest()
        Picture.new("RGB", (97, 61), (colour[0], colour[1], colour[2])).save(file, "PNG")
        return file.getvalue()

    def checksums(self) -> list[str]:
        """Of their files."""
        return [hashlib.sha256(self.picture(number)).hexdigest() for number in range(FILES)]


def plant(base: str, owner: Caller, canaries: Canaries, visibility: str) -> None:
    """Make them, not to be seen by all from the first (where /v1 takes `visibility`)."""
    client = Client(base, owner.token)
    for number in range(MANY):
        body: dict[str, Any] = {
            "filename": f"{canaries.word}-{number:02}.png",
            "tags": [canaries.tag(number), NAMES[number % 3]],
            "visibility": visibility,
        }
        if number < FILES:
            data = b64encode(canaries.picture(number)).decode()
            made = _json(client, "/v1/upload", "POST", body | {"image_data": data}, 201)
        else:
            made = _json(client, "/v1/images", "POST", body | {"size": 777_000 + number}, 201)
        canaries.ids.append(made["id"])
        _describe(base, owner, canaries, made["id"], visibility)
    client.close()


def _describe(base: str, owner: Caller, canaries: Canaries, id: int, visibility: str) -> None:
    """Words about it, through Atmosphere, which also hides it where /v1 did not."""
    client = Client(base)
    client.headers = owner.headers()["atmosphere"]
    change: dict[str, Any] = {"description": f"{canaries.word} described"}
    if visibility == "private":
        change["private"] = True
    image = _json(client, f"/api/v2/images/{id}", "PATCH", change, 200)
    client.close()
    if image["private"] == (visibility == "public"):
        raise Refused(f"image {id} is not {visibility}: {image}")
    canaries.uuids.append(image["uuid"])


def seen_by_owner(base: str, owner: Caller, canaries: Canaries) -> dict[str, int]:
    """How many of them each API shows to their owner: all of them, everywhere."""
    found, told = {}, owner.headers()
    word, project = canaries.word, owner.project
    one = Client(base)
    one.headers = told["v1"]
    found["v1"] = _json(one, f"/v1/images?filename={word}&limit=1")["meta"]["total_results"]
    by_tag = f"/v1/search/images?match_tags={word}-tag-%25&limit=1"
    found["v1 by tags"] = _json(one, by_tag)["meta"]["total_results"]
    one.headers = told["atmosphere"]
    found["atmosphere"] = _json(one, f"/api/v2/images?search={word}&page_size=1")["count"]
    one.headers = told["sharinpix"]
    found["sharinpix"] = len(_json(one, f"/api/v1/search?q={word}"))
    one.headers = told["ims"]
    named = {"action": "count", "matches": [{"key": "resource_name", "value": word}]}
    action = f"/v2/{project}/images/resource_instances/action"
    found["ims"] = _json(one, action, "POST", named, 200)["total_count"]
    one.close()
    return found


def remove(base: str, owner: Caller, canaries: Canaries) -> None:
    """Delete them, and what tags only they had."""
    client = Client(base, owner.token)
    for each in canaries.ids:
        client.ask(f"/v1/images/{each}", "DELETE")
    for number in range(10):
        tag = client.ask("/v1/tags", "POST", {"name": canaries.tag(number)})
        if tag.status == 201:
            client.ask(f"/v1/tags/{tag.json()['id']}", "DELETE")
    client.close()


def _json(client: Client, path: str, method: str = "GET", body: Any = None, good: int = 200) -> Any:
    answer = client.ask(path, method, body)
    if answer.status != good:
        raise Refused(f"{method} {path}: {answer.status} {answer.body[:300]!r}")
    return json.loads(answer.body)
