"""Names that exclude each other, as far as names can tell."""

import re
from collections.abc import Iterator

# Of things in a picture each may be there: upper and lower, dorsal and ventral are not among these.
PAIRS = (
    "left/right benign/malignant normal/abnormal positive/negative present/absent male/female "
    "with/without acute/chronic open/closed complete/incomplete true/false yes/no "
    "preoperative/postoperative preop/postop supine/prone symmetric/asymmetric "
    "symmetrical/asymmetrical approved/rejected accepted/rejected indoor/outdoor indoors/outdoors "
    "sfw/nsfw safe/unsafe safe/explicit stable/unstable displaced/undisplaced "
    "displaced/nondisplaced links/rechts gauche/droite"
)
OPPOSITES: dict[str, tuple[str, ...]] = {}
for _pair in PAIRS.split():
    _one, _other = _pair.split("/")
    OPPOSITES[_one] = (*OPPOSITES.get(_one, ()), _other)

BEFORE = ("no", "not", "non", "without", "w o", "kein", "keine", "sans")
NEGATIONS = [tuple(words.split()) for words in BEFORE]
AFTER = ("free", "absent")
# What has none of these excludes nothing; accents are still to be taken off some.
MAY_EXCLUDE = re.compile("|".join(["[^\\x00-\\x7f]", "w", *OPPOSITES, *BEFORE, *AFTER]))
# What is denied: shorter it may be a number, as in `no 5`, or an abbreviation.
LEAST_LETTERS = 3


def opposites(words: tuple[str, ...]) -> frozenset[tuple[str, ...]]:
    """The words of the names that exclude a name, given by its words, as far as that name says it:
    `no x` excludes `x`, and `left x` excludes `right x`; the other way round nothing is said."""
    return frozenset(_opposites(words))


def _opposites(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for place, word in enumerate(words):
        for other in OPPOSITES.get(word, ()):
            yield (*words[:place], other, *words[place + 1 :])
    for negation in NEGATIONS:
        rest = words[len(negation) :]
        if words[: len(negation)] == negation and _can_be_denied(rest):
            yield rest
    if words and words[-1] in AFTER and _can_be_denied(words[:-1]):
        yield words[:-1]


def _can_be_denied(words: tuple[str, ...]) -> bool:
    text = "".join(words)
    return len(text) >= LEAST_LETTERS and text[0].isalpha()
