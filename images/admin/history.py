"""What happened to the tags of an image, in words, newest first."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from images.models import Image
from taggedimages.changes import taking_back
from taggedimages.changes.models import Change
from tags import history
from tags.models import TagChange

LINES = 25
# The ways in, by what signs with them.
DOORS = {
    "admin": "in the admin",
    "v1": "over /v1",
    "atmosphere": "over the Atmosphere API",
    "sharinpix": "over the SharinPix API",
    "ims": "over the IMS API",
    "sql": "in the database itself",
}
COMMAND = "command:"


@dataclass(frozen=True)
class Line:
    """One line of the ledger: what was done, in words around the tag's name of then."""

    id: int
    verb: str
    tag: str
    more: str
    # Whether the link is as the line left it, so that it can be taken back.
    is_as_left: bool


@dataclass(frozen=True)
class Event:
    """What one change did to the image: lines of one author at one time."""

    at: Any
    who: str
    door: str
    # The number of the change, where whoever looks is shown it.
    change: int | None
    # Whether it was a part of a change of many images that is not shown.
    is_part: bool
    lines: list[Line] = field(default_factory=list)


@dataclass(frozen=True)
class Page:
    """Some of the events, and the id of a line before which there are more."""

    events: list[Event]
    older: int | None


def page(
    image: Image, held: Mapping[int, str], changes: QuerySet[Change], before: int | None = None
) -> Page:
    """The newest LINES lines of an image's history, or of those before a line. One statement.

    `held` has the values of the image's tags by their ids; `changes` are those that are shown to
    whoever looks.
    """
    lines: Any = history.of_image(image.pk)
    if before is not None:
        lines = lines.filter(pk__lt=before)
    shown = Exists(changes.filter(pk=OuterRef("bulk")))
    found = list(lines.annotate(is_shown=shown)[: LINES + 1])
    older = found[LINES - 1].pk if len(found) > LINES else None
    grouped = groupby(found[:LINES], lambda line: line.change_id)
    return Page([_event(list(lines), held) for _, lines in grouped], older)


def _event(lines: list[Any], held: Mapping[int, str]) -> Event:
    first = lines[0]
    return Event(
        at=first.changed_at,
        who=first.user_name or "somebody unnamed",
        door=_door(first.through),
        change=first.bulk if first.is_shown else None,
        is_part=first.bulk is not None and not first.is_shown,
        lines=[_line(line, held) for line in lines],
    )


def _door(through: str) -> str:
    if through.startswith(COMMAND):
        return f"by the command {through.removeprefix(COMMAND)}"
    return DOORS.get(through, f"through {through}")


def _line(line: TagChange, held: Mapping[int, str]) -> Line:
    verb, more = _said(line.old_value, line.new_value)
    return Line(line.pk, verb, line.shown_name, more, taking_back.is_as_left(line, held))


def _said(old: str | None, new: str | None) -> tuple[str, str]:
    """What was done, before and after the name of the tag."""
    if old is None:
        return "Added", f"with the value {new}" if new else ""
    if new is None:
        return "Removed", f"which had the value {old}" if old else ""
    if not new:
        return "Took the value off", f"which was {old}"
    return "Set the value of", f"to {new}" + (f"; it was {old}" if old else "")
