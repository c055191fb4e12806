"""Query parameters of /v1 as a Query (contract TIM, query parameters); commands and admin too."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.http import QueryDict
from rest_framework import serializers
from rest_framework.request import Request

from images.inspection.formats import named
from search.ordering import NEWEST, ORDERS
from search.query import Named, Query, TagValues
from taggedimages.epochs import EPOCH
from taggedimages.http.fields import (
    PipedListField,
    QueryBooleanField,
    QueryChoiceField,
    QueryIntegerField,
)
from taggedimages.http.reading import read
from taggedimages.v1.pagination import CursorField, CursorPageParameters
from tags.past import instants

# Parameters that a Query has under the same name.
AS_THEY_ARE = (
    "untagged",
    "uploaded_only",
    "implied",
    *(f"{end}_{of}" for of in ("width", "height", "size") for end in ("min", "max")),
)


def timestamp(help_text: str) -> QueryIntegerField:
    """One end of a window."""
    return QueryIntegerField(default=0, help_text=f"{help_text}, epoch seconds; 0 is open.")


def names(help_text: str) -> PipedListField:
    """A list; an empty one narrows nothing."""
    return PipedListField(default=(), help_text=f"{help_text}, delimited by pipes.")


def bound(help_text: str) -> QueryIntegerField:
    """One end of a range."""
    return QueryIntegerField(default=None, min_value=0, help_text=help_text)


class PastParameters(serializers.Serializer[Any]):
    """As of when tags are asked for, and by which names."""

    as_of = QueryIntegerField(
        default=None,
        min_value=0,
        help_text=(
            "Tags, their values and names as they were at this instant, epoch seconds, at least "
            "10 seconds ago; everything else is as it is now (docs/time-travel.md)."
        ),
    )
    vocabulary = QueryChoiceField(
        ["now", "then"],
        default=None,
        help_text="With `as_of`: whose names and rules are gone by; `then` where it is absent.",
    )


class ImpliedParameters(PastParameters):
    """What is said of one image."""

    implied = QueryBooleanField(
        default=False, help_text="Adds `implied_tags`: what the image's tags imply."
    )


class QueryParameters(PastParameters):
    """All that may be asked; everything that is given must hold."""

    exact_tags = names("All of these names, exactly")
    match_tags = names("A tag for each of these patterns, any case, `%` is any text")
    any_tags = names("At least one of these names, exactly")
    not_tags = names("None of these names, exactly")
    untagged = QueryBooleanField(default=False, help_text="Only images without tags.")
    implied = QueryBooleanField(
        default=False,
        help_text=(
            "Tags are found, and excluded, also by what implies them, and records have "
            "`implied_tags`. `untagged` and facets go by the tags that images have themselves."
        ),
    )
    start_timestamp = timestamp("Created at or after")
    end_timestamp = timestamp("Created at or before")
    uploaded_only = QueryBooleanField(
        default=False, help_text="Only records whose file is present."
    )
    uploaded_start_timestamp = timestamp("File arrived at or after")
    uploaded_end_timestamp = timestamp("File arrived at or before")
    filename = serializers.CharField(
        default="",
        allow_blank=True,
        trim_whitespace=False,
        help_text="A part of the filename, in any case.",
    )
    format = names("One of these formats, such as `png`, `jpeg` (or `jpg`) or `dicom`, in any case")
    modality = names("One of these modalities of DICOM files, such as `MR` or `CT`, in any case")
    body_part = names(
        "One of these body parts examined of DICOM files, such as `KNEE`, in any case"
    )
    min_width = bound("At least so wide, in pixels as stored.")
    max_width = bound("At most so wide.")
    min_height = bound("At least so high.")
    max_height = bound("At most so high.")
    min_size = bound("At least so many bytes.")
    max_size = bound("At most so many bytes.")
    failing = serializers.CharField(
        default="",
        allow_blank=True,
        trim_whitespace=False,
        help_text="Only images that break a rule of the contract of this name.",
    )
    order = QueryChoiceField(
        list(ORDERS),
        default=NEWEST,
        help_text="By creation, by the arrival of the file (latest first), by size or by filename.",
    )


class ImageConditions(QueryParameters):
    """What narrows a list of images; the two oldest conditions are for searches alone."""

    exact_tags = match_tags = None  # type: ignore[assignment]


def flat_labels() -> QueryBooleanField:
    """Whether records have their tags' names as a list, too."""
    return QueryBooleanField(
        default=False, help_text="Adds `labels` to each record: the names of its tags as a list."
    )


class BrowseParameters(CursorPageParameters):
    """Which part of what was found, and what is said of all of it."""

    labels = flat_labels()
    facets = QueryChoiceField(
        ["tags"],
        default=None,
        help_text="`tags`: also the most frequent tags of all that was found, 100 at most.",
    )


