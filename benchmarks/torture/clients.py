"""Clients that use /v1 as any would, and write down every request before and after.

Each owns its images and some tags, so that what it did to one of them has an order; other tags
are everybody's, and never deleted.
"""

import hashlib
import io
import random
import threading
import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import requests
from PIL import Image as Picture

from benchmarks.torture.ledger import Ledger
from benchmarks.torture.service import Service

TIMEOUT = (3, 20)
PAUSE_SECONDS = 0.2
# Between one undertaking and the next: one worker has to keep up with all clients.
PACE_SECONDS = 0.5, 2.0
# How long a client tries to have one file taken.
PATIENCE_SECONDS = 180
SHARED = [f"shared-{number}" for number in range(8)]
# Below so many, a client deletes none.
FEW_IMAGES = 10


@dataclass
class File:
    """A valid picture whose name and bytes no other has."""

    filename: str
    body: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.body).hexdigest()


class Client:
    """One caller: its requests come one after the other."""

    def __init__(self, name: str, service: Service, ledger: Ledger, seed: int) -> None:
        self.name = name
        self.service = service
        self.ledger = ledger
        self.random = random.Random(f"{seed} {name}")
        self.session = requests.Session()
        self.session.trust_env = False
        self.own_tags = [f"{name}-{number}" for number in range(4)]
        # Ids of images that are sure to be there.
        self.images: list[int] = []
        self.made = 0

    def run(self, stopping: threading.Event) -> None:
        """A random mix of requests until told to stop; what was begun is ended."""
        mix: dict[Callable[[], object], int] = {
            self.create: 35,
            self.upload: 20,
            self.retag: 30,
            self.delete_image: 10,
            self.delete_tag: 5,
        }
        while not stopping.is_set():
            self.random.choices(list(mix), list(mix.values()))[0]()
            stopping.wait(self.random.uniform(*PACE_SECONDS))

    def create(self) -> None:
        """A record, the PUT of its file, and the wait until the file is taken."""
        file, tags = self.file(), self.some_tags()
        body = {"filename": file.filename, "size": len(file.body), "tags": tags}
        created = self.ask("create", "POST", "/v1/images", 201, body, **self.about(file, tags))
        if created is None:
            return
        until = time.monotonic() + PATIENCE_SECONDS
        sent = False
        while time.monotonic() < until:
            sent = sent or self.put(created["upload_url"], file)
            if sent and self.was_taken(created["id"], file):
                self.images.append(created["id"])
                return
            time.sleep(PAUSE_SECONDS)

    def upload(self) -> int | None:
        """A one-shot upload; the id of the record."""
        file, tags = self.file(), self.some_tags()
        data = b64encode(file.body).decode()
        body = {"filename": file.filename, "image_data": data, "tags": tags}
        record = self.ask("upload", "POST", "/v1/upload", 201, body, **self.about(file, tags))
        if record is None:
            return None
        self.images.append(record["id"])
        return int(record["id"])

    def retag(self) -> None:
        """Replace the tags of an image."""
        if not self.images:
            return
        image, tags = self.random.choice(self.images), self.some_tags()
        self.ask("retag", "PUT", f"/v1/images/{image}", 200, {"tags": tags}, id=image, tags=tags)

    def delete_image(self) -> None:
        """Delete an image; whether or not that is known to be done, leave it alone then."""
        if len(self.images) > FEW_IMAGES:
            image = self.images.pop(self.random.randrange(len(self.images)))
            self.ask("delete_image", "DELETE", f"/v1/images/{image}", 204, id=image)

    def delete_tag(self) -> None:
        """Delete a tag of one's own from all images."""
        name = self.random.choice(self.own_tags)
        tag = self.ask("find_tag", "POST", "/v1/tags", 201, {"name": name}, name=name)
        if tag:
            about = {"id": tag["id"], "name": name}
            self.ask("delete_tag", "DELETE", f"/v1/tags/{tag['id']}", 204, **about)

    def put(self, url: str, file: File) -> bool:
        """Send a file straight to the store."""
        return self.ask("put", "PUT", url, 200, file.body, filename=file.filename) is not None

    def was_taken(self, id: int, file: File) -> bool:
        """Whether the record says that its file is there; half the clients' own word helps."""
        if self.random.random() < 0.5:
            self.ask("complete", "POST", f"/v1/images/{id}/complete", 200, filename=file.filename)
        record = self.ask("look", "GET", f"/v1/images/{id}", 200, filename=file.filename)
        return bool(record and record["uploaded_timestamp"])

    def ask(
        self, op: str, method: str, where: str, good: int, body: Any = None, **about: Any
    ) -> dict[str, Any] | None:
        """One request, in the ledger before and after; the answer if it is the good one."""
        sent: dict[str, Any] = {"data" if isinstance(body, bytes) else "json": body}
        url = where if where.startswith("http") else self.service.url + where
        number = self.ledger.intend(op, client=self.name, **about)
        try:
            answer = self.session.request(method, url, timeout=TIMEOUT, **sent)
            known = (
                answer.json() if answer.status_code == good and op != "put" and good != 204 else {}
            )
        except requests.RequestException as error:
            self.ledger.conclude(number, "unknown", error=type(error).__name__)
            time.sleep(PAUSE_SECONDS)
            return None
        if answer.status_code == good:
            told = {key: known[key] for key in ("id", "url", "uploaded_timestamp") if key in known}
            self.ledger.conclude(number, "ok", status=good, **told)
            return known
        outcome = "unknown" if answer.status_code >= 500 else "refused"
        self.ledger.conclude(number, outcome, status=answer.status_code, body=answer.text[:300])
        time.sleep(PAUSE_SECONDS)
        return None

    def about(self, file: File, tags: list[str]) -> dict[str, Any]:
        """What the ledger keeps of a file that is announced or sent."""
        size, filename = len(file.body), file.filename
        return {"filename": filename, "size": size, "sha256": file.sha256, "tags": tags}

    def some_tags(self) -> list[str]:
        return self.random.sample([*SHARED, *self.own_tags], self.random.randint(0, 4))

    def file(self) -> File:
        """A PNG or JPEG of noise."""
        self.made += 1
        size = self.random.randint(8, 160), self.random.randint(8, 160)
        picture = Picture.frombytes("RGB", size, self.random.randbytes(size[0] * size[1] * 3))
        kind = self.random.choice(["png", "jpeg"])
        buffer = io.BytesIO()
        picture.save(buffer, kind)
        return File(f"{self.name}-{self.made}.{kind}", buffer.getvalue())
