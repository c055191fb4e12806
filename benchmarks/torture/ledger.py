"""What clients asked for and what they were told, kept so that it outlives whatever dies.

A line is on the disk before a request is sent (`intent`), and another after its answer: `ok`,
`refused` (an answer that this request may have, and nothing was done), `unknown` (503, reset: done
or not) or `unexpected` (an answer that this request may not have).
"""

import json
import os
import threading
import time
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
    # None where it never ended.
    seconds: float | None = None


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
        self._file.write(json.dumps(line | {"at": time.time()}) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def read(path: Path) -> list[Entry]:
    """The entries of a ledger in the order of their intents."""
    entries: dict[int, Entry] = {}
    began: dict[int, float] = {}
    for text in path.read_text().splitlines():
        line = json.loads(text)
        number, event, said = line["number"], line["event"], line["said"]
        if event == "intent":
            entries[number] = Entry(number, line["op"], said)
            began[number] = line["at"]
        else:
            entry = entries[number]
            entry.outcome, entry.told = event, said
            entry.seconds = line["at"] - began[number]
    return [entries[number] for number in sorted(entries)]


def unexpected(entries: list[Entry]) -> list[str]:
    """Every answer that its request may not have, as a line."""
    return [
        f"answer {entry.number}: {entry.op} {entry.asked}: {entry.told}"
        for entry in entries
        if entry.outcome == "unexpected"
    ]
