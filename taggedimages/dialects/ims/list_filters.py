"""What narrows the lists of images and tags that are got (contract IMS; Glance's image filters).

Each parameter that is given narrows, as often as it is given. A name that is in no table is one of
a property, as Glance has it, and no image here has properties of its own: nothing is found.
"""

import re
import uuid
from collections.abc import Callable, Set
from contextlib import suppress
from functools import reduce
from operator import and_
from typing import NamedTuple

from django.conf import settings
from django.db.models import Q
from django.http import QueryDict
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError

from images.models import Image
from images.querysets import UPLOAD_STATES, ImageQuerySet
from images.visibility import Viewer, Visibility
from search.query import Query, TagValues
from search.results import SearchResults
from taggedimages.dialects.ims.filters import viewer_of
from taggedimages.dialects.ims.list_times import time_condition
from taggedimages.dialects.ims.records import FOREIGN_STATUSES, STATUSES, with_creator
from taggedimages.dialects.ims.rules import split
from taggedimages.http.fields import MAX_INT64
from taggedimages.postgresql.text import is_storable

ALL, NONE = Q(), Q(pk__in=[])
# Operators of Glance; texts know only the first two, times all but `in`.
OPERATORS = ("eq", "in", "neq", "gt", "gte", "lt", "lte")
IN_QUOTES_OR_PLAIN = re.compile(r'"((?:[^"\\]|\\.)*)"(?:,|$)|([^,"]*)(?:,|$)')
INTEGER = re.compile(r"[0-9]{1,19}", re.ASCII)


class Filter(NamedTuple):
    """What a value of a parameter narrows to, and how it is documented."""

    condition: Callable[[str], Q]
    about: str


class Found(NamedTuple):
    """A project's current images that parameters ask for."""

    project_id: str
    # By what search knows.
    query: Query
    # What else is asked of each.
    beside: Q

    @property
    def images(self) -> ImageQuerySet:
        """All of them, unevaluated, newest first."""
        return self._results(Viewer(audiences=None)).images.filter(self.beside)

    def names_and_values(self, start: int = 0, stop: int | None = None) -> list[tuple[str, str]]:
        """Their tags and values, as SearchResults has them."""
        beside = None if self.beside == ALL else self.beside
        return self._results(viewer_of(self.project_id)).names_and_values(start, stop, of=beside)

    def _results(self, viewer: Viewer) -> SearchResults:
        own = with_creator(Image.objects.current().of_project(self.project_id))
        return SearchResults(self.query, viewer, images=own)


def found(project_id: str, given: QueryDict, controls: Set[str]) -> Found:
    """What all parameters but the controls ask for. Raises ValidationError."""
    tags = given.getlist("tag")
    if len(tags) > settings.MAX_SEARCH_TERMS:
        raise ValidationError({"tag": [f"At most {settings.MAX_SEARCH_TERMS}."]})
    conditions = [
        _condition(name, value)
        for name in given
        if name not in controls and name != "tag"
        for value in given.getlist(name)
    ]
    query = Query(with_any=tuple(map(_either, tags)))
    return Found(project_id, query, reduce(and_, conditions, ALL))


def documented_filters() -> list[OpenApiParameter]:
    """All that are known, for the OpenAPI document."""
    tag = OpenApiParameter(
        "tag",
        {"type": "array", "items": {"type": "string"}},
        description="`key`, `key=value` or `key.value`; repeated: all of them.",
    )
    others = [
        OpenApiParameter(name, OpenApiTypes.STR, description=one.about)
        for name, one in FILTERS.items()
    ]
    return [tag, *others]


def only(given: QueryDict, name: str) -> str | None:
    """The value of a parameter that can have one alone. Raises ValidationError."""
    values = set(given.getlist(name))
    if len(values) > 1:
        raise ValidationError({name: ["Given more than once."]})
    return values.pop() if values else None


def number(given: QueryDict, name: str, default: int, most: int = MAX_INT64) -> int:
    """A whole number from 1 on. Raises ValidationError."""
    text = only(given, name)
    if text is None:
        return default
    if not INTEGER.fullmatch(text) or not 0 < int(text) <= most:
        raise ValidationError({name: [f"A whole number from 1 to {most} is needed."]})
    return int(text)


def _condition(name: str, value: str) -> Q:
    known = FILTERS.get(name)
    if not is_storable(value):
        raise ValidationError({name: ["Null characters are not allowed."]})
    try:
        return known.condition(value) if known else NONE
    except ValidationError as error:
        raise ValidationError({name: error.detail}) from error


def _either(text: str) -> tuple[TagValues, ...]:
    key, value = split(text)
    # A key made through another API may hold a separator itself.
    return tuple({TagValues(text), TagValues(key, () if key == text else (value,))})


def _texts(value: str) -> list[str]:
    """The texts that one is to be equal to: plain, after `eq:`, or several after `in:`."""
    operator, colon, rest = value.partition(":")
    if not colon or operator not in OPERATORS:
        return [value]
    if operator == "eq":
        return [rest]
    if operator != "in":
        raise ValidationError([f"This cannot be compared by {operator}."])
    parts, place = [], 0
    while place < len(rest):
        part = IN_QUOTES_OR_PLAIN.match(rest, place)
        if part is None or not part[0]:
            raise ValidationError(["Quotes do not match."])
        quoted, plain = part.groups()
        parts.append(plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted))
        place = part.end()
    return parts


