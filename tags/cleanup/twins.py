"""Whether two names are one thing, by the names alone, and why, in words."""

from typing import NamedTuple

from tags.cleanup.models import Kind
from tags.cleanup.opposites import opposites
from tags.cleanup.plurals import singular_names
from tags.cleanup.slips import Slip, slip
from tags.cleanup.words import skeleton, words
from tags.names import folded

# Of shorter names an accent makes another word: a and à, ou and où.
LEAST_UNACCENTED = 3


class Likeness(NamedTuple):
    """Why two names go together; `slip` where one is a slip of the other."""

    kind: Kind
    why: str
    slip: Slip | None = None
    # Letters of the shorter of the words that the slip is between.
    letters: int = 0


def likeness(one: str, other: str) -> Likeness | None:
    """How two names that are not the same go together; None where they do not."""
    if folded(one) == folded(other):
        return Likeness(Kind.CASE, "They differ by capital letters alone.")
    if "".join(words(one, accents=True)) == "".join(words(other, accents=True)):
        return Likeness(Kind.SPACING, "They differ by spaces, hyphens or other signs alone.")
    bare, bare_other = skeleton(one), skeleton(other)
    if bare == bare_other:
        if len(bare) < LEAST_UNACCENTED:
            return None
        return Likeness(Kind.ACCENTS, "They differ by accents.")
    parts, parts_other = words(one), words(other)
    for plural, singular in ((parts, bare_other), (parts_other, bare)):
        if singular in {"".join(name) for name in singular_names(plural)}:
            return Likeness(Kind.PLURAL, "One is the plural of the other.")
    for negated, denied in ((parts, bare_other), (parts_other, bare)):
        if denied in {"".join(name) for name in opposites(negated)}:
            return Likeness(Kind.CONTRADICTION, "Each excludes the other.")
    if found := slip(parts, parts_other):
        how, *both = found
        word, another = sorted(both)
        why = f"{word} and {another}: {how.value}."
        return Likeness(Kind.SPELLING, why, how, min(len(word), len(another)))
    return None
