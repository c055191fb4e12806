"""What came or went since an instant, where that is little: as pieces of the statements of today.

As of then, nearly all images are what bitmaps and links say of them now. Those of which a tag that
is asked for came or went since, and those that came themselves, are the CTE `changed`: scans leave
them out, and they are judged by their records, as all are of which bitmaps cannot tell. So each
statement sees one state of the database, and takes back what has happened up to it.
"""

from search.planner.named_tags import Clause
from search.planner.resolution import ResolvedQuery
from taggedimages.postgresql.fragments import (
    EMPTY,
    Fragment,
    bigint,
    bigints,
    compose,
    statement,
)
from taggedimages.postgresql.prepared import execute_prepared
from taggedimages.postgresql.routing import read_connection

# As the condition of the index `tagchange_of_tag` has it: of lines that add a link or remove one.
CAME_OR_WENT = Fragment("(c.old_value IS NULL OR c.new_value IS NULL)")

# A plan is kept for any instant: given both ends of a range, PostgreSQL takes it to hold half a
# percent of all, and given one alone a third.
SINCE = "{time} > %(as_of)s AND {time} <= 'infinity'"
LINE_SINCE = Fragment(SINCE.format(time="c.changed_at"))
IMAGE_SINCE = Fragment(SINCE.format(time="registered_at"))
# Links that are not what they were: none that came and went again. And the images to be judged.
CTES = """
flipped AS MATERIALIZED (
    SELECT c.image_id AS image, c.tag_id AS tag FROM tags_tagchange c
    WHERE c.tag_id = ANY({tags}) AND {line_since} AND {came_or_went}
    GROUP BY 1, 2 HAVING count(*) & 1 = 1
), changed AS MATERIALIZED (
    SELECT image FROM flipped UNION SELECT id FROM images_image WHERE {image_since}
)
"""
NOT_CHANGED = "{image} NOT IN (SELECT image FROM changed)"
OR_CHANGED = Fragment("UNION SELECT image FROM changed", needs=frozenset({"changed"}))

# A link that is there now, unless it is among those that were not; and one that is among those that
# were, unless it is there.
HAD_TAG = """
(EXISTS (SELECT FROM tags_imagetag x WHERE x.image_id = {image} AND x.tag_id = {tag} OFFSET 0)
 <> (({image}, {tag}) IN (SELECT f.image, f.tag FROM flipped f)))
"""
HAD_ANY_TAG = "EXISTS (SELECT FROM unnest({tags}) g (tag) WHERE {had})"
WAS_REGISTERED = "(i.registered_at IS NULL OR i.registered_at <= %(as_of)s)"
FLIPPED = frozenset({"flipped"})

# How many lines of some tags, and how many images, there are since; each up to a number.
HOW_MUCH = """
SELECT (SELECT count(*) FROM (
    SELECT FROM tags_tagchange c
    WHERE c.tag_id = ANY({tags}) AND {line_since} AND {came_or_went} LIMIT {most}
) lines), (SELECT count(*) FROM (
    SELECT FROM images_image WHERE {image_since} LIMIT {most}
) images)
"""


def ctes(resolved: ResolvedQuery) -> Fragment:
    """The CTEs `flipped (image, tag)` and `changed (image)`; empty where it is today's tags that
    are asked for."""
    if resolved.as_of is None:
        return EMPTY
    return compose(
        CTES,
        tags=bigints(_tags(resolved)),
        line_since=LINE_SINCE,
        image_since=IMAGE_SINCE,
        came_or_went=CAME_OR_WENT,
        parameters={"as_of": resolved.as_of},
    )


def opening(resolved: ResolvedQuery) -> Fragment:
    """The same as all that a statement has before it selects."""
    return compose("WITH {ctes}", ctes=ctes(resolved)) if resolved.as_of else EMPTY


def first(resolved: ResolvedQuery) -> Fragment:
    """The same before other CTEs."""
    return compose("{ctes},", ctes=ctes(resolved)) if resolved.as_of else EMPTY


def provided(resolved: ResolvedQuery) -> list[str]:
    """The names of these CTEs."""
    return ["flipped", "changed"] if resolved.as_of else []


def unchanged(resolved: ResolvedQuery, image: Fragment) -> list[Fragment]:
    """What a scan asks of an image, which a piece of SQL names: that it is as it was."""
    if resolved.as_of is None:
        return []
    return [compose(NOT_CHANGED, image=image, needs=frozenset({"changed"}))]


def had_any_tag(image: Fragment, clause: Clause) -> Fragment:
    """Whether an image, which a piece of SQL names, had one of the tags of a clause."""
    tags = clause.tag_ids
    if len(tags) == 1:
        return compose(HAD_TAG, image=image, tag=bigint(tags[0]), needs=FLIPPED)
    had = compose(HAD_TAG, image=image, tag=Fragment("g.tag"), needs=FLIPPED)
    return compose(HAD_ANY_TAG, tags=bigints(tags), had=had)


def was_registered(resolved: ResolvedQuery) -> list[Fragment]:
    """That the record `i` was there."""
    if resolved.as_of is None:
        return []
    return [Fragment(WAS_REGISTERED, {"as_of": resolved.as_of}, frozenset({"i"}))]


def is_little(resolved: ResolvedQuery, most: int) -> bool:
    """Whether no more lines than so many tell of the tags asked for, and no more images came."""
    asked = statement(
        HOW_MUCH,
        tags=bigints(_tags(resolved)),
        line_since=LINE_SINCE,
        image_since=IMAGE_SINCE,
        came_or_went=CAME_OR_WENT,
        most=Fragment("%(most)s"),
        parameters={"as_of": resolved.as_of, "most": most + 1},
    )
    with read_connection().cursor() as cursor:
        execute_prepared(cursor, asked.text, asked.parameters)
        return all(count <= most for count in cursor.fetchone())


def _tags(resolved: ResolvedQuery) -> list[int]:
    clauses = (*resolved.clauses, resolved.absent)
    return sorted({tag for clause in clauses for tag in clause.tag_ids})