class StreamParameters(serializers.Serializer[Any]):
    """Which part of what was found is sent as NDJSON: all of it, unless something else is said."""

    limit = QueryIntegerField(
        default=None, min_value=1, help_text="At most so many lines; all where it is absent."
    )
    cursor = CursorField(
        default=None, allow_blank=True, help_text="After which record to begin; a page has it."
    )
    labels = flat_labels()


class AnyStreamParameters(StreamParameters):
    """With what pages have besides, which is refused of a stream where it says anything.

    Page 0 says nothing: clients that are made from the document of a page always send it.
    """

    page = QueryIntegerField(default=0, min_value=0)
    facets = QueryChoiceField(["tags"], default=None)


class Asked(NamedTuple):
    """What a request asks for: a Query, and the name of an order."""

    query: Query
    order: str


def list_query(request: Request, **more: Any) -> Asked:
    """What a list of images asks for. Raises ValidationError."""
    query, order = _asked(ImageConditions, request.query_params)
    return Asked(replace(query, **more), order)


def search_query(request: Request) -> Asked:
    """What a search asks for. Raises ValidationError."""
    asked = _asked(QueryParameters, request.query_params)
    query = asked.query
    window = Query(
        created_from=query.created_from,
        created_before=query.created_before,
        uploaded_only=query.uploaded_only,
        aliased=query.aliased,
        implied=query.implied,
        as_of=query.as_of,
        vocabulary_now=query.vocabulary_now,
    )
    if query == window:
        raise serializers.ValidationError("Give exact_tags, match_tags or another condition.")
    return asked


def text_query(text: str) -> Asked:
    """What parameters as in a URL ask for, such as `exact_tags=knee|left&min_width=512`.

    Unlike a request's, none may be unknown: a slip would ask for everything. Raises
    ValidationError.
    """
    return _asked(QueryParameters, _known(text))


def text_conditions(text: str) -> dict[str, Any]:
    """The conditions among such parameters, as a body in JSON has them (search.v1.json_conditions).

    Raises ValidationError.
    """
    given = _known(text)
    values = read(QueryParameters, given)
    return {
        name: list(values[name]) if isinstance(values[name], tuple) else values[name]
        for name in given
        if name != "order"
    }


def _known(text: str) -> QueryDict:
    given = QueryDict(text)
    if unknown := given.keys() - QueryParameters().fields.keys():
        raise serializers.ValidationError({name: ["Not a parameter."] for name in sorted(unknown)})
    return given


def _asked(parameters: type[QueryParameters], given: QueryDict) -> Asked:
    values = read(parameters, given)
    return Asked(query_of(values), values["order"])


def query_of(values: dict[str, Any]) -> Query:
    """What the values of all conditions ask for, by aliases; those of the oldest two may be
    absent. Raises ValidationError for an instant that may not be asked for."""
    any_tags = tuple(TagValues(name) for name in values["any_tags"])
    return Query(
        aliased=True,
        ids=values.get("ids"),
        exact_tags=values.get("exact_tags", ()),
        match_tags=values.get("match_tags", ()),
        with_any=(any_tags,) if any_tags else (),
        without_any=tuple(TagValues(name) for name in values["not_tags"]),
        created_from=_from(values["start_timestamp"]),
        created_before=_until(values["end_timestamp"]),
        uploaded_from=_from(values["uploaded_start_timestamp"]),
        uploaded_before=_until(values["uploaded_end_timestamp"]),
        filename_contains=values["filename"],
        formats=tuple(map(named, values["format"])),
        modalities=tuple(map(str.upper, values["modality"])),
        body_parts=tuple(map(str.upper, values["body_part"])),
        as_of=past_instant(values),
        vocabulary_now=values["vocabulary"] == "now",
        failing=Named(values["failing"]) if values["failing"] else None,
        **{name: values[name] for name in AS_THEY_ARE},
    )


def past_instant(values: dict[str, Any]) -> datetime | None:
    """The instant that values of PastParameters say. Raises ValidationError; one statement where
    there is one."""
    if values["as_of"] is None:
        if values["vocabulary"] is not None:
            raise serializers.ValidationError({"vocabulary": ["Goes with as_of."]})
        return None
    try:
        return instants.instant(values["as_of"])
    except instants.NotPast as error:
        raise serializers.ValidationError({"as_of": [str(error)]}) from error


def _from(timestamp: int) -> datetime | None:
    return instant(timestamp) if timestamp else None


def _until(timestamp: int) -> datetime | None:
    # A record of 100.7 s shows 100 and so belongs to "at or before 100".
    return instant(timestamp + 1) if timestamp else None


def instant(timestamp: int) -> datetime:
    """Epoch seconds as a time; beyond the years 1 to 9999, the first or last there is."""
    try:
        return EPOCH + timedelta(seconds=timestamp)
    except OverflowError:
        return (
            datetime.max.replace(tzinfo=UTC) if timestamp > 0 else datetime.min.replace(tzinfo=UTC)
        )
