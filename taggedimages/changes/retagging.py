"""What a retag does to each image: tags that come, those that go, and values."""

from collections.abc import Iterable

from taggedimages.changes.edits import Edits, Link, NewLink, NewValue, links_of
from taggedimages.changes.models import Change, Outcome
from taggedimages.changes.operations import Operation


class Retag:
    """An operation whose tags all have ids, to be asked what an image needs.

    A link under an alias counts as its tag's; `meant` has the tag of each alias, by id.
    """

    def __init__(self, operation: Operation, meant: dict[int, int]) -> None:
        self.meant = meant
        self.wanted = [self._tag(tag.id) for tag in operation.wanted if tag.id is not None]
        self.unwanted = {self._tag(tag.id) for tag in operation.remove if tag.id is not None}
        self.values = {
            self._tag(tag.id): value for tag, value in operation.values.items() if tag.id
        }
        self.replaces = operation.replace is not None

    def tags_to_read(self) -> set[int] | None:
        """The tags whose links decide; None: all."""
        if self.replaces:
            return None
        named = {*self.wanted, *self.unwanted}
        return named | {alias for alias, tag in self.meant.items() if tag in named}

    def edits_of(self, image: int, links: Iterable[Link]) -> Edits:
        """What is to be done to an image that has these links."""
        edits = Edits()
        held: dict[int, Link] = {}
        for link in links:
            tag = self._tag(link.tag)
            if tag in self.unwanted or (self.replaces and tag not in self.wanted):
                edits.removed.append(link)
            elif tag not in held or link.tag == tag:
                held[tag] = link
        for tag in self.wanted:
            value = self.values.get(tag)
            if tag not in held:
                edits.added.append(NewLink(image, tag, value or ""))
            elif value is not None and held[tag].value != value:
                edits.valued.append(NewValue(held[tag], value))
        return edits

    def _tag(self, tag: int) -> int:
        return self.meant.get(tag, tag)


def edits(change: Change, images: list[int], refused: set[int]) -> dict[int, Edits | Outcome]:
    """What is to be done to each image, or what has become of it."""
    retag = Retag(Operation.from_json(change.operation), {})
    links = links_of(images, retag.tags_to_read())
    found: dict[int, Edits | Outcome] = {}
    for image in images:
        wanted = retag.edits_of(image, links.get(image, ()))
        found[image] = wanted or Outcome.ALREADY
        if wanted.tags & refused:
            found[image] = Outcome.FORBIDDEN
    return found
