"""Names that contain what somebody types, in alphabetical order."""

from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

from tags.models import Tag, TagQuerySet
from tags.names import part_pattern

FLAGS = ("listed", "visible", "public", "allow_download")


class Completion(NamedTuple):
    """A tag as it is suggested."""

    uuid: UUID
    name: str
    color: str
    label_en: str
    label_fr: str


def completions(
    tags: TagQuerySet, text: str, most: int, flags: Mapping[str, bool]
) -> list[Completion]:
    """At most so many of some tags whose name has a text anywhere in it, in any case.

    `flags` are those of FLAGS that the tags must have, or lack.
    """
    # Names first: those that do not match are passed over in the index alone. Of rare letters the
    # planner reads the index of parts of names.
    wanted = {name: flags[name] for name in FLAGS if name in flags}
    found = tags.filter(folded__like=part_pattern(text), **wanted).alphabetical()[:most]
    first = Tag.objects.filter(name__in=found.values("name")).alphabetical()
    return [Completion(*row) for row in first.values_list(*Completion._fields)]
