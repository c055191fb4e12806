"""What a change of a few images has done, in a line for whoever has just asked for it."""

from taggedimages.changes.models import Change, Kind, Outcome, State
from taggedimages.changes.operations import Operation

# What became of those that were not changed, one and several.
OTHERS = {
    Outcome.ALREADY: ("1 was so already", "{} were so already"),
    Outcome.CHANGED_SINCE: (
        "1 has been changed since, and stays",
        "{} have been changed since, and stay",
    ),
    Outcome.GONE: ("1 is gone", "{} are gone"),
    Outcome.FORBIDDEN: ("1 is not yours to change", "{} are not yours to change"),
    Outcome.FAILED: ("1 failed", "{} failed"),
}


def says(change: Change) -> str:
    """What has become of a change: a sentence or two, such as "Tagged 3 images: knee." """
    if change.state == State.FAILED:
        return f"Change {change.pk} failed: {change.problem}"
    if change.state != State.APPLIED:
        return f"Change {change.pk} waits for another one, and is done after it."
    if not change.images and change.of is None:
        return "None of these images is there any more."
    changed = changed_by(change)
    sentences = [f"{_done(change, changed)}."] if changed else ["Nothing was changed."]
    found = {outcome: change.outcomes.get(outcome.label, 0) for outcome in OTHERS}
    if change.of:
        # The plan of an undo leaves out what has been touched since.
        found[Outcome.CHANGED_SINCE] += changed_by(change.of) - change.images
    if told := "; ".join(_others(outcome, number) for outcome, number in found.items() if number):
        sentences.append(f"{told}.")
    return " ".join(sentences)


def changed_by(change: Change) -> int:
    """How many images a change has changed so far."""
    return int(change.outcomes.get(Outcome.CHANGED.label, 0))


def _others(outcome: Outcome, number: int) -> str:
    one, several = OTHERS[outcome]
    return one if number == 1 else several.format(number)


def _done(change: Change, changed: int) -> str:
    images = "1 image" if changed == 1 else f"{changed} images"
    if change.kind == Kind.UNDO:
        return f"Undone on {images}"
    operation = Operation.from_json(change.operation)
    came = [tag.name for tag in operation.add]
    values = operation.values.items()
    came += [f"{tag.name} = {value}" if value else tag.name for tag, value in values]
    went = [tag.name for tag in operation.remove]
    if not went:
        return f"Tagged {images}: {', '.join(came)}"
    if not came:
        return f"Took off {images}: {', '.join(went)}"
    return f"Tagged {images}: {', '.join(came)}; took off {', '.join(went)}"
