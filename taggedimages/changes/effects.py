"""What an operation would do to images: exactly, tag by tag, and without touching any.

All statements have to see one state of the database. Sets of images are bits in memory, a few of
them at a time.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from django.db import connection

from search.executor import whole
from search.executor.blocks import Blocks
from search.index.bits import BLOCK_SQL, is_set
from taggedimages.changes import holdings, rights
from taggedimages.changes.holdings import Holdings
from taggedimages.changes.operations import Merge, Operation, TagRef
from taggedimages.identity.authors import Author
from taggedimages.postgresql.bulk import array
from taggedimages.postgresql.fragments import compose
from tags import restriction
from tags.models import Tag

# The links of few images that have none of some tags.
OTHER_LINKS = """
SELECT image_id, tag_id FROM tags_imagetag
WHERE image_id = ANY(%s::bigint[]) AND NOT tag_id = ANY(%s::bigint[])
"""

# Of a merge: the links with values that give them up, and the targets that get one.
MERGED_VALUES = compose(
    """
WITH valued AS MATERIALIZED (
    SELECT l.id, l.image_id, l.tag_id, l.value FROM tags_imagetag l
    JOIN changes_set s
        ON s.change_id = %(change)s AND s.outcome = 0 AND s.block = l.image_id / {block}
    WHERE l.tag_id = ANY(%(tags)s::bigint[]) AND l.value <> '' AND {is_frozen}
), kept AS (
    SELECT DISTINCT ON (image_id) image_id, tag_id, value FROM valued
    ORDER BY image_id, tag_id <> %(into)s, id
)
SELECT (SELECT count(*) FROM valued v JOIN kept k USING (image_id)
        WHERE v.tag_id <> %(into)s AND v.value <> k.value),
       (SELECT count(*) FROM kept k WHERE k.tag_id <> %(into)s AND EXISTS (
            SELECT FROM tags_imagetag t
            WHERE t.image_id = k.image_id AND t.tag_id = %(into)s))
""",
    block=BLOCK_SQL,
    is_frozen=is_set("s.bits", "l.image_id"),
).text


class Coming(NamedTuple):
    """How many links of a tag come, and how many go."""

    added: int = 0
    removed: int = 0


@dataclass
class Effects:
    """What would become of some images: those that something is done to, links by tag, links that
    get another value, and values that go with theirs."""

    touched: Blocks = field(default_factory=Blocks)
    tags: dict[TagRef, Coming] = field(default_factory=dict)
    values_changed: int = 0
    values_dropped: int = 0

    @property
    def added(self) -> int:
        return sum(tag.added for tag in self.tags.values())

    @property
    def removed(self) -> int:
        return sum(tag.removed for tag in self.tags.values())


def refused(operation: Operation, images: Blocks, by: Author) -> Blocks:
    """Those of some images on which a tag would come, go or change that is not the author's to
    use."""
    names = set(restriction.refused([tag.name for tag in operation.named], by))
    ids = dict(rights.refused_tags(by).values_list("pk", "name"))

    def kept(tags: Iterable[TagRef]) -> tuple[TagRef, ...]:
        return tuple(tag for tag in tags if tag.id in ids or (tag.id is None and tag.name in names))

    if operation.merge:
        return _merged(operation.merge, images)[0] if kept(operation.named) else Blocks()
    gone = kept(operation.remove)
    if operation.replace is not None:
        wanted = {tag.id for tag in operation.wanted}
        gone = tuple(TagRef(tag, name) for tag, name in ids.items() if tag not in wanted)
    values = {tag: operation.values[tag] for tag in kept(operation.values)}
    theirs = Operation(kept((*(operation.replace or ()), *operation.add)), gone, values=values)
    return _retagged(theirs, images).touched if theirs.named else Blocks()


def of(operation: Operation, change_id: int, images: Blocks) -> Effects:
    """What an operation does to the frozen images of a change, which `images` are."""
    if operation.merge:
        touched, tags = _merged(operation.merge, images)
        dropped, changed = _merged_values(operation.merge, change_id)
        return Effects(touched, tags, changed, dropped)
    effects = _retagged(operation, images)
    if operation.replace is not None:
        _add_others(effects, operation, images)
    return effects


def meant_by(tags: Iterable[TagRef]) -> dict[int, list[int]]:
    """The ids under which links count as those of some tags, by the id of each: its own first, and
    those of its aliases."""
    meant: dict[int, list[int]] = {tag.id: [tag.id] for tag in tags if tag.id is not None}
    aliases = Tag.objects.filter(alias_of__in=list(meant)).order_by("pk")
    for alias in aliases.only("pk", "alias_of_id"):
        meant[alias.alias_of_id or 0].append(alias.pk)
    return meant


def _retagged(operation: Operation, images: Blocks) -> Effects:
    """What comes and goes by name, but for all that a replacement takes away."""
    meant = meant_by(operation.named)
    held = Holdings(images, [one for ids in meant.values() for one in ids])
    effects = Effects()
    for tag in operation.wanted:
        ids = meant[tag.id] if tag.id is not None else []
        having = Blocks()
        for one in ids:
            # Of several links that count as the tag's, its own gets the value.
            fresh = held.of(one) - having
            having |= fresh
            if tag in operation.values:
                changed = fresh - held.of_value(one, operation.values[tag])
                effects.values_changed += len(changed)
                effects.touched |= changed
        lacking = images - having
        effects.touched |= lacking
        effects.tags[tag] = Coming(added=len(lacking))
    for tag in operation.remove:
        removed = 0
        for one in meant[tag.id] if tag.id is not None else []:
            having = held.of(one)
            removed += len(having)
            effects.touched |= having
        effects.tags[tag] = Coming(removed=removed)
    return effects


def _add_others(effects: Effects, operation: Operation, images: Blocks) -> None:
    """Count what a replacement takes away, the most frequent tag first."""
    kept = [one for ids in meant_by(operation.wanted).values() for one in ids]
    counted, having = _others(images, kept)
    effects.touched |= having
    names = dict(Tag.objects.filter(pk__in=counted).values_list("pk", "name"))
    for tag, links in sorted(counted.items(), key=lambda one: (-one[1], one[0])):
        effects.tags[TagRef(tag, names[tag])] = Coming(removed=links)


def _others(images: Blocks, kept: Sequence[int]) -> tuple[Counter[int], Blocks]:
    """How many of some images have each tag but some, and which have any."""
    if len(images) > holdings.FEW:
        return whole.all_tags(images, kept)
    with connection.cursor() as cursor:
        cursor.execute(OTHER_LINKS, [array(images), array(kept)])
        links = cursor.fetchall()
    return Counter(tag for _, tag in links), Blocks.of(image for image, _ in links)


def _merged(merge: Merge, images: Blocks) -> tuple[Blocks, dict[TagRef, Coming]]:
    """The images with one of the tags that go, and what comes and goes."""
    held = Holdings(images, [tag.id for tag in (*merge.sources, merge.into) if tag.id])
    touched, tags = Blocks(), {}
    for source in merge.sources:
        having = held.of(source.id or 0)
        touched |= having
        tags[source] = Coming(removed=len(having))
    lacking = touched - held.of(merge.into.id or 0)
    return touched, {merge.into: Coming(added=len(lacking)), **tags}


def _merged_values(merge: Merge, change_id: int) -> tuple[int, int]:
    tags = array(tag.id for tag in (*merge.sources, merge.into))
    with connection.cursor() as cursor:
        cursor.execute(MERGED_VALUES, {"change": change_id, "tags": tags, "into": merge.into.id})
        dropped, changed = cursor.fetchone()
        return dropped, changed
