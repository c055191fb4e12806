"""What a retag does to each image: tags that come, those that go, and values."""

from collections import defaultdict
from collections.abc import Iterable

from django.db.models import Q

from taggedimages.changes.edits import Edits, Link, NewLink, NewValue, links_of
from taggedimages.changes.models import Change, Outcome
from taggedimages.changes.operations import Operation
from tags.models import Tag


class Retag:
    """An operation whose tags all have ids, to be asked what an image needs.

    A link under an alias counts as its tag's; `meant` has the tag of each alias, by id.
    """

    def __init__(self, operation: Operation, meant: dict[int, int]) -> None:
        self.meant = meant
        wanted = (self._tag(tag.id) for tag in operation.wanted if tag.id is not None)
        self.wanted = list(dict.fromkeys(wanted))
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
        held: defaultdict[int, list[Link]] = defaultdict(list)
        for link in links:
            tag = self._tag(link.tag)
            if tag in self.unwanted or (self.replaces and tag not in self.wanted):
                edits.removed.append(link)
            else:
                held[tag].append(link)
        for tag in self.wanted:
            value = self.values.get(tag)
            if tag not in held:
                edits.added.append(NewLink(image, tag, value or ""))
            elif value is not None:
                others = (link for link in held[tag] if link.value != value)
                edits.valued += [NewValue(link, value) for link in others]
        return edits

    def _tag(self, tag: int) -> int:
        return self.meant.get(tag, tag)


def aliases_of(operation: Operation) -> dict[int, int]:
    """The targets of all aliases that matter, by id: of the named tags, and those among them."""
    named = [tag.id for tag in operation.named if tag.id is not None]
    aliases = Tag.objects.filter(Q(pk__in=named) | Q(alias_of__in=named), alias_of__isnull=False)
    return {alias.pk: alias.alias_of_id for alias in aliases if alias.alias_of_id is not None}


def edits(change: Change, images: list[int], refused: set[int]) -> dict[int, Edits | Outcome]:
    """What is to be done to each image, or what has become of it."""
    operation = Operation.from_json(change.operation)
    retag = Retag(operation, aliases_of(operation))
    links = links_of(images, retag.tags_to_read())
    found: dict[int, Edits | Outcome] = {}
    for image in images:
        wanted = retag.edits_of(image, links.get(image, ()))
        found[image] = wanted or Outcome.ALREADY
        if wanted.tags & refused:
            found[image] = Outcome.FORBIDDEN
    return found
