"""What came of a look, for people and for programs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """What one check found of one thing: whether it is as it should be, what it is in words, and
    what to do where it is not. `details` are for programs."""

    check: str
    ok: bool
    says: str
    do: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    def told(self) -> dict[str, Any]:
        """All of it, in JSON."""
        said = {"check": self.check, "ok": self.ok, "says": self.says, "do": self.do}
        return self.details | said

    def line(self) -> str:
        """All of it but the details, on a line."""
        return " ".join(filter(None, [f"{self.check}: {self.says}", "" if self.ok else self.do]))


# Looks at all of its kind; at every byte, where it is told to.
Check = Callable[[bool], Iterator[Outcome]]


def counted(counts: dict[str, int]) -> str:
    """Counts by name as a text: `3 lost, 1 resized`."""
    return ", ".join(f"{count:,} {name}" for name, count in counts.items())
