"""Callers who only read while hosts die: how many of their reads fail, and when."""

import hashlib
import random
import threading
import time
from dataclasses import dataclass
from typing import NamedTuple

import requests

from benchmarks.torture import files
from benchmarks.torture.clients import Client
from benchmarks.torture.files import File
from benchmarks.torture.tagging import SHARED

FILES = 12
PAUSE_SECONDS = 0.05
# A reader's patience with one read.
TIMEOUT_SECONDS = 10


class Read(NamedTuple):
    """One read: when it began, how long it took, and why it failed ("" if not)."""

    what: str
    at: float
    seconds: float
    failure: str


@dataclass
class Own:
    """A file that nobody else changes, and its record's id."""

    id: int
    file: File


class Reader(threading.Thread):
    """Reads pages, searches, records and files, one after the other, until told to stop."""

    def __init__(self, writer: Client) -> None:
        super().__init__(daemon=True)
        self.writer, self.url = writer, writer.asker.service.url
        self.headers = writer.doors.tim.headers
        self.random = random.Random(writer.name)
        self.own: list[Own] = []
        self.reads: list[Read] = []
        self.stopping = threading.Event()

    def prepare(self) -> None:
        """Send the files that will be read."""
        while len(self.own) < FILES:
            file = files.noise(f"{self.writer.name}-{len(self.own)}", self.random)
            if made := self.writer.create(file):
                self.own.append(Own(made, file))

    def run(self) -> None:
        while not self.stopping.wait(PAUSE_SECONDS):
            own = self.random.choice(self.own)
            self._read("page", f"{self.url}/v1/images?limit=20")
            tag = self.random.choice(SHARED)
            self._read("search", f"{self.url}/v1/search/images?exact_tags={tag}")
            record = self._read("record", f"{self.url}/v1/images/{own.id}")
            if record is not None and (url := record.json()["url"]):
                self._read("file", url, own.file.sha256)

    def _read(self, what: str, url: str, sha256: str = "") -> requests.Response | None:
        """The answer, unless it failed: by its status, by its bytes or by none."""
        began = time.monotonic()
        answer, failure = None, ""
        # A link is its own permission, and is refused with another beside it.
        headers = {} if sha256 else self.headers
        try:
            # Without a session: each read may come to any host.
            answer = requests.get(url, headers=headers, timeout=TIMEOUT_SECONDS)
            if not answer.ok:
                failure = str(answer.status_code)
            elif sha256 and hashlib.sha256(answer.content).hexdigest() != sha256:
                failure = "other bytes"
        except requests.RequestException as error:
            failure = type(error).__name__
        self.reads.append(Read(what, began, time.monotonic() - began, failure))
        return None if failure else answer
