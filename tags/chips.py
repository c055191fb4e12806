"""The tags of a page's images as they are shown beside a picture: name, value and colour."""

from collections.abc import Sequence
from typing import NamedTuple

from taggedimages.postgresql.bulk import array
from taggedimages.postgresql.routing import read_connection

# Of one image, on a page of many.
CHIPS_MAX = 20

# Stops at so many links of each image, however many it has.
FIRST_OF_EACH = """
SELECT l.image_id, t.id, t.name, l.value, t.color
FROM unnest(%(images)s::bigint[]) AS i (id)
CROSS JOIN LATERAL (
    SELECT id, image_id, tag_id, value FROM tags_imagetag
    WHERE image_id = i.id ORDER BY id LIMIT %(most)s
) l
JOIN tags_tag given ON given.id = l.tag_id
JOIN tags_tag t ON t.id = coalesce(given.alias_of_id, given.id)
ORDER BY l.image_id, l.id
"""


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


NONE = Chips([], False)


def of_images(images: Sequence[int]) -> dict[int, Chips]:
    """The tags of images by their ids; without those that have none. One statement."""
    if not images:
        return {}
    with read_connection().cursor() as cursor:
        cursor.execute(FIRST_OF_EACH, {"images": array(images), "most": CHIPS_MAX + 1})
        rows = cursor.fetchall()
    found: dict[int, dict[int, Chip]] = {}
    links: dict[int, int] = {}
    for image, *chip in rows:
        links[image] = links.get(image, 0) + 1
        if links[image] <= CHIPS_MAX:
            # An image may have a tag and its alias: they are one.
            found.setdefault(image, {}).setdefault(chip[0], Chip(*chip))
    return {image: Chips([*of.values()], links[image] > CHIPS_MAX) for image, of in found.items()}
