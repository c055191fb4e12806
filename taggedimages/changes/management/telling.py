"""What commands say of changes: in words, or as JSON just as /v1 shows them."""

from collections.abc import Iterator
from typing import Any

from images.visibility import Viewer
from taggedimages.changes.models import Change, State
from taggedimages.changes.v1 import showing

# Tags and images of a plan that are told.
MOST_TAGS, MOST_IMAGES = 20, 5
LEFT_ALONE = {
    "changed_since": "were changed since",
    "image_gone": "are gone",
    "tag_gone": "had a tag that is gone",
    "forbidden": "may not be changed so",
}
# What is done to images themselves.
ON_RECORDS = {
    "hide": "to be {visibility}",
    "show": "to be {visibility}",
    "end": "to end",
    "trash": "to go to the trash",
}


def as_json(change: Change) -> dict[str, Any]:
    """What /v1 shows of a change; `applying.now` gives what is needed for it."""
    (record,) = showing.shown([change], Viewer(audiences=None))
    return record


def line(change: Change) -> str:
    """A change in one line."""
    made = change.created_at.strftime("%Y-%m-%d %H:%M")
    told = [f"{change.done} of {change.images} images", said_by(change), change.note]
    return "  ".join(
        [f"{change.pk:>8}  {made}  {change.kind:<7}  {change.state:<9}", *told]
    ).rstrip()


def said_by(change: Change) -> str:
    """Who proposed it, and by what."""
    return f"{change.author_name or 'somebody'}, {change.through}"


def plan(change: Change) -> Iterator[str]:
    """What applying a change does, line by line."""
    yield f"Change {change.pk}, {change.kind}: {change.state}."
    told = as_json(change)
    plan = told["plan"]
    if plan is None:
        yield f"{change.images} images"
        return
    yield f"{plan['images']} images: {_counted(plan, told['operation'])}"
    for key, what in (
        ("values_changed", "values change"),
        ("values_dropped", "values give way to another"),
        ("already", "images are so already"),
        ("forbidden", "images besides may not be changed so"),
        ("excluded", "images were taken out of the plan"),
    ):
        if plan.get(key):
            yield f"  {plan[key]} {what}"
    for reason, count in plan.get("left_alone", {}).items():
        if count:
            yield f"  left alone: {count} images that {LEFT_ALONE[reason]}"
    yield from _tags(plan["tags"])
    for image in plan["sample"][:MOST_IMAGES]:
        before, after = _sampled(image, "before"), _sampled(image, "after")
        yield f"  image {image['id']}: {before} → {after}"
    yield f"  about {plan['estimate']['seconds']} s"


def _counted(plan: dict[str, Any], operation: dict[str, Any]) -> str:
    """What is done to them."""
    if "records_changed" in plan:
        said = ON_RECORDS.get(operation.get("images", ""), "to be as they were")
        return f"{plan['records_changed']} {said.format(**operation)}"
    return f"{plan['links_added']} links to add, {plan['links_removed']} to remove"


def _sampled(image: dict[str, Any], when: str) -> str:
    record = image.get(f"record_{when}")
    if record is None:
        return _names(image[when])
    end = "in the trash" if record["trashed"] else "ended" if record["ended"] else "current"
    return f"{record['visibility']}, {end}"


def _tags(tags: list[dict[str, Any]]) -> Iterator[str]:
    for tag in tags[:MOST_TAGS]:
        new = "" if tag["id"] else " (new)"
        yield f"  {tag['name']}{new}: +{tag['added']} -{tag['removed']}"
    if len(tags) > MOST_TAGS:
        yield f"  and {len(tags) - MOST_TAGS} other tags"


def _names(names: list[str]) -> str:
    return " | ".join(names) or "no tags"


def waits(change: Change) -> str:
    """What applying it waits for, in a few words; empty where it goes on."""
    other = getattr(change, "waiting_for", None)
    return f"after change {other}" if other and change.state == State.APPLYING else ""


def outcome(change: Change) -> str:
    """What has become of its images."""
    counts = [f"{count} {label}" for label, count in change.outcomes.items() if count]
    told = f"Change {change.pk} is {change.state}: {', '.join(counts) or 'no images'}."
    return told + (f" {change.drift} other images match by now." if change.drift else "")


def how_to_go_on(change: Change) -> str:
    """What to type after a change that did not come to its end."""
    why = f" {change.problem}" if change.problem else ""
    return (
        f"Change {change.pk} is {change.state} after {change.done} of {change.images} images.{why} "
        f"`manage.py changes resume {change.pk}` goes on; "
        f"`manage.py changes undo {change.pk} --apply` takes back what is done."
    )
