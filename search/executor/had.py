"""Whether an image had tags at an instant, row by row: what is right for all quicker ways.

What the ledger's last line up to the instant says of an image and a tag was so. Where there is
none, it was as the first line after it found things; and where there is no line at all, as it is:
links that were loaded without a ledger were always there.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import BooleanField, Func
from django.db.models.sql.compiler import SQLCompiler

from taggedimages.postgresql.bulk import array

# Its value is null where the image lacked the tag.
HAD = """
EXISTS (
    SELECT FROM {tags} asked (tag), LATERAL (
        SELECT value FROM (
            (SELECT 1 AS place, c.new_value AS value FROM {lines} c
             WHERE c.tag_id = asked.tag AND c.changed_at <= %s
             ORDER BY c.changed_at DESC, c.id DESC LIMIT 1)
            UNION ALL
            (SELECT 2, c.old_value FROM {lines} c
             WHERE c.tag_id = asked.tag AND c.changed_at > %s
             ORDER BY c.changed_at, c.id LIMIT 1)
            UNION ALL
            SELECT 3, l.value FROM tags_imagetag l
            WHERE l.image_id = {image} AND l.tag_id = asked.tag
        ) told ORDER BY place LIMIT 1
    ) past WHERE {value}
)
"""
# OFFSET has the lines of the image looked up, which are some dozens, instead of the tag's.
LINES = "(SELECT * FROM tags_tagchange WHERE image_id = {image} OFFSET 0)"
THESE_TAGS = "unnest(%s::bigint[])"
ANY_TAG = """(
    SELECT tag_id FROM tags_tagchange WHERE image_id = {image}
    UNION SELECT tag_id FROM tags_imagetag WHERE image_id = {image}
)"""
THERE, ONE_OF = "value IS NOT NULL", "value = ANY(%s::text[])"


class Had(Func):
    """Whether an image, given by an expression of its id, had one of some tags, or with None any
    tag, at an instant; if values are given, with one of them. For querysets."""

    output_field = BooleanField()

    def __init__(
        self,
        image: Any,
        at: datetime,
        *,
        tags: Sequence[int] | None = None,
        values: Sequence[str] = (),
    ) -> None:
        super().__init__(image)
        self.at, self.tags, self.values = at, tags, values

    def as_sql(  # type: ignore[override]
        self, compiler: SQLCompiler, connection: Any, **_: Any
    ) -> tuple[str, list[Any]]:
        image, _parameters = compiler.compile(self.source_expressions[0])
        tags = ANY_TAG.format(image=image) if self.tags is None else THESE_TAGS
        value = ONE_OF if self.values else THERE
        parameters = [
            *([] if self.tags is None else [array(self.tags)]),
            *[self.at] * 2,
            *([array(self.values)] if self.values else []),
        ]
        lines = LINES.format(image=image)
        return HAD.format(image=image, tags=tags, lines=lines, value=value), parameters
