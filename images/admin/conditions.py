"""The conditions of a search in words for people; each can be taken away by itself, and others be
added."""

from collections.abc import Callable
from datetime import UTC
from typing import NamedTuple

from django.template.defaultfilters import filesizeformat

from images.admin.asking import CALLED, ORDER, Pair, pairs, written
from search.ordering import NEWEST
from search.v1.parameters import instant
from taggedimages.http.fields import WHOLE_NUMBER
from taggedimages.truth import TRUE
from tags.names import split

# Said of one search: more terms are refused anyway.
CONDITIONS_MAX = 100


class Condition(NamedTuple):
    """A condition of a search: its name, as it is written, in words, and the text of the search
    without it."""

    name: str
    text: str
    words: str
    without: str


def conditions(text: str) -> list[Condition]:
    """What a search asks for, in its order; what it does not understand is quoted."""
    every = pairs(text)
    found = []
    for place, pair in enumerate(every[:CONDITIONS_MAX]):
        if pair.name == ORDER or not _says_something(pair):
            continue
        rest = written([*every[:place], *every[place + 1 :]])
        found.append(Condition(pair.name, written([pair]), in_words(pair), rest))
    return found


def in_words(pair: Pair) -> str:
    """A condition as a part of a sentence: "images ..."."""
    say = WORDS.get(pair.name)
    return say(pair.value) if say else f"{pair.name}: {pair.value}"


def added(text: str, name: str, value: str) -> str:
    """The text of a search with one more condition; as it is where it has that already."""
    every = pairs(text)
    return written(every if Pair(name, value) in every else [*every, Pair(name, value)])


def ordered(text: str, order: str) -> str:
    """The text of a search in another order."""
    kept = [pair for pair in pairs(text) if pair.name != ORDER]
    return written(kept if order == NEWEST else [*kept, Pair(ORDER, order)])


def _says_something(pair: Pair) -> bool:
    if not pair.value:
        return False
    if pair.name in YES_OR_NO:
        return pair.value.casefold() in TRUE
    return not (pair.name.endswith("timestamp") and pair.value == "0")


def _either(value: str) -> str:
    return " or ".join(split(value))


def _at(value: str) -> str:
    """Epoch seconds as a date and a time."""
    if not WHOLE_NUMBER.match(value):
        return value
    return f"{instant(int(value)).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _size(value: str) -> str:
    # Its blank is one that does not break; numbers beyond what there is are quoted.
    return filesizeformat(value).replace("\xa0", " ") if WHOLE_NUMBER.match(value) else value


YES_OR_NO = {"untagged", "implied", "uploaded_only"}
WORDS: dict[str, Callable[[str], str]] = {
    "exact_tags": lambda name: f"tagged {name}",
    "match_tags": lambda pattern: f"with a tag like {pattern}",
    "any_tags": lambda value: f"tagged {_either(value)}",
    "not_tags": lambda name: f"not tagged {name}",
    "untagged": lambda _: "without any tag",
    "implied": lambda _: "counting what implies a tag, too",
    "start_timestamp": lambda value: f"created at or after {_at(value)}",
    "end_timestamp": lambda value: f"created at or before {_at(value)}",
    "uploaded_only": lambda _: "whose file is there",
    "uploaded_start_timestamp": lambda value: f"whose file came at or after {_at(value)}",
    "uploaded_end_timestamp": lambda value: f"whose file came at or before {_at(value)}",
    "filename": lambda part: f"with “{part}” in the filename",
    CALLED: lambda word: f"with “{word}” as id, uuid or in the filename",
    "format": lambda value: f"in {_either(value)}",
    "modality": lambda value: f"of the modality {_either(value)}",
    "body_part": lambda value: f"of the body part {_either(value)}",
    "min_width": lambda value: f"at least {value} pixels wide",
    "max_width": lambda value: f"at most {value} pixels wide",
    "min_height": lambda value: f"at least {value} pixels high",
    "max_height": lambda value: f"at most {value} pixels high",
    "min_size": lambda value: f"of at least {_size(value)}",
    "max_size": lambda value: f"of at most {_size(value)}",
    "failing": lambda name: f"that break the contract {name}",
}
