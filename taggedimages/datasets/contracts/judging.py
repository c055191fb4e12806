"""Which images fail which rule, by sets of bits: exactly, in the state that the caller's
transaction sees.

A set for each tag is combined in memory, so that a million images are judged in milliseconds; what
sets of tags cannot tell, values and how many tags an image has, is read from links.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from search.executor.blocks import Blocks
from taggedimages.datasets.contracts.rules import AT_MOST, VALUE, Rule, whole

# Sets of tags that are in memory at a time, each 1 KB for 8,192 images; a rule has 200 at most.
SETS_MAX = 200


class Judged(NamedTuple):
    """The images that fail each rule, and the names that no tag has."""

    of_rules: list[Blocks]
    unknown_tags: list[str]


class State(Protocol):
    """The tags of images at some instant: `present.Present`, and `past.Past`."""

    def targets(self, names: Iterable[str]) -> dict[str, int]: ...
    def having(self, targets: Sequence[int], images: Blocks) -> dict[int, Blocks]: ...
    def with_more(self, most: int, images: Blocks) -> Blocks: ...
    def unlike(self, target: int, pattern: str, images: Blocks) -> Blocks: ...


class Having:
    """Which of some images have which tags, by the names that some rules say."""

    def __init__(self, images: Blocks, targets: Mapping[str, int], state: State) -> None:
        self.images, self.targets, self.state = images, targets, state
        self._sets: dict[int, Blocks] = {}

    def read(self, tags: Iterable[int]) -> None:
        """Have the sets of these tags at hand, and no others."""
        wanted = set(tags)
        kept = {tag: images for tag, images in self._sets.items() if tag in wanted}
        missing = sorted(wanted - kept.keys())
        if missing:
            kept |= self.state.having(missing, self.images)
        self._sets = kept

    def ids(self, names: Iterable[str]) -> list[int]:
        """The tags that some names mean, each once; names of none are left out."""
        return sorted({self.targets[name] for name in names if name in self.targets})

    def each(self, names: Sequence[str]) -> list[Blocks]:
        """A set for each tag that these names mean."""
        return [self._sets[tag] for tag in self.ids(names)]

    def every(self, names: Sequence[str]) -> Blocks:
        """The images that have all of these; none where a name is of no tag."""
        if any(name not in self.targets for name in names):
            return Blocks()
        found = self.images
        for having in self.each(names):
            found &= having
        return found


def failures(rules: Sequence[Rule], images: Blocks, state: State) -> Judged:
    """Which of some images fail each of the rules."""
    names = sorted({name for rule in rules for name in rule.every_name})
    targets = state.targets(names)
    having = Having(images, targets, state)
    found = []
    for lot in _lots(rules, having):
        having.read(tag for rule in lot for tag in _tags_read(rule, having))
        found += [_failing(rule, having) for rule in lot]
    return Judged(found, [name for name in names if name not in targets])


def _lots(rules: Sequence[Rule], having: Having) -> Iterable[list[Rule]]:
    """The rules in their order, so many together as have SETS_MAX tags in all."""
    lot: list[Rule] = []
    tags: set[int] = set()
    for rule in rules:
        own = set(_tags_read(rule, having))
        if lot and len(tags | own) > SETS_MAX:
            yield lot
            lot, tags = [], set()
        lot.append(rule)
        tags |= own
    if lot:
        yield lot


def _tags_read(rule: Rule, having: Having) -> list[int]:
    return having.ids((*rule.condition, *rule.names))


def _failing(rule: Rule, having: Having) -> Blocks:
    judged = having.every(rule.condition) if rule.condition else having.images
    if not judged:
        return judged
    if rule.kind == AT_MOST:
        return having.state.with_more(rule.most, judged)
    if rule.kind == VALUE:
        tag = having.targets.get(rule.tag)
        return having.state.unlike(tag, whole(rule.pattern), judged) if tag else Blocks()
    if rule.kind == "all_of":
        return judged - having.every(rule.names)
    one, two = _at_least(having.each(rule.names))
    if rule.kind == "none_of":
        return judged & one
    if rule.kind == "at_least_one_of":
        return judged - one
    return judged - (one - two)


def _at_least(sets: Iterable[Blocks]) -> tuple[Blocks, Blocks]:
    """The images in one of some sets at least, and those in two."""
    one, two = Blocks(), Blocks()
    for images in sets:
        two |= one & images
        one |= images
    return one, two
