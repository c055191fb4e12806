"""The order of the lists of images, and what follows an image in it (Glance's sorting).

`sort=name:asc,size` or `sort_key=name&sort_dir=asc`, each of the two repeated at will. Equal images
are newest first, so that pages never overlap.
"""

from dataclasses import dataclass

from django.db.models import Case, CharField, F, Q, Value, When
from django.http import QueryDict
from rest_framework.exceptions import ValidationError

from images.models import Image
from images.querysets import ImageQuerySet
from search.lookups import UPLOAD_STATES
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
STATUS = Case(
    When(UPLOAD_STATES["arrived"], then=Value("active")),
    When(UPLOAD_STATES["failed"], then=Value("killed")),
    default=Value("queued"),
    output_field=CharField(),
)
NEWEST_FIRST = (("created_at", True), ("pk", True))


@dataclass(frozen=True)
class ListOrder:
    """Columns, each with whether it descends; together they tell all images apart."""

    terms: tuple[tuple[str, bool], ...]

    def applied(self, images: ImageQuerySet) -> ImageQuerySet:
        """The images in this order, whatever theirs was."""
        if self.terms == NEWEST_FIRST:
            return images.newest_first()
        terms = [
            F(column).desc() if descends else F(column).asc() for column, descends in self.terms
        ]
        return images.annotate(sort_status=STATUS).order_by(*terms)

    def after(self, images: ImageQuerySet, marked: ImageQuerySet) -> ImageQuerySet:
        """Those of some images that follow a marked one. Raises ValidationError without one."""
        last = self.applied(marked).first()
        if last is None:
            raise ValidationError({"marker": ["There is no such image."]})
        if self.terms == NEWEST_FIRST:
            return images.older_than(last)
        return self.applied(images).filter(self._beyond(last))

    def _beyond(self, last: Image) -> Q:
        beyond, equal = Q(pk__in=[]), Q()
        for column, descends in self.terms:
            value = getattr(last, column)
            beyond |= equal & Q(**{f"{column}__{'lt' if descends else 'gt'}": value})
            equal &= Q(**{column: value})
        return beyond


def order_of(given: QueryDict) -> ListOrder:
    """The order that the parameters of a list ask for. Raises ValidationError."""
    terms: dict[str, bool] = {}
    for key, descends in _asked(given):
        if column := _column(key):
            terms.setdefault(column, descends)
    for column, descends in NEWEST_FIRST:
        terms.setdefault(column, descends)
    return ListOrder(tuple(terms.items()))


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
