"""Plurals of English words, and of the Latin and Greek ones of medicine."""

from collections.abc import Iterator

# What ends like a plural and is none, or is another thing.
NO_PLURALS = (
    "species series news lens glasses means customs goods pants caries rabies scabies herpes "
    "diabetes pancreas biceps triceps quadriceps forceps atlas canvas christmas gas bias alias "
    "texas kansas dallas paris athens wales ames james jones"
)
SINGULAR = frozenset(NO_PLURALS.split())
IRREGULAR = {
    "feet": "foot",
    "teeth": "tooth",
    "geese": "goose",
    "mice": "mouse",
    "lice": "louse",
    "men": "man",
    "women": "woman",
    "children": "child",
    "people": "person",
    "oxen": "ox",
    "axes": "axis",
    "lives": "life",
    "indices": "index",
    "matrices": "matrix",
    "foramina": "foramen",
    "viscera": "viscus",
    "corpora": "corpus",
    "femora": "femur",
    "phalanges": "phalanx",
    "meninges": "meninx",
}
# Shorter beginnings are abbreviations as often as words.
LEAST_STEM = 3


def singulars(word: str) -> frozenset[str]:
    """All that a folded word may be the plural of; empty where it looks like none.

    >>> sorted(singulars("masses")), sorted(singulars("thrombus")), sorted(singulars("1980s"))
    (['mass', 'masse', 'massis'], [], [])
    """
    if word in SINGULAR or not word.isalpha():
        return frozenset()
    if word in IRREGULAR:
        return frozenset({IRREGULAR[word]})
    return frozenset(one for one in _singulars(word) if len(one) >= LEAST_STEM and one != word)


def _singulars(word: str) -> Iterator[str]:
    if word.endswith("s"):
        if word.endswith(("ss", "us", "is")):
            return
        yield word[:-1]
        if word.endswith("ies"):
            yield f"{word[:-3]}y"
        elif word.endswith("ves"):
            yield from (f"{word[:-3]}f", f"{word[:-3]}fe")
        elif word.endswith(("ses", "xes", "zes", "ches", "shes", "oes")):
            yield word[:-2]
        if word.endswith("ses"):
            yield f"{word[:-2]}is"
        if word.endswith("ices"):
            yield from (f"{word[:-4]}ix", f"{word[:-4]}ex")
    elif len(word) > LEAST_STEM + 1:
        if word.endswith("ae"):
            yield word[:-1]
        elif word.endswith("i"):
            yield f"{word[:-1]}us"
        elif word.endswith("mata"):
            yield word[:-2]
        elif word.endswith("a"):
            yield from (f"{word[:-1]}um", f"{word[:-1]}on")
        elif word.endswith("men") and len(word) > 5:
            yield f"{word[:-3]}man"


def singular_names(words: tuple[str, ...]) -> frozenset[tuple[str, ...]]:
    """Of the words of a name: what it may be the plural of, one of its words being one.

    Or all of them, each by its shortest.
    """
    found, every = set(), list(words)
    for place, word in enumerate(words):
        ones = singulars(word)
        for one in ones:
            found.add((*words[:place], one, *words[place + 1 :]))
        if ones:
            every[place] = min(ones, key=lambda one: (len(one), one))
    if found:
        found.add(tuple(every))
    return frozenset(found)
