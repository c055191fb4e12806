"""Tags of images as they are now, for contracts: by bitmaps, and where these cannot tell by links.

Of one state only within a transaction that is REPEATABLE READ.
"""

from collections.abc import Iterable, Sequence

from search.executor import tag_sets, whole
from search.executor.blocks import Blocks
from taggedimages.postgresql.bulk import array
from tags import spelling
from tags.models import Closure, Tag

# Images up to which links are read image by image, rather than all that there are.
FEW = 20_000

OF_THESE = "image_id = ANY(%(images)s::bigint[])"
# Images by how many tags they have; an alias is its target, so that both are one tag.
WITH_MORE = """
SELECT image_id FROM tags_imagetag WHERE {of_these} GROUP BY 1 HAVING count(*) > %(most)s
EXCEPT ALL
SELECT l.image_id FROM tags_imagetag l JOIN tags_tag t ON t.id = l.tag_id
WHERE l.image_id IN (
    SELECT a.image_id FROM tags_imagetag a JOIN tags_tag t ON t.id = a.tag_id
    WHERE t.alias_of_id IS NOT NULL AND {of_these}
)
GROUP BY 1
HAVING count(*) > %(most)s AND count(DISTINCT coalesce(t.alias_of_id, t.id)) <= %(most)s
"""
UNLIKE = """
SELECT image_id FROM tags_imagetag
WHERE tag_id IN (
    SELECT %(target)s::bigint
    UNION ALL SELECT descendant_id FROM tags_closure WHERE ancestor_id = %(target)s
) AND {of_these} AND value !~ %(pattern)s
"""


class Present:
    """The tags that images have now."""

    def targets(self, names: Iterable[str]) -> dict[str, int]:
        """The tags that names mean, an alias's target for an alias; names of none are left out."""
        spelt = spelling.settled(names)
        known = Tag.objects.filter(name__in=set(spelt.values()))
        rows = known.values_list("name", "pk", "alias_of")
        ids = {name: target or tag for name, tag, target in rows}
        return {name: ids[spelling_] for name, spelling_ in spelt.items() if spelling_ in ids}

    def having(self, targets: Sequence[int], images: Blocks) -> dict[int, Blocks]:
        """Which images have each of some tags, of those at least that are asked for."""
        return tag_sets.of_targets(targets, images)

    def with_more(self, most: int, images: Blocks) -> Blocks:
        """Those of some images that have more tags of their own than so many."""
        return _linked(WITH_MORE, images, most=most)

    def unlike(self, target: int, pattern: str, images: Blocks) -> Blocks:
        """Those of some images on which a tag has a value that does not match as a whole."""
        return _linked(UNLIKE, images, target=target, pattern=pattern)


def standing_for(targets: Sequence[int]) -> dict[int, list[int]]:
    """All that some tags, which are no aliases, stand for, themselves first."""
    found = {target: [target] for target in targets}
    below = Closure.objects.filter(ancestor__in=targets)
    for target, tag in below.values_list("ancestor", "descendant"):
        found[target].append(tag)
    return found


def _linked(statement: str, images: Blocks, **values: object) -> Blocks:
    is_few = len(images) <= FEW
    text = statement.format(of_these=OF_THESE if is_few else "true")
    asked = values | ({"images": array(images)} if is_few else {})
    return whole.of_statement(text, asked) & images
