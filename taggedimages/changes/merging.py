"""Merging tags: the links of some become those of another, and stay the links that they are."""

from taggedimages.changes.edits import Edits, Link, NewLink, NewValue, links_of
from taggedimages.changes.models import Change, Outcome
from taggedimages.changes.operations import Operation


def edits(change: Change, images: list[int], refused: set[int]) -> dict[int, Edits | Outcome]:
    """What is to be done to each image, or what has become of it."""
    merge = Operation.from_json(change.operation).merge
    assert merge
    assert merge.into.id
    into = merge.into.id
    links = links_of(images, [into, *(tag.id for tag in merge.sources if tag.id)])
    found: dict[int, Edits | Outcome] = {}
    for image in images:
        wanted = moved(image, links.get(image, []), into)
        found[image] = wanted or Outcome.ALREADY
        if wanted.tags & refused:
            found[image] = Outcome.FORBIDDEN
    return found


def moved(image: int, links: list[Link], into: int) -> Edits:
    """What makes the links of an image those of one tag.

    The oldest becomes the target's link unless there is one, and takes along the first value. The
    target's own value stays.
    """
    sources = [link for link in links if link.tag != into]
    target = next((link for link in links if link.tag == into), None)
    if not sources:
        return Edits()
    value = next((link.value for link in sources if link.value), "")
    if target is None:
        return Edits(sources, [NewLink(image, into, value, origin=sources[0].tag)])
    valued = [NewValue(target, value)] if value and not target.value else []
    return Edits(sources, valued=valued)
