"""What is known of an image and its file, as the admin shows it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils import timezone

from images.admin.picture import upright
from images.models import Facts, Image

TIMES = "\N{MULTIPLICATION SIGN}"


class State(NamedTuple):
    """One thing that is so with an image: a word, why or since when, and how grave it is as a class
    of workplace.css."""

    word: str
    words: str
    kind: str


def states_of(image: Image) -> list[State]:
    """How far the file has come, and whether the image is shown to anybody, now and later."""
    now = timezone.now()
    states = [_state_of_file(image)]
    if image.trashed_at:
        gone = image.trashed_at + timedelta(seconds=settings.TRASH_SECONDS)
        words = f"since {_time(image.trashed_at)}; deleted for good after {_time(gone)}"
        states.append(State("In the trash", words, "bad"))
    elif image.ended_at and image.ended_at <= now:
        words = f"since {_time(image.ended_at)}: no API shows it any more"
        states.append(State("Ended", words, "bad"))
    elif image.ended_at:
        states.append(State("Ends", _time(image.ended_at), "warn"))
    if image.created_at > now:
        states.append(State("Not begun", f"shown from {_time(image.created_at)} on", "warn"))
    return states


def is_over(image: Image) -> bool:
    """Whether an image has ended or is in the trash: it is not tagged."""
    return image.ended_at is not None and image.ended_at <= timezone.now()


def is_restorable(image: Image) -> bool:
    """Whether an image can be brought back, as images.querysets.ImageQuerySet.restorable has it."""
    was_claimed = image.trashed_at is None or image.trashed_at != image.created_at
    return is_over(image) and was_claimed and image.deleted_at is None


def _state_of_file(image: Image) -> State:
    if image.state == "failed":
        return State("Failed", image.reason, "bad")
    if image.state == "pending":
        words = f"for its file since {_time(image.created_at)}"
        return State("Waiting", words, "warn")
    if image.state == "uploaded":
        tried = f", begun {image.attempts} times" if image.attempts else ""
        return State("Arrived", f"to be inspected by the worker{tried}", "warn")
    return State("Ready", "", "good")


def facts_of(image: Image) -> list[tuple[str, str]]:
    """Names and values; what is not known has no line."""
    facts = image.known_facts
    lines = [("Size", f"{filesizeformat(image.size)} ({image.size:,} bytes)")]
    if facts is not None:
        lines += _of_file(facts)
    lines += [
        ("Arrived", _time(image.uploaded_at) if image.uploaded_at else ""),
        ("Id", str(image.pk)),
        ("UUID", str(image.uuid)),
        ("Shown to", str(image.get_visibility_display())),
    ]
    return [(name, value) for name, value in lines if value]


def _of_file(facts: Facts) -> list[tuple[str, str]]:
    pixels = _pixels(facts.width, facts.height) if facts.width and facts.height else ""
    if pixels and facts.orientation != 1:
        turned = _pixels(*upright(facts))
        pixels += f" as stored (orientation {facts.orientation}), {turned} upright"
    has_place = facts.latitude is not None and facts.longitude is not None
    return [
        ("Format", f"{facts.format.upper()} ({facts.media_type})" if facts.format else ""),
        ("Pixels", pixels),
        ("Colour", facts.color),
        ("Taken", _time(facts.taken_at) if facts.taken_at else ""),
        ("Place", f"{facts.latitude:.5f}, {facts.longitude:.5f}" if has_place else ""),
        ("SHA-256", facts.sha256_hex or ""),
    ]


def _pixels(width: int, height: int) -> str:
    return f"{width:,} {TIMES} {height:,}"


def tables_of(image: Image) -> list[tuple[str, list[tuple[str, str]]]]:
    """The headers of the file, by what they are, as rows of name and text."""
    facts = image.known_facts
    if facts is None:
        return []
    headers = (("EXIF", facts.exif), ("DICOM", facts.dicom))
    return [(name, _rows(given)) for name, given in headers if given]


def _rows(given: Any) -> list[tuple[str, str]]:
    return [(str(name), _text(value)) for name, value in sorted(given.items())]


def _text(value: Any) -> str:
    """A value of a header on one line: JSON of any depth."""
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_text(inner)}" for name, inner in value.items())
    return "" if value is None else str(value)


def _time(at: datetime) -> str:
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M}"
