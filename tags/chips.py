"""The tags of a page's images as they are shown beside a picture: name, value and colour."""

from typing import NamedTuple

import orjson
from django.db.models import TextField
from django.db.models.expressions import RawSQL

# Of one image, on a page of many.
CHIPS_MAX = 20

# Of the image of the row; stops at so many links, however many it has.
FIRST = """(
    SELECT json_agg(json_build_array(t.id, t.name, l.value, t.color) ORDER BY l.id)::text
    FROM (
        SELECT id, tag_id, value FROM tags_imagetag
        WHERE image_id = images_image.id ORDER BY id LIMIT %s
    ) l
    JOIN tags_tag given ON given.id = l.tag_id
    JOIN tags_tag t ON t.id = coalesce(given.alias_of_id, given.id)
)"""


class Chip(NamedTuple):
    """A tag of an image, its target where it is an alias; the colour is `#RRGGBB`."""

    id: int
    name: str
    value: str
    color: str


class Chips(NamedTuple):
    """The first tags of an image, oldest link first, and whether it has more."""

    shown: list[Chip]
    more: bool


def of_row() -> RawSQL:
    """What a queryset of images annotates to have their tags by the same statement, for `read`."""
    return RawSQL(FIRST, [CHIPS_MAX + 1], TextField(null=True))  # noqa: S611


def read(written: str | None) -> Chips:
    """The tags that `of_row` has brought. An image may have a tag and its alias: they are one."""
    links = [Chip(*link) for link in orjson.loads(written or "[]")]
    shown: dict[int, Chip] = {}
    for chip in links[:CHIPS_MAX]:
        shown.setdefault(chip.id, chip)
    return Chips([*shown.values()], len(links) > CHIPS_MAX)
