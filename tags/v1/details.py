"""All that /v1 tells of one tag."""

from typing import Any

from images.visibility import Viewer
from search.query import Query
from search.results import SearchResults
from taggedimages.http import caching
from tags.models import Tag
from tags.relatives import relatives


def detail_of(tag: Tag, viewer: Viewer) -> dict[str, Any]:
    """What is told of a target."""
    return {
        "id": tag.pk,
        "name": tag.name,
        **relatives(tag, viewer)._asdict(),
        "images": images_of(tag, viewer).count(),
        "status": tag.status,
        "category": tag.category,
    }


def images_of(tag: Tag, viewer: Viewer) -> SearchResults:
    """The images that a viewer is shown with a target, or with an alias of it."""
    return SearchResults(Query(tag_id=tag.pk, aliased=True), viewer)


def entity_tag(detail: dict[str, Any]) -> str:
    """A strong entity tag of `detail_of`.

    How many images there are changes its second half alone: a write with If-Match is of the tag,
    and goes through though images got it meanwhile.
    """
    return caching.entity_tag(detail, images=str(detail["images"]))
