"""What an undo does to each image: every pair of image and tag that its change has touched goes
back to what it was, unless somebody else has touched it since."""

from collections import defaultdict
from typing import Any, NamedTuple

from django.db import connection

from taggedimages.changes import undone
from taggedimages.changes.edits import Edits, Link, NewLink, NewValue
from taggedimages.changes.models import Change, Outcome
from taggedimages.postgresql.bulk import array
from taggedimages.postgresql.fragments import Fragment, compose

# The pairs that a change has touched, before and after; what came to nothing is none. Most have one
# line, so that only of several the first and the last are looked up.
PAIRS = """
SELECT * FROM (
    SELECT c.image_id, c.tag_id, min(c.id) AS first,
           CASE WHEN count(*) = 1 THEN min(c.old_value) ELSE
               (SELECT l.old_value FROM tags_tagchange l WHERE l.id = min(c.id)) END AS before,
           CASE WHEN count(*) = 1 THEN min(c.new_value) ELSE
               (SELECT l.new_value FROM tags_tagchange l WHERE l.id = max(c.id)) END AS after
    FROM tags_tagchange c WHERE c.bulk = %(of)s AND {images}
    GROUP BY c.image_id, c.tag_id
) every_pair WHERE before IS DISTINCT FROM after
"""

# The newest line of others, and of undos of the change, beyond a line.
LATER = """
SELECT max(o.id) FILTER (WHERE (o.bulk = ANY(%(own)s::bigint[])) IS NOT TRUE) AS since,
       max(o.id) FILTER (WHERE o.bulk = ANY(%(own)s::bigint[])) AS undone
"""
OF_OTHERS = """
o.bulk IS DISTINCT FROM %(of)s AND (o.bulk = ANY(%(passed_over)s::bigint[])) IS NOT TRUE
"""

# Image by image, in the index of an image's lines.
PROBED = compose(
    """
CROSS JOIN LATERAL (
    {later} FROM tags_tagchange o
    WHERE o.image_id = p.image_id AND o.tag_id = p.tag_id AND o.id > p.first AND {of_others}
) later
""",
    later=Fragment(LATER),
    of_others=Fragment(OF_OTHERS),
)

# Each tag is looked up; asked whether it EXISTS, the planner would read the whole vocabulary.
OF_IMAGES = compose(
    """
SELECT p.image_id, p.tag_id, p.before, p.after, l.id, l.value,
       later.since IS NOT NULL, later.undone IS NOT NULL,
       coalesce((SELECT true FROM tags_tag t WHERE t.id = p.tag_id), false)
FROM ({pairs}) p {later}
LEFT JOIN tags_imagetag l ON l.image_id = p.image_id AND l.tag_id = p.tag_id
ORDER BY p.image_id, p.first
""",
    pairs=compose(PAIRS, images=Fragment("image_id = ANY(%(images)s::bigint[])")),
    later=PROBED,
).text


class Pair(NamedTuple):
    """An image and a tag of it: the values before and after the change (None: no link), the link
    there is now, and what has become of them since."""

    image: int
    tag: int
    before: str | None
    after: str | None
    link: int | None
    value: str | None
    since: bool
    undone: bool
    has_tag: bool

    def outcome(self, refused: set[int]) -> Outcome:
        """CHANGED where it is to be restored."""
        if not self.has_tag:
            return Outcome.GONE
        if self.undone and not self.since:
            return Outcome.ALREADY
        # The second tells of what went past the ledger.
        if self.since or self.value != self.after:
            return Outcome.CHANGED_SINCE
        return Outcome.FORBIDDEN if self.tag in refused else Outcome.CHANGED


def edits(change: Change, images: list[int], refused: set[int]) -> dict[int, Edits | Outcome]:
    """What is to be done to each image, or what has become of it. Two statements."""
    by_image: defaultdict[int, list[Pair]] = defaultdict(list)
    for pair in pairs_of(change, images):
        by_image[pair.image].append(pair)
    return {image: _edits_of(by_image[image], refused) for image in images}


def pairs_of(change: Change, images: list[int]) -> list[Pair]:
    """The pairs of some images that an undo is about, by image, in the order of their lines."""
    with connection.cursor() as cursor:
        cursor.execute(OF_IMAGES, asked(change) | {"images": array(images)})
        return [Pair(*row) for row in cursor.fetchall()]


def asked(change: Change) -> dict[str, Any]:
    """The parameters of what is asked of all lines that an undo is about. One statement."""
    assert change.of_id
    undos = undone.undos_of(change.of_id)
    return {
        "of": change.of_id,
        "own": array(one for one in undos.own if one != change.pk),
        "passed_over": array(undos.passed_over),
    }


def _edits_of(pairs: list[Pair], refused: set[int]) -> Edits | Outcome:
    edits, reasons = Edits(), {Outcome.ALREADY}
    for pair in pairs:
        reasons.add(outcome := pair.outcome(refused))
        if outcome != Outcome.CHANGED:
            continue
        if pair.link is None:
            assert pair.before is not None
            edits.added.append(NewLink(pair.image, pair.tag, pair.before, origin=pair.tag))
            continue
        link = Link(pair.image, pair.tag, pair.link, pair.value or "")
        if pair.before is None:
            edits.removed.append(link)
        else:
            edits.valued.append(NewValue(link, pair.before))
    # Where nothing is to be done, the weightiest reason.
    return edits or max(reasons)
