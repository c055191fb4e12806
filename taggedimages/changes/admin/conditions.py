"""Which images a change is of, in words."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from rest_framework.exceptions import ValidationError

from search.query import Query, TagValues
from search.v1.json_conditions import JsonConditions, json_query
from taggedimages.changes import questions
from taggedimages.changes.models import Change, Kind
from taggedimages.http.reading import read

BOUNDS = {
    "min_width": "at least {:,} pixels wide",
    "max_width": "at most {:,} pixels wide",
    "min_height": "at least {:,} pixels high",
    "max_height": "at most {:,} pixels high",
    "min_size": "at least {:,} bytes large",
    "max_size": "at most {:,} bytes large",
}
TIMES = {
    "created_from": "created at or after {}",
    "created_before": "created before {}",
    "uploaded_from": "arrived at or after {}",
    "uploaded_before": "arrived before {}",
}
VALUES = {
    "formats": "of the format {}",
    "modalities": "of the modality {}",
    "body_parts": "of the body part {}",
}
TEXTS = {
    "name": "named “{}”",
    "name_contains": "with “{}” in the name",
    "filename_contains": "with “{}” in the file name",
    "uuid": "with the UUID {}",
    "created_by": "made by {}",
    "tag_id": "with the tag of the id {}",
}


def of(change: Change) -> list[str]:
    """All that an image has to be, each as a few words; nothing where it is not asked for."""
    query = asked(change)
    if query is None:
        return ["all images with one of the tags that are merged"] if _is_merge(change) else []
    return list(said(query)) or ["all images"]


def asked(change: Change) -> Query | None:
    """The question of a change, with the names of tags that it had; None where it has none."""
    if change.question is not None:
        return questions.read(change.question)
    if change.query is None:
        return None
    try:
        return json_query(read(JsonConditions, change.query))
    except ValidationError:
        return None


def said(query: Query) -> Iterable[str]:
    """The conditions of a Query, each in a few words."""
    if query.ids is not None:
        count = len(query.ids)
        yield "1 selected image" if count == 1 else f"{count:,} selected images"
    yield from _of_tags(query)
    for name, words in TEXTS.items():
        if text := getattr(query, name):
            yield words.format(text)
    for word in query.words:
        yield f"with “{word}” in name, description, tags or creator"
    for name, words in TIMES.items():
        if time := getattr(query, name):
            yield words.format(_time(time))
    if query.uploaded_only:
        yield "whose file has arrived"
    if query.upload_states is not None:
        yield f"whose upload is {_any_of(query.upload_states)}"
    for name, words in VALUES.items():
        if values := getattr(query, name):
            yield words.format(_any_of(values))
    for name, words in BOUNDS.items():
        if (bound := getattr(query, name)) is not None:
            yield words.format(bound)


def _of_tags(query: Query) -> Iterable[str]:
    if query.exact_tags:
        yield f"with {_tags(query.exact_tags, 'and')}"
    for pattern in query.match_tags:
        yield f"with a tag like “{pattern}”"
    for group, word, begins in (
        (query.with_all, "and", "with"),
        *((group, "or", "with") for group in query.with_any),
        (query.without_all, "and", "without all at once of"),
        (query.without_any, "or", "without"),
    ):
        if group:
            yield f"{begins} {_tags(map(_valued, group), word)}"
    if query.untagged:
        yield "without any tag"
    if query.implied:
        yield "counting tags that others imply"
    if query.failing is not None:
        yield f"that break the contract “{query.failing.name}”"
    if query.as_of is not None:
        names = ", by today's names" if query.vocabulary_now else ""
        yield f"by their tags as of {_time(query.as_of)}{names}"


def _valued(tag: TagValues) -> str:
    return f"{tag.name} = {' or '.join(tag.values)}" if tag.values else tag.name


def _tags(names: Iterable[str], word: str) -> str:
    quoted = [f"“{name}”" for name in names]
    if len(quoted) == 1:
        return f"the tag {quoted[0]}"
    return f"the tags {', '.join(quoted[:-1])} {word} {quoted[-1]}"


def _any_of(texts: Iterable[str]) -> str:
    return " or ".join(texts)


def _time(time: datetime) -> str:
    rounded = time.replace(microsecond=0) + timedelta(seconds=time.microsecond >= 500_000)
    return f"{rounded:%Y-%m-%d %H:%M:%S} UTC"


def _is_merge(change: Change) -> bool:
    return change.kind == Kind.MERGE
