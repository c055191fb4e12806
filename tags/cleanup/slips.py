"""Two spellings of one word: names of which one word differs by one slip of the hand."""

from collections.abc import Iterator
from enum import Enum

# Shorter words that differ by a letter are two words: mass and mask, left and lift.
LEAST_LETTERS = 5
# What makes another word of one: tibial, ulnar, tired, broken, hairy.
ENDINGS = ("al", "ar", "ed", "er", "en", "an", "ia", "ic", "y")
# Words that are mistaken for each other, and are two all the same.
MISTAKEN = (
    "abduction/adduction abductor/adductor afferent/efferent ileum/ilium ileal/iliac "
    "perineal/peroneal perineum/peroneum medial/medical radial/radical mucus/mucous "
    "causal/casual trial/trail angle/angel quiet/quite diary/dairy martial/marital "
    "united/untied desert/dessert later/latter dinner/diner county/country callus/callous "
    "plaster/platter planer/planner winner/whiner statue/statute metacarpal/metatarsal "
    "stationary/stationery complement/compliment principal/principle breath/breadth "
    "breath/breathe bath/bathe cloth/clothe loose/lose moral/morale human/humane "
    "personal/personnel through/though thorough/through singer/signer sacred/scared "
    "coast/coats ureter/urethra ureteral/urethral"
)
TWO_WORDS = frozenset(frozenset(pair.split("/")) for pair in MISTAKEN.split())


class Slip(Enum):
    """What the hand has done; in the first two and the third only rarely on purpose."""

    SWAPPED = "two letters are swapped"
    DOUBLED = "a letter is doubled in one of them"
    DROPPED = "a letter lacks in one of them"
    REPLACED = "a letter is another one"
    ENDING = "the last letter lacks in one of them"


def slip(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[Slip, str, str] | None:
    """The slip between two names, given by their words, and the words that it is between.

    None where more than one word differs, or not by one slip, or neither can be taken for the
    other: where it is short, has a digit, or another first letter.
    """
    if len(one) != len(other):
        return None
    differing = [(a, b) for a, b in zip(one, other, strict=True) if a != b]
    if len(differing) != 1:
        return None
    ((a, b),) = differing
    if not (may_slip(a) and may_slip(b)) or a[0] != b[0] or {a, b} in TWO_WORDS:
        return None
    kind = _between(a, b)
    return (kind, a, b) if kind else None


def may_slip(word: str) -> bool:
    """Whether a word is long enough, and of letters alone: numbers that differ are two."""
    return len(word) >= LEAST_LETTERS and word.isalpha()


def _between(a: str, b: str) -> Slip | None:
    if len(a) > len(b):
        a, b = b, a
    start = next((at for at, letter in enumerate(a) if letter != b[at]), len(a))
    if len(a) == len(b):
        if a[start + 1 :] == b[start + 1 :]:
            return Slip.REPLACED
        swapped = a[start : start + 2] == b[start : start + 2][::-1]
        return Slip.SWAPPED if swapped and a[start + 2 :] == b[start + 2 :] else None
    if len(b) > len(a) + 1 or a[start:] != b[start + 1 :]:
        return None
    if b[start] in b[start - 1 : start]:
        return Slip.DOUBLED
    if start < len(a):
        return Slip.DROPPED
    return None if b.endswith(ENDINGS) else Slip.ENDING


def traces(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The words of a name with a letter of one left out, and as they are: names with a slip between
    them have one of these in common. Needs no look at any other name."""
    is_open = False
    for place, word in enumerate(words):
        if may_slip(word):
            is_open = True
            before, after = words[:place], words[place + 1 :]
            # The first letter is the same.
            for at in range(1, len(word)):
                if at == 1 or word[at] != word[at - 1]:
                    yield (*before, word[:at] + word[at + 1 :], *after)
    if is_open:
        yield words
