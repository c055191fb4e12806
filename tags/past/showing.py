"""The tags that images had at an instant as records show them: as targets, with names.

What a tag is called, and whose alias it is, is said as of the same instant, or by today's
vocabulary. Of tags that are not there any more today's cannot tell: they keep the name they had.

Whoever is shown an image is told the tags that it had, as by its history. What these have become
since is told of tags that the viewer is shown now (tags.shown), and of no others.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, NotRequired, TypedDict

from django.db.models import F
from django.db.models.functions import Coalesce

from images.visibility import Viewer
from tags.implied import ImpliedTag
from tags.ledger import REDACTED
from tags.models import Tag
from tags.names import folded
from tags.past import links, vocabulary
from tags.shown import IsShown


class PastTag(TypedDict):
    """A tag that an image had, and its value if there was one. Where its name differs, the other
    one stands beside it: today's, None where there is none to tell, or by today's vocabulary that
    of then."""

    id: int
    name: str
    value: NotRequired[str]
    name_now: NotRequired[str | None]
    name_then: NotRequired[str | None]


class Moment(NamedTuple):
    """An instant, whether names are told by today's vocabulary, and who asks."""

    at: datetime
    vocabulary_now: bool
    viewer: Viewer


def tags_of(images: Iterable[int], moment: Moment) -> dict[int, list[PastTag]]:
    """The tags that each of some images had, targets in place of their aliases, each once and in
    alphabetical order. Some five statements for any number of images."""
    given = links.of_images(images, moment.at)
    every = {link.tag_id for each in given.values() for link in each}
    shown = _by_today(every, moment) if moment.vocabulary_now else _by_then(every, moment)
    return {image: _each_once(each, shown) for image, each in given.items()}


def implied(given: Sequence[Sequence[int]], moment: Moment) -> list[list[ImpliedTag]]:
    """What the tags of each of some images, ids of targets, implied then by any number of steps,
    but for those that the image had itself, in alphabetical order.

    Only tags that the viewer is shown now: of those that are gone nobody knows who was shown them,
    and they are told to who is shown all.
    """
    above = vocabulary.implied({tag for tags in given for tag in tags}, moment.at)
    every = {parent for parents in above.values() for parent in parents}
    names = vocabulary.names_of(every, moment.at)
    if not moment.viewer.sees_all:
        names = {tag: names[tag] for tag in _shown(names, moment.viewer) if tag in names}
    return [_implied_by(tags, above, names) for tags in given]


def _by_then(every: set[int], moment: Moment) -> dict[int, PastTag]:
    """How each of some tags is shown by the vocabulary of then."""
    target_of = vocabulary.targets(every, moment.at)
    wanted = {target_of.get(tag, tag) for tag in every}
    then = vocabulary.names_of(wanted, moment.at)
    now = dict(Tag.objects.filter(pk__in=wanted).values_list("pk", "name"))
    differing = [tag for tag in wanted if now.get(tag) != then.get(tag)]
    told = _shown(differing, moment.viewer) if differing else {}
    tags: dict[int, PastTag] = {}
    for tag in wanted:
        tags[tag] = PastTag(id=tag, name=then.get(tag, REDACTED))
    for tag in differing:
        tags[tag]["name_now"] = told.get(tag)
    return {tag: tags[target_of.get(tag, tag)] for tag in every}


def _by_today(every: set[int], moment: Moment) -> dict[int, PastTag]:
    """How each of some tags is shown by today's vocabulary."""
    pairs = Tag.objects.filter(pk__in=every).values_list("pk", "alias_of")
    aliases = {tag: target for tag, target in pairs if target is not None}
    told = _shown(every | set(aliases.values()), moment.viewer)
    target_of = {tag: target for tag, target in aliases.items() if target in told}
    wanted = {target_of.get(tag, tag) for tag in every}
    then = vocabulary.names_of(wanted, moment.at)
    tags: dict[int, PastTag] = {}
    for tag in wanted:
        name = told.get(tag) or then.get(tag, REDACTED)
        tags[tag] = PastTag(id=tag, name=name)
        if then.get(tag) != name:
            tags[tag]["name_then"] = then.get(tag)
    return {tag: tags[target_of.get(tag, tag)] for tag in every}


def _shown(tags: Iterable[int], viewer: Viewer) -> dict[int, str]:
    """Today's names of those of some tags that a viewer is shown now; aliases as their targets."""
    own = Tag.objects.filter(pk__in=list(tags))
    shown = own.filter(IsShown(Coalesce(F("alias_of"), F("pk")), viewer, aliased=True))
    return dict(shown.values_list("pk", "name"))


def _each_once(given: Iterable[links.PastLink], shown: Mapping[int, PastTag]) -> list[PastTag]:
    """The tags of one image, a target with the value that it or else an alias of it had."""
    tags: dict[int, PastTag] = {}
    for link in sorted(given, key=lambda link: shown[link.tag_id]["id"] != link.tag_id):
        tag = tags.setdefault(shown[link.tag_id]["id"], shown[link.tag_id].copy())
        if link.value:
            tag.setdefault("value", link.value)
    return sorted(tags.values(), key=_alphabetical)


def _alphabetical(tag: PastTag | ImpliedTag) -> tuple[str, str, int]:
    return folded(tag["name"]), tag["name"], tag["id"]


def _implied_by(
    tags: Sequence[int], above: Mapping[int, list[int]], names: Mapping[int, str]
) -> list[ImpliedTag]:
    because: dict[int, list[int]] = {}
    for tag in tags:
        for parent in above[tag]:
            if parent in names and parent not in tags:
                because.setdefault(parent, []).append(tag)
    found = [
        ImpliedTag(id=tag, name=names[tag], because=children) for tag, children in because.items()
    ]
    return sorted(found, key=_alphabetical)
