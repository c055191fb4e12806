"""All that /v1 tells of one tag."""

from typing import Any

from images.visibility import Viewer
from search.query import Query
from search.results import SearchResults
from taggedimages.http import caching
from tags.models import Tag
from tags.relatives import relatives


def state_of(tag: Tag, viewer: Viewer) -> dict[str, Any]:
    """What is told of a target but how many images have it."""
    return {
        "id": tag.pk,
        "name": tag.name,
        **relatives(tag, viewer)._asdict(),
        "status": tag.status,
        "category": tag.category,
    }


def detail_of(tag: Tag, viewer: Viewer) -> dict[str, Any]:
    """What is told of a target."""
    return state_of(tag, viewer) | {"images": images_of(tag, viewer).count()}


def images_of(tag: Tag, viewer: Viewer) -> SearchResults:
    """The images that a viewer is shown with a target, or with an alias of it."""
    return SearchResults(Query(tag_id=tag.pk, aliased=True), viewer)


def entity_tag(state: dict[str, Any]) -> str:
    """A strong entity tag of `state_of` or `detail_of`.

    How many images there are changes its second half alone: a write with If-Match is of the tag,
    and goes through though images got it meanwhile.
    """
    return caching.entity_tag(state, images=str(state.get("images", "")))
