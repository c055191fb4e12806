"""Tags of images as they were at an instant, for contracts: from the ledger, a lot at a time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice

from search.executor.blocks import Blocks
from search.planner.then import ids_then, meanings_then
from search.query import Rules
from taggedimages.datasets.contracts.present import Present, standing_for
from taggedimages.postgresql.bulk import array
from taggedimages.postgresql.routing import read_connection
from tags.models import Tag
from tags.past import links, vocabulary
from tags.past.links import PastLink

# Images whose links are in memory at a time.
LOT_IMAGES = 10_000
# Places of the values that do not match.
UNLIKE = """
SELECT place - 1 FROM unnest(%s::text[]) WITH ORDINALITY told (value, place) WHERE value !~ %s
"""

Links = Mapping[int, Sequence[PastLink]]


class Past:
    """The tags that images had at an instant, by the names and rules of then; with
    `vocabulary_now` by those of now. Each method says what that of `present.Present` does."""

    def __init__(self, at: datetime, *, vocabulary_now: bool = False) -> None:
        self.at, self.vocabulary_now = at, vocabulary_now

    def targets(self, names: Iterable[str]) -> dict[str, int]:
        """The tags that names mean; two statements at most."""
        if self.vocabulary_now:
            return Present().targets(names)
        ids = ids_then(names, self.at)
        targets = self._targets(ids.values())
        return {name: targets.get(tag, tag) for name, tag in ids.items()}

    def having(self, targets: Sequence[int], images: Blocks) -> dict[int, Blocks]:
        """Which of some images had each of some tags."""
        meant: dict[int, list[int]] = {}
        for target, tags in self._meanings(targets).items():
            for tag in tags:
                meant.setdefault(tag, []).append(target)
        sets = dict.fromkeys(targets, Blocks())
        for lot in self._lots(images):
            found: dict[int, list[int]] = {}
            for image, of_image in lot.items():
                for tag, _ in of_image:
                    for target in meant.get(tag, ()):
                        found.setdefault(target, []).append(image)
            for target, having in found.items():
                sets[target] |= Blocks.of(having)
        return sets

    def with_more(self, most: int, images: Blocks) -> Blocks:
        """Those of some images that had more tags of their own than so many."""
        found = Blocks()
        for lot in self._lots(images):
            many = {image: of_image for image, of_image in lot.items() if len(of_image) > most}
            targets = self._targets({tag for of_image in many.values() for tag, _ in of_image})
            found |= Blocks.of(
                image
                for image, of_image in many.items()
                if len({targets.get(tag, tag) for tag, _ in of_image}) > most
            )
        return found

    def unlike(self, target: int, pattern: str, images: Blocks) -> Blocks:
        """Those of some images on which a tag had a value that does not match."""
        tags = set(self._meanings([target])[target])
        found = Blocks()
        for lot in self._lots(images):
            valued = [
                (image, value)
                for image, of_image in lot.items()
                for tag, value in of_image
                if tag in tags
            ]
            with read_connection().cursor() as cursor:
                cursor.execute(UNLIKE, [array(value for _, value in valued), pattern])
                found |= Blocks.of(valued[place][0] for (place,) in cursor.fetchall())
        return found

    def _meanings(self, targets: Sequence[int]) -> Mapping[int, Sequence[int]]:
        if self.vocabulary_now:
            return standing_for(targets)
        return meanings_then(targets, Rules.IMPLICATIONS, self.at)

    def _targets(self, tags: Iterable[int]) -> dict[int, int]:
        """The targets of those of some tags that are aliases."""
        if self.vocabulary_now:
            aliases = Tag.objects.filter(pk__in=set(tags), alias_of__isnull=False)
            return {tag: target for tag, target in aliases.values_list("pk", "alias_of") if target}
        return vocabulary.targets(tags, self.at)

    def _lots(self, images: Blocks) -> Iterator[Links]:
        remaining = iter(images)
        while lot := list(islice(remaining, LOT_IMAGES)):
            yield links.of_images(lot, self.at)
