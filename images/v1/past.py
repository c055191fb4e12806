"""Records with the tags that their images had at an instant, in place of those of now."""

from collections.abc import Sequence
from typing import Any

import orjson

from images.models import Image
from search.results import Record
from taggedimages.epochs import epoch_seconds
from tags import page_links
from tags.past import showing
from tags.past.showing import Moment, PastTag


def meta(moment: Moment | None) -> dict[str, Any]:
    """What an answer says of the instant it is as of; nothing of now."""
    return {} if moment is None else {"as_of": epoch_seconds(moment.at)}


def with_past_tags(
    images: Sequence[Record], moment: Moment, *, whole: bool = False
) -> list[Record]:
    """Records of a list with the tags of an instant.

    Of a page that would have too many, the first of each; with `whole`, all.
    """
    tags = showing.tags_of([image.id for image in images], moment)
    most = max(map(len, tags.values()), default=0)
    if not whole and sum(map(len, tags.values())) > page_links.MAX_LINKS:
        most = page_links.FIRST_LINKS
    written = _written(tags, most)
    while not whole and sum(map(len, written.values())) > page_links.MAX_TAGS_BYTES:
        # Of very long names fewer, as many of each image.
        most = most * 3 // 4
        written = _written(tags, most)
    return [image._replace(tags=written[image.id]) for image in images]


def was_registered(image: Image, moment: Moment) -> bool:
    """Whether there was a record of an image; nobody knows it of old ones, which were there."""
    return image.registered_at is None or image.registered_at <= moment.at


def past_record(record: dict[str, Any], moment: Moment, *, implied: bool) -> dict[str, Any]:
    """The ImageRecord of one image as of an instant."""
    [tags] = showing.tags_of([record["id"]], moment).values()
    past = record | {"tags": tags, "meta": meta(moment)}
    if implied:
        [past["implied_tags"]] = showing.implied([[tag["id"] for tag in tags]], moment)
    return past


def _written(tags: dict[int, list[PastTag]], most: int) -> dict[int, bytes]:
    return {image: orjson.dumps(each[:most]) for image, each in tags.items()}
