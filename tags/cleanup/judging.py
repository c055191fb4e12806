"""Which of the pairs that their names suggest are rows of the clean-up list.

Names alone do not tell: of two that differ by a slip of the hand, one is rare and the other is not;
what the vocabulary relates is two things, and so is, in another category, what is only similar.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.db import connection
from django.db.models import Q

from tags.cleanup.models import Kind, SetAside
from tags.cleanup.slips import Slip
from tags.cleanup.twins import Likeness, likeness
from tags.cleanup.writing import Draft
from tags.models import Closure, Tag

# The rarer one has at most a tenth as many images as the other.
MUCH_RARER = 10
# What so many images have is no slip of the hand, unless it is much rarer.
COMMON = 20
# One letter that lacks within a word of so many is a slip whatever it is used for.
LONG_WORD = 7
# One that is another within a longer word, where the other spelling is used more.
LONG_WORD_REPLACED = 9
# Links that are counted one by one; what the index says counts of more.
COUNTED_MOST = 1_000
# Images of the rarer tag that are looked at for whether they have both.
BOTH_SAMPLE, BOTH_MOST, EXAMPLES = 50, 100_000, 8
# Fewer images with both say nothing.
BOTH_LEAST = 5

LINKS = """
SELECT t.id, CASE WHEN c.links < %(most)s THEN c.links
                  ELSE greatest(c.links, coalesce(s.links, 0)) END
FROM unnest(%(tags)s::bigint[]) t (id) LEFT JOIN search_setsize s ON s.set = t.id, LATERAL (
    SELECT count(*) AS links
    FROM (SELECT FROM tags_imagetag WHERE tag_id = t.id LIMIT %(most)s) few
) c
"""
# Statement: (place, images looked at, images with both, some of them).
BOTH = """
SELECT p.place, b.looked, b.shared, b.examples
FROM unnest(%(rarer)s::bigint[], %(other)s::bigint[]) WITH ORDINALITY p (rarer, other, place),
LATERAL (
    SELECT count(*) AS looked, count(o.image_id) AS shared,
           (array_agg(o.image_id ORDER BY o.image_id DESC) FILTER (WHERE o.image_id IS NOT NULL)
           )[:%(examples)s] AS examples
    FROM (SELECT image_id FROM tags_imagetag
          WHERE tag_id = p.rarer AND audience IS NOT NULL LIMIT %(most)s) l
    LEFT JOIN LATERAL (SELECT image_id FROM tags_imagetag
                       WHERE image_id = l.image_id AND tag_id = p.other OFFSET 0) o ON true
) b
"""


class Named(NamedTuple):
    """What is known of a tag."""

    id: int
    name: str
    category: str


class Suspect(NamedTuple):
    """A pair whose names go together, the one that is to go first."""

    like: Likeness
    tag: Named
    other: Named
    images: int
    other_images: int

    def drafted(self, shared: int = 0, examples: Sequence[int] = ()) -> Draft:
        return Draft(
            self.like.kind.value,
            self.tag.id,
            self.tag.name,
            self.other.id,
            self.other.name,
            self.images,
            self.other_images,
            shared,
            list(examples),
        )


def judged(pairs: Sequence[tuple[int, int]]) -> list[Draft]:
    """The rows of those pairs that are a problem. Six statements at most, none by pair."""
    suspects = _suspects(pairs)
    if not suspects:
        return []
    known = [{one.tag.id, one.other.id} for one in suspects]
    dismissed = _related(known)
    aside = _set_aside(known)
    left = [
        one
        for one in suspects
        if frozenset((one.tag.id, one.other.id)) not in dismissed
        and (one.like.kind.family, frozenset((one.tag.id, one.other.id))) not in aside
    ]
    opposed = [one for one in left if one.like.kind == Kind.CONTRADICTION]
    misspelt = [one for one in left if one.like.kind == Kind.SPELLING]
    others = (Kind.CONTRADICTION, Kind.SPELLING)
    drafts = [one.drafted() for one in left if one.like.kind not in others]
    for one, (_, shared, examples) in zip(opposed, _both(opposed, BOTH_MOST), strict=True):
        if shared:
            drafts.append(one.drafted(shared, examples or ()))
    for one, (looked, shared, _) in zip(misspelt, _both(misspelt, BOTH_SAMPLE), strict=True):
        # Whoever gives both means both.
        if shared < BOTH_LEAST or shared * 2 <= looked:
            drafts.append(one.drafted())
    return drafts


def is_slip(slip: Slip, letters: int, rarer: int, other: int) -> bool:
    """Whether two names that are a slip apart are one, by how many images each has.

    A tenth of the other's is what a slip has. Where it has more, it is one only if it is rare and
    nobody would write so on purpose.
    """
    if other >= MUCH_RARER and rarer * MUCH_RARER <= other:
        return True
    if slip is Slip.REPLACED:
        on_purpose = letters < LONG_WORD_REPLACED or rarer == other
    elif slip is Slip.DROPPED:
        on_purpose = letters < LONG_WORD
    else:
        on_purpose = slip is Slip.ENDING
    return rarer < COMMON and not on_purpose


def links_of(tags: Iterable[int], most: int = COUNTED_MOST) -> dict[int, int]:
    """How many links tags have, each by its id; of more than `most`, as of the last merge of the
    index. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(LINKS, {"tags": list(tags), "most": most})
        return dict(cursor.fetchall())


