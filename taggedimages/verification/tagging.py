"""The tag index, and links and vocabulary against their ledgers."""

from collections.abc import Callable, Iterator

from search.index import verification as index_verification
from taggedimages.terminal import progress
from taggedimages.verification.outcomes import Outcome, counted
from tags import verification
from tags.verification import Faults

REPAIR = "Mend it: manage.py tagindex --repair."
BYPASSED = (
    "Somebody wrote past the triggers (docs/triggers.md), or data were lost: compare with a backup"
    " (docs/operating/integrity.md)."
)
# The closure is made of the rest.
REWRITE = "Where only this differs: SELECT tags_rewrite_closure(array_agg(id)) FROM tags_tag."


def index(deep: bool) -> Iterator[Outcome]:
    """The index that searches count by, and other statistics, against images and links."""
    found = index_verification.verify()
    details = {"blocks": found.blocks, "sizes": found.sizes}
    if found.right:
        yield Outcome("index", True, "as images and links are", details=details)
    else:
        says = f"{found.blocks:,} blocks and {found.sizes:,} sizes are wrong."
        yield Outcome("index", False, says, REPAIR, details)


def ledger(deep: bool) -> Iterator[Outcome]:
    """All links against their ledger."""
    yield _compared("ledger", verification.links, "images", "all links are as their last lines say")


def vocabulary(deep: bool) -> Iterator[Outcome]:
    """Tags, aliases and implications against their ledger."""
    says = "tags, aliases and implications are as their last lines say"
    yield _compared("vocabulary", verification.vocabulary, "tags", says)


def _compared(
    check: str, look: Callable[[Faults], Iterator[tuple[int, int]]], unit: str, well: str
) -> Outcome:
    faults = Faults()
    with progress(check, None, unit) as bar:
        for done, last in look(faults):
            bar.total, bar.n = last, done
            bar.refresh()
    told = f"; {faults.unrecorded:,} are in no ledger" if faults.unrecorded else ""
    details = {"faults": faults.counts, "first": faults.places}
    if not faults.count:
        return Outcome(check, True, well + told, details=details)
    named = {kind: f"{kind} ({_named(faults.places[kind])})" for kind in faults.counts}
    wrong = {named[kind]: n for kind, n in faults.counts.items() if kind != verification.UNRECORDED}
    return Outcome(check, False, f"{counted(wrong)}{told}.", f"{BYPASSED} {_also(faults)}", details)


def _named(places: list[list[int]]) -> str:
    return ", ".join("/".join(map(str, place)) for place in places)


def _also(faults: Faults) -> str:
    return REWRITE if "stands for others" in faults.counts else ""
