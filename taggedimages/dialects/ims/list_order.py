"""The order of the lists of images, and what follows an image in it (Glance's sorting).

`sort=name:asc,size` or `sort_key=name&sort_dir=asc`, each of the two repeated at will. Equal images
are newest first, so that pages never overlap.
"""

from dataclasses import dataclass

from django.db.models import Case, CharField, F, Q, Value, When
from django.http import QueryDict
from rest_framework.exceptions import ValidationError

from images.models import Image
from images.querysets import UPLOAD_STATES, ImageQuerySet
from taggedimages.dialects.ims.list_filters import only

DIRECTIONS = ("asc", "desc")
# By what clients call it. What is the same for every image sorts nothing.
COLUMNS = {
    "name": "name",
    "status": "sort_status",
    "size": "size",
    "id": "uuid",
    "created_at": "created_at",
    "updated_at": "updated_at",
    "container_format": "",
    "disk_format": "",
    "min_disk": "",
    "min_ram": "",
}
# The statuses that images have, by the states of their uploads.
STATES = {"active": "arrived", "killed": "failed", "queued": "awaited"}
STATUS = Case(
    *[When(UPLOAD_STATES[state], then=Value(status)) for status, state in STATES.items()],
    output_field=CharField(),
)
NEWEST_FIRST = (("created_at", True), ("pk", True))


@dataclass(frozen=True)
class ListOrder:
    """Columns, each with whether it descends; together they tell all images apart."""

    terms: tuple[tuple[str, bool], ...]

    def first(
        self, images: ImageQuerySet, most: int, marked: ImageQuerySet | None = None
    ) -> list[Image]:
        """So many of some images in this order, whatever theirs was: of those that follow a marked
        one, where that is asked for. Raises ValidationError where there is no such one."""
        last = None
        if marked is not None and (last := self._applied(marked).first()) is None:
            raise ValidationError({"marker": ["There is no such image."]})
        (column, descends), *others = self.terms
        if column != "sort_status":
            return list(self._after(images, last)[:most])
        # Each status has the others' order, for which there may be an index.
        within, found = ListOrder(tuple(others)), list[Image]()
        statuses = sorted(STATES, reverse=descends)
        for status in statuses[statuses.index(_status(last)) if last else 0 :]:
            is_begun = last is not None and status == _status(last)
            of_status = images.filter(UPLOAD_STATES[STATES[status]])
            found += within._after(of_status, last if is_begun else None)[: most - len(found)]
            if len(found) == most:
                break
        return found

    def _applied(self, images: ImageQuerySet) -> ImageQuerySet:
        if self.terms == NEWEST_FIRST:
            return images.newest_first()
        terms = [
            F(column).desc() if descends else F(column).asc() for column, descends in self.terms
        ]
        return images.annotate(sort_status=STATUS).order_by(*terms)

    def _after(self, images: ImageQuerySet, last: Image | None) -> ImageQuerySet:
        """Those of some images, in this order, that follow one if there is one."""
        if last is None:
            return self._applied(images)
        if self.terms == NEWEST_FIRST:
            return images.newest_first().older_than(last)
        return self._applied(images).filter(self._beyond(last))

    def _beyond(self, last: Image) -> Q:
        beyond, equal = Q(pk__in=[]), Q()
        for column, descends in self.terms:
            value = getattr(last, column)
            beyond |= equal & Q(**{f"{column}__{'lt' if descends else 'gt'}": value})
            equal &= Q(**{column: value})
        column, descends = self.terms[0]
        # Says nothing more, but where in an index to begin.
        begin = Q(**{f"{column}__{'lte' if descends else 'gte'}": getattr(last, column)})
        return begin & beyond


def order_of(given: QueryDict) -> ListOrder:
    """The order that the parameters of a list ask for. Raises ValidationError."""
    terms: dict[str, bool] = {}
    for key, descends in _asked(given):
        if column := _column(key):
            terms.setdefault(column, descends)
    for column, descends in NEWEST_FIRST:
        terms.setdefault(column, descends)
    return ListOrder(tuple(terms.items()))


def _status(image: Image) -> str:
    """As `_applied` has it fetched."""
    status: str = getattr(image, "sort_status")  # noqa: B009  an annotation
    return status


def _asked(given: QueryDict) -> list[tuple[str, bool]]:
    keys, directions = given.getlist("sort_key"), given.getlist("sort_dir")
    sort = only(given, "sort")
    if sort is not None:
        if keys or directions:
            raise ValidationError({"sort": ["Does not go with sort_key and sort_dir."]})
        pairs = [term.strip().partition(":") for term in sort.split(",")]
        return [(key, _descends("sort", way or "desc")) for key, _, way in pairs]
    if len(directions) > 1 and len(directions) != len(keys):
        raise ValidationError({"sort_dir": ["As many as there are keys are needed, or one."]})
    keys = keys or ["created_at"]
    if len(directions) < 2:
        directions = (directions or ["desc"]) * len(keys)
    ways = [_descends("sort_dir", way) for way in directions]
    return list(zip(keys, ways, strict=True))


def _column(key: str) -> str:
    if key.strip() not in COLUMNS:
        raise ValidationError({"sort_key": [f"Must be one of: {', '.join(COLUMNS)}."]})
    return COLUMNS[key.strip()]


def _descends(parameter: str, way: str) -> bool:
    if way.strip() not in DIRECTIONS:
        raise ValidationError({parameter: ["A direction is asc or desc."]})
    return way.strip() == "desc"