def _suspects(pairs: Sequence[tuple[int, int]]) -> list[Suspect]:
    ids = {tag for pair in pairs for tag in pair}
    rows = Tag.objects.filter(pk__in=ids, alias_of=None)
    values = rows.values_list("id", "name", "category")
    tags = {row[0]: Named(*row) for row in values}
    alike = []
    for one, other in dict.fromkeys(pairs):
        if one in tags and other in tags:
            like = likeness(tags[one].name, tags[other].name)
            if like and not _are_two(like.kind, tags[one], tags[other]):
                alike.append((like, tags[one], tags[other]))
    if not alike:
        return []
    links = links_of({tag.id for _, *both in alike for tag in both})
    found = []
    for like, one_tag, other_tag in alike:
        # The one with more images stays, else the older.
        rarer, common = sorted((one_tag, other_tag), key=lambda tag: (links[tag.id], -tag.id))
        counts = links[rarer.id], links[common.id]
        if like.slip is None or is_slip(like.slip, like.letters, *counts):
            found.append(Suspect(like, rarer, common, *counts))
    return found


def _are_two(kind: Kind, one: Named, other: Named) -> bool:
    categories = {one.category, other.category} - {""}
    return kind in (Kind.PLURAL, Kind.SPELLING) and len(categories) > 1


def _related(pairs: Iterable[set[int]]) -> set[frozenset[int]]:
    """Those of the pairs of which one implies the other."""
    ids = set().union(*pairs)
    related = Closure.objects.filter(ancestor__in=ids, descendant__in=ids)
    return {frozenset(row) for row in related.values_list("ancestor", "descendant")}


def _set_aside(pairs: Iterable[set[int]]) -> set[tuple[str, frozenset[int]]]:
    ids = set().union(*pairs)
    aside = SetAside.objects.filter(Q(low__in=ids), high__in=ids)
    return {
        (family, frozenset((low, high)))
        for family, low, high in aside.values_list("family", "low_id", "high_id")
    }


def _both(suspects: Sequence[Suspect], most: int) -> list[tuple[int, int, list[int] | None]]:
    """Of the images of the rarer of each pair, up to `most`: how many were looked at, how many have
    both, and some of these."""
    if not suspects:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            BOTH,
            {
                "rarer": [one.tag.id for one in suspects],
                "other": [one.other.id for one in suspects],
                "most": most,
                "examples": EXAMPLES,
            },
        )
        rows = {place: (looked, shared, examples) for place, looked, shared, examples in cursor}
    return [rows[place] for place in range(1, len(suspects) + 1)]
