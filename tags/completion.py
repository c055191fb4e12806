"""Names that contain what somebody types, in alphabetical order."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from taggedimages.postgresql.routing import read_connection
from tags.names import part_pattern

# Names first: those that do not match are passed over in the index alone. Planned each time, for
# the planner looks at what is asked: of rare letters it reads the index of parts of names.
COMPLETIONS = """
SELECT t.uuid, t.name, t.color, t.label_en, t.label_fr
FROM (
    SELECT name FROM tags_tag
    WHERE folded LIKE %(pattern)s {flags} ORDER BY folded, name LIMIT %(most)s
) first JOIN tags_tag t USING (name) ORDER BY t.folded, t.name
"""
FLAGS = ("listed", "visible", "public", "allow_download")


class Completion(NamedTuple):
    """A tag as it is suggested."""

    uuid: UUID
    name: str
    color: str
    label_en: str
    label_fr: str


def completions(text: str, most: int, flags: Mapping[str, bool]) -> list[Completion]:
    """At most so many tags whose name has a text anywhere in it, in any case.

    `flags` are those of FLAGS that the tags must have, or lack.
    """
    asked: dict[str, Any] = {"pattern": part_pattern(text), "most": most}
    asked |= {name: flags[name] for name in FLAGS if name in flags}
    conditions = "".join(f" AND {name} = %({name})s" for name in FLAGS if name in flags)
    with read_connection().cursor() as cursor:
        cursor.execute(COMPLETIONS.format(flags=conditions), asked)
        return [Completion(*row) for row in cursor.fetchall()]
