"""What clients asked for and what they were told, kept so that it outlives whatever dies.

A line is on the disk before a request is sent (`intent`), and another after its answer: `ok`,
`refused` (4xx: nothing was done), or `unknown` (5xx, time-out, reset: done or not).
"""

import json
import os
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Entry:
    """One request: what was asked, how it ended, and what of the answer is worth knowing."""

    number: int
    op: str
    asked: dict[str, Any]
    outcome: str = "unknown"
    told: dict[str, Any] = field(default_factory=dict)


class Ledger:
    """The file, written by all clients of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("a")
        self._lock = threading.Lock()
        self._number = 0

    def intend(self, op: str, **asked: Any) -> int:
        """Note what is about to be sent; returns the number of the entry."""
        with self._lock:
            self._number += 1
            self._write({"number": self._number, "event": "intent", "op": op, "said": asked})
            return self._number

    def conclude(self, number: int, outcome: str, **told: Any) -> None:
        """Note how it ended."""
        with self._lock:
            self._write({"number": number, "event": outcome, "said": told})

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def read(path: Path) -> list[Entry]:
    """The entries of a ledger in the order of their intents."""
    entries: dict[int, Entry] = {}
    for text in path.read_text().splitlines():
        line = json.loads(text)
        number, event, said = line["number"], line["event"], line["said"]
        if event == "intent":
            entries[number] = Entry(number, line["op"], said)
        else:
            entries[number].outcome, entries[number].told = event, said
    return [entries[number] for number in sorted(entries)]
