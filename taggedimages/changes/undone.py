"""Which changes count for nothing any more, because they were undone wholly."""

from collections import defaultdict
from dataclasses import dataclass

from taggedimages.changes.models import Change, Kind, Outcome, State

# States of a change that may have written something.
BEGUN = [State.APPLYING, State.APPLIED, State.STOPPED, State.FAILED]
# What an image of a whole undo has come to.
WHOLE = {Outcome.CHANGED.label, Outcome.ALREADY.label}


@dataclass(frozen=True)
class Undos:
    """Of a change that is to be undone: its undos that hold, and the changes to pass over, which
    were undone as a whole, with what undid them."""

    own: list[int]
    passed_over: list[int]


def undos_of(change_id: int) -> Undos:
    """One statement, which reads all undos that there were."""
    undos = Change.objects.filter(kind=Kind.UNDO, state__in=BEGUN).order_by("id")
    by_change: defaultdict[int, list[Change]] = defaultdict(list)
    for undo in undos.only("id", "of_id", "state", "plan", "outcomes", "excluded"):
        assert undo.of_id
        by_change[undo.of_id].append(undo)

    def is_undone(change: int) -> bool:
        return any(_is_whole(undo) and holds(undo) for undo in by_change[change])

    def holds(undo: Change) -> bool:
        """Whether nothing of it has been undone, or all of that once more."""
        return all(is_undone(other.pk) for other in by_change[undo.pk])

    own = [undo.pk for undo in by_change[change_id] if not is_undone(undo.pk)]
    pairs = [
        {undone, undo.pk}
        for undone, several in list(by_change.items())
        for undo in several
        if _is_whole(undo) and holds(undo)
    ]
    passed_over = set().union(*pairs) - {change_id, *own}
    return Undos(own, sorted(passed_over))


def _is_whole(undo: Change) -> bool:
    left_alone = (undo.plan or {}).get("left_alone", {})
    return (
        undo.state == State.APPLIED
        and not undo.excluded
        and not any(left_alone.values())
        and all(label in WHOLE for label, images in undo.outcomes.items() if images)
    )


def originally(change: Change) -> tuple[Change, bool]:
    """The change at the bottom of undos of undos, and whether this one does what that did, rather
    than taking it back."""
    again = True
    while change.of is not None:
        change, again = change.of, not again
    return change, again
