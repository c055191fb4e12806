"""Parameters in the shapes that Rails clients send: query, form (`image_ids[]=..`) and JSON."""

import json
import math
import re
from typing import Any, Self
from uuid import UUID

from django.http import QueryDict
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.request import Request

from taggedimages.dialects.sharinpix.text import uuid_in
from taggedimages.http.parsers import check_bounds
from taggedimages.postgresql.text import is_storable

MAX_IDS = 500
MAX_TEXT_CHARACTERS = 255
# A token must fit into a header.
MAX_JSON = 8_000
# What no list narrows by: the token, and what Rails clients and browsers add.
PASSED_OVER = frozenset({"token", "utf8", "_", "format", "authenticity_token", "commit"})
# Those that may come several times, as `image_ids[]`.
LISTED = frozenset({"image_ids"})
INDEX = re.compile(r"\[[0-9]*\]\Z")
# Of a name that is quoted.
MAX_QUOTED = 60
FLAG_VALUES = {"true": True, "1": True, "false": False, "0": False}


class Parameters:
    """What a request gives; the body goes before the query. Every fault is a 400."""

    def __init__(self, request: Request) -> None:
        self._sources: list[Any] = [request.query_params]
        if request.method not in ("GET", "HEAD"):
            if not isinstance(request.data, dict):
                raise ParseError("The body is not an object.")
            self._sources.insert(0, request.data)

    def only(self, *known: str) -> Self:
        """These, where they are all that a list knows.

        One that is passed over would have meant to narrow, as would all but the last of several
        values. Raises ValidationError.
        """
        for source in self._sources:
            for key in source:
                name = INDEX.sub("", key)
                if (name not in LISTED and name != key) or name not in {*known, *PASSED_OVER}:
                    raise ValidationError({key[:MAX_QUOTED]: "There is no such parameter."})
                if name not in LISTED and len(set(_listed(source, key))) > 1:
                    raise ValidationError({name: "Given more than once."})
        return self

    def __contains__(self, name: str) -> bool:
        return any(name in source for source in self._sources)

    def value(self, name: str) -> Any:
        """The value of this name, as it came; None when there is none."""
        return next((source[name] for source in self._sources if name in source), None)

    def text(self, name: str, max_length: int = MAX_TEXT_CHARACTERS) -> str | None:
        """A text; None when it is absent or null."""
        value = self.value(name)
        if value is None:
            return None
        if not isinstance(value, str) or not is_storable(value):
            raise ValidationError({name: "Not a text."})
        if len(value) > max_length:
            raise ValidationError({name: f"Longer than {max_length} characters."})
        return value

    def required(self, name: str) -> str:
        """A text that is not blank."""
        text = self.text(name)
        if text is None or not text.strip():
            raise ValidationError({name: "Missing or blank."})
        return text

    def flag(self, name: str) -> bool | None:
        """True or false; None when it is absent or null."""
        value = self.value(name)
        if value is None or isinstance(value, bool):
            return value
        flag = FLAG_VALUES.get(str(value).lower())
        if flag is None:
            raise ValidationError({name: "Neither true nor false."})
        return flag

    def number(self, name: str) -> float | None:
        """A finite number of at most nine digits before the point; None when absent or null."""
        value = self.value(name)
        if value is None:
            return None
        try:
            number = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not abs(number) < 1e9:
            raise ValidationError({name: "Not a number in range."})
        return number

    def size(self, name: str) -> int | None:
        """A whole number of bytes, above zero; None when it is absent or null."""
        value = self.value(name)
        if value is None:
            return None
        if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,13}", str(value), re.ASCII):
            raise ValidationError({name: "Not a number of bytes."})
        return int(str(value)) or None

    def ids(self, name: str) -> list[UUID] | None:
        """The uuids in a list, each once; what is no uuid is skipped. None: no such parameter."""
        values = self._values(name)
        if not values:
            return None
        texts = [text for value in values if isinstance(value, str) for text in value.split(",")]
        distinct = dict.fromkeys(texts)
        if len(distinct) > MAX_IDS:
            raise ValidationError({name: f"At most {MAX_IDS} ids."})
        return list(dict.fromkeys(uuid for text in distinct if (uuid := uuid_in(text.strip()))))

    def json(self, name: str) -> dict[str, Any] | None:
        """A JSON object, as such or as text; None when it is absent or empty."""
        value = self.value(name)
        if isinstance(value, str) and value:
            if len(value) > MAX_JSON:
                raise ValidationError({name: "Too long."})
            try:
                value = json.loads(value, parse_constant=_refuse)
            except (ValueError, RecursionError) as error:
                raise ValidationError({name: "Not JSON."}) from error
        if value is None or value == "":
            return None
        if not isinstance(value, dict):
            raise ValidationError({name: "Not a JSON object."})
        check_bounds(value)
        if len(json.dumps(value)) > MAX_JSON:
            raise ValidationError({name: "Too long."})
        return value

    def _values(self, name: str) -> list[Any]:
        keys = re.compile(rf"{name}(\[[0-9]*\])?")
        for source in self._sources:
            found = [
                value for key in source if keys.fullmatch(key) for value in _listed(source, key)
            ]
            if found:
                return found
        return []


def _listed(source: Any, key: str) -> list[Any]:
    if isinstance(source, QueryDict):
        return source.getlist(key)
    # An empty JSON list is a parameter that was given, with nothing in it.
    value = source[key]
    return (value or [""]) if isinstance(value, list) else [value]


def _refuse(constant: str) -> Any:
    raise ValueError(constant)
