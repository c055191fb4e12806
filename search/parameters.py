"""Query parameters of /v1 as a Query (contract TIM, query parameters)."""

from datetime import UTC, datetime, timedelta
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from images.serializers import ImageListParameters
from search.query import Query
from taggedimages.api.fields import PipedListField

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SearchParameters(ImageListParameters):
    """Lists of images, narrowed by their tags."""

    exact_tags = PipedListField(
        required=False, help_text="All of these names, exactly, delimited by pipes."
    )
    match_tags = PipedListField(
        required=False,
        help_text="A tag for each of these patterns, any case, `%` is any text; by pipes.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs.get("exact_tags") and not attrs.get("match_tags"):
            raise serializers.ValidationError("Give exact_tags or match_tags.")
        return attrs


def list_query(request: Request, **more: Any) -> Query:
    """The Query that a list of images asks for. Raises ValidationError."""
    return _query(request, ImageListParameters, more)


def search_query(request: Request) -> Query:
    """The Query that a search asks for. Raises ValidationError."""
    return _query(request, SearchParameters, {})


def _query(request: Request, parameters: type[ImageListParameters], more: dict[str, Any]) -> Query:
    asked = parameters(data=request.query_params)
    asked.is_valid(raise_exception=True)
    values = asked.validated_data
    start, end = values["start_timestamp"], values["end_timestamp"]
    return Query(
        exact_tags=values.get("exact_tags", ()),
        match_tags=values.get("match_tags", ()),
        created_from=instant(start) if start else None,
        # A record of 100.7 s shows 100 and so belongs to "at or before 100".
        created_before=instant(end + 1) if end else None,
        uploaded_only=values["uploaded_only"],
        **more,
    )


def instant(timestamp: int) -> datetime:
    """Epoch seconds as a time; beyond the years 1 to 9999, the first or last there is."""
    try:
        return EPOCH + timedelta(seconds=timestamp)
    except OverflowError:
        return (
            datetime.max.replace(tzinfo=UTC) if timestamp > 0 else datetime.min.replace(tzinfo=UTC)
        )
