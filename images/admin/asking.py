r"""What is typed into the search box of images, taken apart and put together again.

Either conditions as `/v1/search/images` has them, such as `exact_tags=knee|left&min_width=512`, or
words, each of which is the image's id, its uuid or a part of its filename. Words go with conditions
as `called=word|word`, and an order goes with words: `knee order=largest`.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, NamedTuple
from urllib.parse import quote

from django.conf import settings
from django.http import QueryDict
from rest_framework.exceptions import ValidationError

from images.visibility import Viewer
from search.query.conditions import Unknown, settled
from search.v1.parameters import Asked, text_conditions, text_query
from taggedimages.postgresql.text import is_storable
from tags.names import joined, split

# A text that starts so is one of conditions.
CONDITIONS = re.compile(r"[a-z_]+=")
CALLED, ORDER = "called", "order"
# Characters; a page repeats the text in each of its links.
TEXT_MAX = 8_000
# Lists of which each item narrows by itself, and lists that are one condition.
EACH = {"exact_tags", "match_tags", "not_tags", CALLED}
ANY = {"any_tags", "format", "modality", "body_part"}
# What would be read as something else in a value; the rest stays readable.
MEANING = re.compile(r"[&+#\x00-\x1f]|%(?=[0-9A-Fa-f]{2})|^ | $")


class Pair(NamedTuple):
    """A condition by its name, or the order; of a list in EACH, one item of it."""

    name: str
    value: str


def pairs(text: str) -> list[Pair]:
    """The conditions of a text, whether or not there are such; none of one that is too long."""
    text = "" if len(text) > TEXT_MAX else text.strip()
    if not CONDITIONS.match(text):
        return [_word(word) for word in text.split()]
    found = []
    for name, values in QueryDict(text).lists():
        if name in EACH:
            found += [Pair(name, item) for value in values for item in split(value) if item]
        elif name in ANY:
            items = [item for value in values for item in split(value) if item]
            found += [Pair(name, joined(items))] if items else []
        else:
            found.append(Pair(name, values[-1]))
    return found


def written(conditions: Iterable[Pair]) -> str:
    """The text that `pairs` reads as these."""
    every = list(conditions)
    if all(_is_plain(pair) for pair in every):
        in_words = [*(p for p in every if p.name == CALLED), *(p for p in every if p.name == ORDER)]
        return " ".join(p.value if p.name == CALLED else f"{ORDER}={p.value}" for p in in_words)
    values: dict[str, list[str]] = {}
    for name, value in every:
        values.setdefault(name, []).append(value)
    return "&".join(
        f"{name}={_escaped(joined(of) if name in EACH else of[-1])}" for name, of in values.items()
    )


def asked(text: str, viewer: Viewer) -> Asked:
    """What a text asks for, as a viewer means it, and in which order. Raises ValidationError."""
    if len(text) > TEXT_MAX:
        raise ValidationError(f"A search has at most {TEXT_MAX:,} characters.")
    every = pairs(text)
    called = tuple(pair.value for pair in every if pair.name == CALLED)
    if not all(map(is_storable, called)):
        raise ValidationError("Null characters and surrogates are not allowed.")
    if len(called) > settings.MAX_SEARCH_TERMS:
        raise ValidationError(f"At most {settings.MAX_SEARCH_TERMS} words.")
    query, order = text_query(_without_words(every))
    try:
        query = settled(query, viewer)
    except Unknown as error:
        raise ValidationError(str(error)) from error
    return Asked(replace(query, called=called), order)


def as_json(text: str) -> dict[str, Any]:
    """The conditions of a text as a change keeps them; everything, where there are none.

    Raises ValidationError.
    """
    every = pairs(text)
    conditions = text_conditions(_without_words(every))
    if called := [pair.value for pair in every if pair.name == CALLED]:
        conditions[CALLED] = called
    return conditions or {"everything": True}


def _without_words(every: list[Pair]) -> str:
    return written(pair for pair in every if pair.name != CALLED)


def _word(word: str) -> Pair:
    if word.startswith(f"{ORDER}="):
        return Pair(ORDER, word.removeprefix(f"{ORDER}="))
    return Pair(CALLED, word)


def _is_plain(pair: Pair) -> bool:
    """Whether a pair can be written among words."""
    if pair.name == ORDER:
        return not re.search(r"\s", pair.value)
    return pair.name == CALLED and not CONDITIONS.match(pair.value) and len(pair.value.split()) == 1


def _escaped(value: str) -> str:
    return MEANING.sub(lambda met: quote(met[0], safe=""), value)
