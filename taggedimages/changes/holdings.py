"""Which of some images have a tag, or a tag with a value: what a plan is worked out from.

Of few images the links are read once; of many, bitmaps tell (docs/tag-index.md), and an index of
the links that have values.
"""

from collections import defaultdict
from collections.abc import Iterable

from django.db import connection

from search.executor import whole
from search.executor.blocks import Blocks
from taggedimages.postgresql.bulk import array

# Images whose links are all read.
FEW = 10_000

LINKS = """
SELECT image_id, tag_id, value FROM tags_imagetag
WHERE image_id = ANY(%s::bigint[]) AND tag_id = ANY(%s::bigint[])
"""
WITH_VALUE = "SELECT image_id FROM tags_imagetag WHERE tag_id = %s AND value = %s"
WITH_ANY_VALUE = "SELECT image_id FROM tags_imagetag WHERE tag_id = %s AND value <> ''"


class Holdings:
    """What some images have of some tags, by id."""

    def __init__(self, images: Blocks, tags: Iterable[int]) -> None:
        self.images = images
        self._read: dict[tuple[int, str], Blocks] | None = None
        if len(images) <= FEW:
            with connection.cursor() as cursor:
                cursor.execute(LINKS, [array(images), array(tags)])
                found = defaultdict(list)
                for image, tag, value in cursor.fetchall():
                    found[tag, value].append(image)
            self._read = {link: Blocks.of(having) for link, having in found.items()}

    def of(self, tag: int) -> Blocks:
        """Those that have a tag."""
        if self._read is None:
            return whole.of_tag(tag) & self.images
        found = Blocks()
        for (one, _), having in self._read.items():
            if one == tag:
                found |= having
        return found

    def of_value(self, tag: int, value: str) -> Blocks:
        """Those that have a tag with just this value."""
        if self._read is not None:
            return self._read.get((tag, value), Blocks())
        if value:
            return whole.of_statement(WITH_VALUE, [tag, value]) & self.images
        return self.of(tag) - whole.of_statement(WITH_ANY_VALUE, [tag])
