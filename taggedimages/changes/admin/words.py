"""What a change is, does and has come to, in words."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from django.conf import settings

from taggedimages.changes.admin import conditions
from taggedimages.changes.models import Change, Kind, Outcome, State
from taggedimages.changes.operations import Operation, TagRef
from taggedimages.identity.authors import ADMIN

# Of a line of the list.
MOST_CHARACTERS = 160

STATES = {
    State.PLANNING: "The plan is being made. Nothing has been changed.",
    State.PLANNED: "Nothing has been changed yet.",
    State.APPLYING: "Image after image is changed now.",
    State.APPLIED: "It is done.",
    State.STOPPED: "What is done stays until it is undone.",
    State.FAILED: "It did not come to its end. What is done stays until it is undone.",
    State.EXPIRED: "Nobody applied the plan in time. Nothing was changed.",
    State.DISCARDED: "Nothing was changed.",
}
# Of the badge that shows a state.
BADGES = {
    State.APPLIED: "good",
    State.STOPPED: "warn",
    State.FAILED: "bad",
    State.EXPIRED: "warn",
}
# What a plan counts besides its images.
NUMBERS = {
    "links_added": ("1 tag is given", "{} tags are given"),
    "links_removed": ("1 tag is taken away", "{} tags are taken away"),
    "values_changed": ("1 value becomes another", "{} values become others"),
    "values_dropped": ("1 value gives way to another", "{} values give way to others"),
    "records_changed": ("1 image is changed", "{} images are changed"),
    "already": (
        "1 image is so already and stays as it is",
        "{} images are so already and stay as they are",
    ),
    "forbidden": (
        "1 image was found besides that may not be changed so",
        "{} images were found besides that may not be changed so",
    ),
}
# What became of images; after a number of them.
OUTCOMES = {
    Outcome.CHANGED: "changed",
    Outcome.ALREADY: "left alone: they were so already",
    Outcome.CHANGED_SINCE: "left alone: somebody else changed them since",
    Outcome.GONE: "left alone: deleted meanwhile, or hidden from whoever proposed it",
    Outcome.FORBIDDEN: "left alone: not to be changed so by whoever proposed it",
    Outcome.FAILED: "failed: the database refused what was to be done",
}
# Why an undo's plan has an image, or a tag of it, stay as it is.
LEFT_ALONE = {
    "changed_since": "changed by others since",
    "image_gone": "deleted or hidden meanwhile",
    "tag_gone": "with a tag that has been deleted",
    "forbidden": "not to be changed so by whoever proposed it",
}
# Changes of the records themselves.
RECORDS = {
    "hide": "Hide them from everybody but whoever made them, and staff",
    "show": "Show them to the members of their project",
    "show to all": "Show them to everybody",
    "end": "End them: they are shown nowhere but in the admin",
    "trash": "Move them to the trash",
}


class Word(NamedTuple):
    """Some words, or the name of a tag."""

    text: str
    is_tag: bool = False


# A thing that is done, in words and tags.
Said = list[Word]


def number(count: int) -> str:
    """A number as one reads it: 1,234,567."""
    return f"{count:,}"


def images(count: int) -> str:
    """So many images."""
    return "1 image" if count == 1 else f"{number(count)} images"


def state(change: Change) -> str:
    """How far it has come, in a sentence."""
    if change.state == State.APPLYING and getattr(change, "waiting_for", None):
        return f"It waits for change {change.waiting_for}, which is applied first."  # type: ignore[attr-defined]
    if change.state == State.FAILED and change.plan is None and change.kind != Kind.IMPORT:
        return "It could not be planned. Nothing was changed."
    return STATES[State(change.state)]


def progress(change: Change) -> str:
    """How many of its images are done."""
    return f"{number(change.done)} of {images(change.images)}"


def stands(change: Change) -> str:
    """Its state, and how far it is, in two or three words."""
    label = State(change.state).label
    if change.state in (State.APPLYING, State.STOPPED, State.FAILED) and change.images:
        return f"{label}, {change.done * 100 // change.images} %"
    return label


def numbers(plan: dict[str, Any], *, takes: bool) -> list[str]:
    """What a plan counts, in sentences without their full stop; and how long applying it takes."""
    said = [
        one if count == 1 else several.format(number(count))
        for key, (one, several) in NUMBERS.items()
        if (count := plan.get(key, 0))
    ]
    if takes and (estimate := plan.get("estimate")):
        said.append(f"applying takes about {duration(estimate['seconds'])}")
    return said


def left_alone(plan: dict[str, Any]) -> list[str]:
    """What the plan of an undo leaves as it is, and why."""
    reasons = plan.get("left_alone", {}).items()
    return [f"{images(count)} {LEFT_ALONE.get(why, why)}" for why, count in reasons if count]


def drift(change: Change) -> str:
    """What came to match between planning and applying; nothing where nothing did."""
    if not change.drift:
        return ""
    are = "matches" if change.drift == 1 else "match"
    return f"{images(change.drift)} {are} since it was planned, and stayed as they were"


def duration(seconds: int) -> str:
    """So many seconds, in the largest unit that there are two of."""
    for unit, size in (("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return "a second" if seconds <= 1 else f"{seconds} seconds"


def who(change: Change) -> str:
    """Who proposed it, and through which door unless it was this one."""
    name = change.author_name or "somebody"
    return name if change.through == ADMIN else f"{name}, through {change.through}"


def operation(change: Change) -> list[Said]:
    """What is done to each image."""
    written: dict[str, Any] = change.operation
    if change.kind == Kind.UNDO and change.of:
        return [
            [Word(f"Take back change {change.of_id}, which did this:")],
            *_taken_back(change.of),
        ]
    if rename := written.get("rename"):
        kept = [Word("and keep the old name as an alias")] if rename.get("keep_old") else []
        names = Word(rename.get("from", ""), True), Word("to"), Word(rename.get("to", ""), True)
        return [[Word("Rename"), *names, *kept]]
    if "import" in written:
        return [[Word(f"Import from {written['import'].get('source') or 'files'}")]]
    if "images" in written:
        return [[Word(_of_records(written))]]
    return _of_tags(Operation.from_json(written))


def _taken_back(change: Change) -> list[Said]:
    if change.kind == Kind.UNDO:
        return [[Word(f"Take back change {change.of_id}")]]
    return operation(change)


def _of_records(written: dict[str, Any]) -> str:
    action = written["images"]
    if action == "show" and written.get("visibility") == "public":
        return RECORDS["show to all"]
    if action == "trash":
        days = settings.TRASH_SECONDS // 86_400
        return f"{RECORDS[action]}, where they are kept for {days} days"
    return RECORDS.get(action, f"Images: {action}")


def _of_tags(operation: Operation) -> list[Said]:
    if operation.merge:
        into = operation.merge.into
        return [[Word("Merge"), *_named(operation.merge.sources), Word("into"), *_named([into])]]
    said = []
    if operation.replace is not None:
        kept = _named(operation.replace)
        said.append([Word("Take away all tags but" if kept else "Take away all tags"), *kept])
    if operation.add:
        said.append([Word("Give"), *_named(operation.add)])
    if operation.remove:
        said.append([Word("Take away"), *_named(operation.remove)])
    for tag, value in operation.values.items():
        valued = Word(f"the value “{value}”" if value else "no value")
        said.append([Word("Give"), *_named([tag]), valued])
    return said


def _named(tags: Iterable[TagRef]) -> Said:
    return [Word(tag.name if tag.id is not None else f"{tag.name} (new)", True) for tag in tags]


def in_a_line(said: Iterable[Said]) -> str:
    """The same as one text."""
    lines = (" ".join(f"“{one.text}”" if one.is_tag else one.text for one in line) for line in said)
    return "; ".join(lines).replace(":;", ":")


def what(change: Change) -> str:
    """What is done to which images, in a line that may be cut."""
    asked = ", ".join(conditions.of(change))
    line = in_a_line(operation(change)) + (f" — {asked}" if asked else "")
    return line if len(line) <= MOST_CHARACTERS else f"{line[: MOST_CHARACTERS - 1]}…"
