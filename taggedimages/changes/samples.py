"""Some images of a plan, with their tags before and after: what one looks at first."""

from collections.abc import Iterable
from itertools import islice
from typing import Any

from django.db import connection

from search.executor.blocks import Blocks
from taggedimages.changes.effects import meant_by
from taggedimages.changes.operations import Operation
from taggedimages.postgresql.bulk import array

SAMPLE_IMAGES = 24
# Of each image; some have thousands.
SAMPLE_TAGS = 100

LINKS = """
SELECT l.image_id, l.tag_id, t.name, l.value
FROM tags_imagetag l JOIN tags_tag t ON t.id = l.tag_id
WHERE l.image_id = ANY(%s::bigint[]) ORDER BY l.id
"""
# The tags of an image in their order: name and value by id; without one yet, by name.
Tags = dict[int | str, tuple[str, str]]


def chosen(images: Blocks) -> list[int]:
    """Up to SAMPLE_IMAGES, spread evenly over all: the same of the same images."""
    count = len(images)
    wanted = [place * count // SAMPLE_IMAGES for place in range(SAMPLE_IMAGES)]
    if count <= SAMPLE_IMAGES:
        return list(images)
    return [next(islice(images.from_place(place), 1)) for place in wanted]


def sample(operation: Operation, touched: Blocks) -> list[dict[str, Any]]:
    """What becomes of some of the images that something is done to. One statement."""
    images = chosen(touched)
    shown = []
    for image, before in tags_of(images).items():
        after = _after(operation, before)
        shown.append(shown_as(image, before, after))
    return shown


def tags_of(images: Iterable[int]) -> dict[int, Tags]:
    """The tags of some images, each in the order of its links. One statement."""
    found: dict[int, Tags] = {image: {} for image in images}
    with connection.cursor() as cursor:
        cursor.execute(LINKS, [array(found)])
        for image, tag, name, value in cursor.fetchall():
            found[image][tag] = name, value
    return found


def shown_as(image: int, before: Tags, after: Tags) -> dict[str, Any]:
    """An image of a sample; values are there where one is another afterwards."""
    shown: dict[str, Any] = {"id": image, "before": _names(before), "after": _names(after)}
    if _values(before) != _values(after):
        shown |= {"values_before": _values(before), "values_after": _values(after)}
    return shown


def _after(operation: Operation, before: Tags) -> Tags:
    if operation.merge:
        return _merged(operation, before)
    meant = meant_by(operation.named)
    kept = {one for tag in operation.wanted for one in meant.get(tag.id or 0, ())}
    gone = {one for tag in operation.remove for one in meant.get(tag.id or 0, ())}
    after = {
        tag: named
        for tag, named in before.items()
        if tag not in gone and (operation.replace is None or tag in kept)
    }
    for tag in operation.wanted:
        value = operation.values.get(tag)
        there = [one for one in meant.get(tag.id or 0, ()) if one in after]
        if there and value is not None:
            after[there[0]] = after[there[0]][0], value
        if not there:
            after[tag.id or tag.name] = tag.name, value or ""
    return after


def _merged(operation: Operation, before: Tags) -> Tags:
    """The oldest source stands in the target's place unless that is there."""
    assert operation.merge
    into, sources = operation.merge.into, {tag.id for tag in operation.merge.sources}
    values = [value for tag, (_, value) in before.items() if tag in sources and value]
    value = before.get(into.id or 0, ("", ""))[1] or next(iter(values), "")
    after: Tags = {}
    for tag, named in before.items():
        if tag == into.id or (tag in sources and (into.id or 0) not in {*before, *after}):
            after[into.id or into.name] = into.name, value
        elif tag not in sources:
            after[tag] = named
    return after


def _names(tags: Tags) -> list[str]:
    return [name for name, _ in islice(tags.values(), SAMPLE_TAGS)]


def _values(tags: Tags) -> dict[str, str]:
    return {name: value for name, value in tags.values() if value}