def _text(condition: Callable[[list[str]], Q]) -> Callable[[str], Q]:
    return lambda value: condition(_texts(value))


def _choice(**conditions: Q) -> Callable[[str], Q]:
    """One of some words; any other is refused."""

    def condition(value: str) -> Q:
        if value not in conditions:
            raise ValidationError([f"Must be one of: {', '.join(conditions)}."])
        return conditions[value]

    return condition


def _status(value: str) -> Q:
    found = NONE
    for status in _texts(value):
        if status not in STATUSES and status not in FOREIGN_STATUSES:
            raise ValidationError([f"Must be one of: {', '.join(STATUSES)}."])
        for state in STATUSES.get(status, ()):
            found |= UPLOAD_STATES[state]
    return found


def _ids(texts: list[str]) -> Q:
    ids = []
    for text in texts:
        with suppress(ValueError):
            ids.append(uuid.UUID(text))
    return Q(uuid__in=ids)


def _whole(value: str) -> int:
    if not INTEGER.fullmatch(value):
        raise ValidationError(["A whole number is needed."])
    return int(value)


def _size(lookup: str) -> Callable[[str], Q]:
    return lambda value: Q(**{lookup: min(_whole(value), MAX_INT64)})


def _zero(fits: Callable[[int], bool]) -> Callable[[str], Q]:
    """Of a number that is zero for every image."""
    return lambda value: ALL if fits(_whole(value)) else NONE


def _nobody(value: str) -> Q:
    """Of what no image has."""
    _texts(value)
    return NONE


def _no_range(value: str) -> Q:
    _whole(value)
    return NONE


def _hash(column: str, digits: int) -> Callable[[str], Q]:
    pattern = re.compile(rf"[0-9a-fA-F]{{{digits}}}")
    return lambda text: Q(**{column: bytes.fromhex(text)}) if pattern.fullmatch(text) else NONE


def _owner(value: str) -> Q:
    # What is shown as the owner is who made it; OpenStack's clients mean a project.
    return Q(created_by__username=value) | Q(project=value)


def _refused(value: str) -> Q:
    raise ValidationError(["No longer available in this version."])


def _flag(true: Q, false: Q) -> Callable[[str], Q]:
    """Clients write it in any case."""
    choice = _choice(true=true, false=false)
    return lambda value: choice(value.lower())


PUBLIC = Q(visibility=Visibility.PUBLIC)
MEMBERS = dict.fromkeys(("pending", "accepted", "rejected"), NONE)


FILTERS: dict[str, Filter] = {
    "id": Filter(_text(_ids), "The image; `in:` and several with commas."),
    "name": Filter(_text(lambda names: Q(name__in=names)), "Exactly; `in:` and several."),
    "status": Filter(_status, f"{', '.join(STATUSES)}; `in:` and several."),
    "visibility": Filter(
        _choice(public=PUBLIC, private=~PUBLIC, shared=NONE, community=NONE, all=ALL),
        "public, private or all; shared and community: nothing is.",
    ),
    "owner": Filter(_owner, "Who made it, or the project."),
    "member_status": Filter(
        _choice(**MEMBERS, all=ALL), "pending, accepted or rejected: nothing is; or all."
    ),
    "protected": Filter(_flag(NONE, ALL), "true: nothing is; or false."),
    "os_hidden": Filter(_flag(NONE, ALL), "true: nothing is; or false."),
    "size": Filter(_size("size"), "Bytes."),
    "size_min": Filter(_size("size__gte"), "Bytes, itself included."),
    "size_max": Filter(_size("size__lte"), "Bytes, itself included."),
    "created_at": Filter(time_condition("created_at"), "ISO 8601, after `gt:`, `lte:` …"),
    "updated_at": Filter(time_condition("updated_at"), "Likewise."),
    "checksum": Filter(_hash("facts__md5", 32), "MD5 of the file."),
    "os_hash_value": Filter(_hash("facts__sha256", 64), "SHA-256 of the file."),
    "os_hash_algo": Filter(
        lambda text: Q(facts__sha256__isnull=False) if text == "sha256" else NONE,
        "sha256: those whose is known.",
    ),
    "container_format": Filter(_nobody, "Nothing has one."),
    "disk_format": Filter(_nobody, "Nothing has one."),
    **{
        f"{name}{end}": Filter(_zero(fits), "It is 0 everywhere.")
        for name in ("min_disk", "min_ram")
        for end, fits in (
            ("", lambda asked: asked == 0),
            ("_min", lambda asked: asked == 0),
            ("_max", lambda asked: True),
        )
    },
    **{f"virtual_size{end}": Filter(_no_range, "Nothing has one.") for end in ("", "_min", "_max")},
    # The vendor's words for some of these.
    "imageid": Filter(_text(_ids), "The same as `id`."),
    "__imagetype": Filter(
        lambda text: {"gold": PUBLIC, "private": ~PUBLIC}.get(text, NONE),
        "gold: what is public; private; nothing is anything else.",
    ),
    "__isregistered": Filter(
        _flag(UPLOAD_STATES["arrived"], ~UPLOAD_STATES["arrived"]),
        "Whether the file is there.",
    ),
    "changes-since": Filter(_refused, "Refused, as in Glance's version 2."),
}
