"""Clients that use all four APIs as any would, each on images and tags of its own.

So what one did to an image has an order. Other tags are everybody's, and are never deleted.
"""

import random
import threading
import time
from base64 import b64encode
from collections.abc import Callable
from typing import Any

from benchmarks.torture import files
from benchmarks.torture.asking import Asker, Request
from benchmarks.torture.doors import Doors
from benchmarks.torture.expectations import Expected
from benchmarks.torture.files import File
from benchmarks.torture.ledger import Ledger
from benchmarks.torture.service import Service
from benchmarks.torture.tagging import Tagger

PAUSE_SECONDS = 0.2
# Between one undertaking and the next: one worker has to keep up with all clients.
PACE_SECONDS = 0.1, 0.6
# How long a client tries to have one file taken.
PATIENCE_SECONDS = 180
# Below so many, a client deletes none.
FEW_IMAGES = 10


class Client:
    """One caller: its requests come one after the other."""

    def __init__(
        self,
        name: str,
        service: Service,
        ledger: Ledger,
        doors: Doors,
        shared: dict[str, int],
        seed: int,
    ) -> None:
        self.name = name
        self.doors = doors
        self.random = random.Random(f"{seed} {name}")
        self.asker = Asker(name, service, ledger)
        self.ask = self.asker.ask
        self.tagger = Tagger(self.asker, doors, shared, self.random)
        # Those that are sure to be there.
        self.images: list[Expected] = []
        self.made = 0

    def run(self, stopping: threading.Event) -> None:
        """A random mix of undertakings until told to stop; what was begun is ended."""
        mix: dict[Callable[[], object], int] = {
            self.create: 12,
            self.upload: 8,
            self.send_form: 6,
            self.tag: 56,
            self.tagger.delete_tag: 4,
            self.tagger.rename_tag: 4,
            self.delete_image: 4,
            self.trash: 4,
            self.end: 2,
        }
        while not stopping.is_set():
            self.random.choices(list(mix), list(mix.values()))[0]()
            stopping.wait(self.random.uniform(*PACE_SECONDS))

    def create(self, file: File | None = None) -> int | None:
        """A record in /v1, the PUT of its file, and the wait until it is taken; its id."""
        file, tags = file or self.file(), self.tagger.some()
        body = {"filename": file.filename, "size": len(file.body), "tags": tags}
        about = file.about(tags)
        created = self.ask(self.doors.tim("create", "POST", "/v1/images", 201, body, **about))
        if created is None:
            return None
        named: dict[str, Any] = {"filename": file.filename}

        path = f"/v1/images/{created['id']}"
        put = Request("put", "PUT", created["upload_url"], (200,), body=file.body, about=named)

        def taken() -> bool:
            if self.random.random() < 0.5:  # half the clients' own word helps
                self.ask(self.doors.tim("complete", "POST", f"{path}/complete", 200, **named))
            record = self.ask(self.doors.tim("look", "GET", path, 200, **named))
            return bool(record and record["uploaded_timestamp"])

        if self._until(lambda: self.ask(put) is not None) and self._until(taken):
            self._identify(file.filename, created["id"])
        return int(created["id"])

    def upload(self) -> int | None:
        """A one-shot upload in /v1; the id of the record."""
        file, tags = self.file(), self.tagger.some()
        data = b64encode(file.body).decode()
        body = {"filename": file.filename, "image_data": data, "tags": tags}
        about = file.about(tags)
        record = self.ask(self.doors.tim("upload", "POST", "/v1/upload", 201, body, **about))
        if record is None:
            return None
        self._identify(file.filename, record["id"])
        return int(record["id"])

    def send_form(self) -> None:
        """A file by SharinPix: announced, posted to the store as a form, claimed."""
        file, door = self.file(), self.doors.sharinpix
        body = {"album_id": self.name, "name": file.filename, "size": len(file.body)}
        where = "/api/v1/storages/any/storage_files"
        announced = self.ask(door("announce", "POST", where, 200, body, **file.about([])))
        if announced is None:
            return
        form = announced["upload_parameters"]
        named: dict[str, Any] = {"filename": file.filename}
        post = Request(
            "post", "POST", form["url"], (201,), body=file.body, form=form["fields"], about=named
        )
        told: list[str] = []

        def sent() -> bool:
            if answer := self.ask(post):
                told.append(answer)
            return bool(told)

        def claimed() -> bool:
            path, infos = f"/api/v1/storage_files/{announced['id']}", {"infos": told[0]}
            return self.ask(door("claim", "PUT", path, 200, infos, **named)) is not None

        if self._until(sent) and self._until(claimed):
            self._identify(file.filename, announced["id"])

    def tag(self) -> None:
        """Change the tags of an image, by any of the four APIs."""
        if self.images:
            self.tagger.tag(self.random.choice(self.images))

    def delete_image(self) -> None:
        """Delete an image for good; whether or not that is known to be done, leave it alone."""
        if image := self._take():
            path, name = f"/v1/images/{image.id}", image.filename
            self.ask(self.doors.tim("delete_image", "DELETE", path, 204, filename=name))

    def trash(self) -> None:
        """Put an image into SharinPix's trash, and half of them back."""
        if image := self._take():
            uuid, name, door = image.uuid, image.filename, self.doors.sharinpix
            gone = self.ask(door("trash", "DELETE", f"/api/v1/images/{uuid}", 204, filename=name))
            if gone is not None and self.random.random() < 0.5:
                path = f"/api/v1/trashed_images/{uuid}"
                if self.ask(door("restore", "DELETE", path, 200, filename=name)):
                    self.images.append(image)

    def end(self) -> None:
        """End an image by Atmosphere, and leave it so."""
        if image := self._take():
            path, body = f"/api/v2/images/{image.id}", {"end_date": "2020-01-01T00:00:00Z"}
            request = self.doors.atmosphere(
                "end", "PATCH", path, 200, body, filename=image.filename
            )
            self.ask(request)

    def file(self) -> File:
        """The next picture."""
        self.made += 1
        return files.noise(f"{self.name}-{self.made}", self.random)

    def _identify(self, filename: str, id: int | str) -> None:
        """Get to know the id that other APIs give an image; from now on it is used."""
        door, path = self.doors.atmosphere, f"/api/v2/images/{id}"
        if self.ask(door("identify", "GET", path, 200, filename=filename)):
            self.images.append(self.asker.expected.files[filename])

    def _take(self) -> Expected | None:
        """An image that is nobody's choice any more; None where there are few."""
        if len(self.images) <= FEW_IMAGES:
            return None
        return self.images.pop(self.random.randrange(len(self.images)))

    def _until(self, done: Callable[[], bool]) -> bool:
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            if done():
                return True
            time.sleep(PAUSE_SECONDS)
        return False
