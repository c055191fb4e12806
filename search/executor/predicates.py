"""Pieces of SQL that the tag index's statements are made of.

Every number in them comes from the database or from code; times travel as parameters of the names
`created_from`, `created_before`, `after_at` and `after_id`, a project as `project` (`parameters`).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from images.visibility import LATEST_CREATED_SQL
from search.index import terms
from search.models import BLOCK
from search.planner.resolution import Clause, Plan
from taggedimages.postgresql.prepared import ids, number

NO_BITS = f"repeat('0', {BLOCK})::bit({BLOCK})"
# Tags of which each is looked up for an image.
PROBED = 8
# Images that no bitmap or audience can be asked of: those with an end that lies ahead, those
# created ahead of time, and those that were changed since the index took them in.
ENDING = f"""
SELECT id AS image FROM images_image WHERE ended_at > statement_timestamp()
UNION SELECT id FROM images_image WHERE created_at > {LATEST_CREATED_SQL}
"""
UNSURE = f"{ENDING} UNION SELECT image_id FROM search_unindexed"

# The images of blocks and bits. The ones of a bitmap as a text: between them lie the gaps that
# this splits it into.
ONES = """
SELECT block::bigint * {block} - 1 + ends AS image
FROM (SELECT block, bits, bit_count(bits) AS of FROM {matches}) blocks, LATERAL (
    SELECT place, sum(length(gap) + 1) OVER (ORDER BY place) AS ends
    FROM string_to_table(bits::text, '1') WITH ORDINALITY pieces (gap, place)
) pieces
WHERE of > 0 AND place <= of
"""
# How many images there are, by the planner's own estimate.
CORPUS = "(SELECT greatest(reltuples, 1) FROM pg_class WHERE oid = 'images_image'::regclass)"


def parameters(plan: Plan) -> dict[str, Any]:
    """What the statements of a plan are executed with."""
    after_at, after_id = plan.after or (None, None)
    return {
        "created_from": plan.created_from,
        "created_before": plan.created_before,
        "after_at": after_at,
        "after_id": after_id,
        "project": plan.viewer.project,
    }


def linked(image: str, clause: Clause) -> str:
    """Whether an image has one of the tags. OFFSET keeps the probe from becoming a join."""
    tags = clause.tags
    which = f"x.tag_id = {number(tags[0])}" if len(tags) == 1 else f"x.tag_id = ANY({ids(tags)})"
    if len(tags) > PROBED:
        # All tags of the image are looked up in a table of these, made once a statement, instead of
        # each of these among the image's. IS TRUE keeps it from becoming a join.
        which = f"(x.tag_id IN (SELECT unnest({ids(tags)}))) IS TRUE"
    return f"EXISTS (SELECT FROM tags_imagetag x WHERE x.image_id = {image} AND {which} OFFSET 0)"


def window(plan: Plan, created: str) -> list[str]:
    """The bounds of the creation time."""
    bounds = []
    if plan.created_from:
        bounds.append(f"{created} >= %(created_from)s")
    if plan.created_before:
        bounds.append(f"{created} < %(created_before)s")
    return bounds


def stretch(plan: Plan, created: str, image: str) -> list[str]:
    """Where a walk, newest first, begins and ends.

    It is told one place to begin: given a bound beside a cursor, PostgreSQL would begin there.
    """
    if not plan.after:
        return [f"{created} <= {LATEST_CREATED_SQL}", *window(plan, created)]
    if plan.created_before and plan.created_before <= plan.after.key:
        return window(plan, created)
    return [*window(replace(plan, created_before=None), created), *after(plan, created, image)]


def after(plan: Plan, created: str, image: str) -> list[str]:
    """Beyond where a cursor stands, in the order newest first."""
    return [f"({created}, {image}) < (%(after_at)s, %(after_id)s)"] if plan.after else []


def others(plan: Plan, image: str, clauses: Iterable[Clause]) -> list[str]:
    """All but the driving clause, the window and who sees it: asked of one image at a time."""
    asked = [linked(image, clause) for clause in clauses]
    if plan.absent.tags:
        asked.append(f"NOT {linked(image, plan.absent)}")
    if plan.untagged:
        asked.append(
            f"NOT EXISTS (SELECT FROM tags_imagetag x WHERE x.image_id = {image} OFFSET 0)"
        )
    if plan.uploaded_only:
        asked.append(f"(SELECT u.uploaded_at IS NOT NULL FROM images_image u WHERE u.id = {image})")
    return asked


def live(plan: Plan) -> str:
    """Everything that a plan asks, of the record `i` itself."""
    return " AND ".join(
        [
            plan.viewer.image_predicate().text,
            *(["i.ended_at IS NULL"] if plan.unended else []),
            *window(plan, "i.created_at"),
            *others(plan, "i.id", plan.clauses),
        ]
    )


def members(numbers: Sequence[int], looked: bool = False) -> str:
    """Blocks and bits of the images that are in one of some sets that have bitmaps; only of the
    blocks `looked` if that is wanted."""
    blocks = " AND block = ANY(ARRAY(SELECT block FROM looked))" if looked else ""
    if len(numbers) == 1:
        return f"SELECT block, bits FROM search_bitmap WHERE set = {number(numbers[0])}{blocks}"
    return (
        f"SELECT block, bit_or(bits) AS bits FROM search_bitmap"
        f" WHERE set = ANY({ids(numbers)}){blocks} GROUP BY block"
    )


def matches(
    plan: Plan, wanted: Iterable[Clause], unwanted: Sequence[int] = (), *, looked: bool = False
) -> str:
    """Blocks and bits of what bitmaps know to match: in a heavy tag of each of the clauses given,
    in no unwanted one, and in all that the plan asks besides tags."""
    needed = [shown_to(plan), *(clause.heavy for clause in wanted)]
    if plan.uploaded_only:
        needed.append([terms.UPLOADED])
    without = [*unwanted, *plan.absent.heavy]
    if plan.untagged:
        without.append(terms.TAGGED)
    joined = " JOIN ".join(
        f"({members(numbers, looked)}) n{at}" + (" USING (block)" if at else "")
        for at, numbers in enumerate(needed)
    )
    bits = " & ".join(f"n{at}.bits" for at in range(len(needed)))
    if without:
        joined += f" LEFT JOIN ({members(without, looked)}) u USING (block)"
        bits += f" & ~coalesce(u.bits, {NO_BITS})"
    return f"SELECT block, {bits} AS bits FROM {joined}"


def shown_to(plan: Plan) -> list[int]:
    """The sets of what the viewer is shown."""
    if plan.project is not None:
        return [plan.project]
    if plan.viewer.audiences is None:
        return [terms.UNENDED]
    return [terms.of_audience(audience) for audience in plan.viewer.audiences]


def out_of_bitmaps(plan: Plan) -> str:
    """Images whose bits in `matches` do not count: judged otherwise, or with an unwanted tag."""
    out = "SELECT image FROM unsure"
    if plan.absent.light:
        light = ids(plan.absent.light)
        out += f" UNION SELECT image_id FROM tags_imagetag WHERE tag_id = ANY({light})"
    return out


def by_light_tags(plan: Plan) -> Iterator[str]:
    """FROM and WHERE of the links `l` of images that match though no bitmap says so.

    For each clause: it is met by a light tag alone, and each clause before it by a heavy one. So
    these and the bitmaps' own matches share no image, and together are all.
    """
    for at, clause in enumerate(plan.clauses):
        if not clause.light:
            continue
        before, later = plan.clauses[:at], plan.clauses[at + 1 :]
        by_bits = [*before, *(clause for clause in later if not clause.light)]
        asked = [
            f"l.tag_id = ANY({ids(clause.light)})",
            f"get_bit(r.bits, (l.image_id & {BLOCK - 1})::int) = 1",
            "l.image_id NOT IN (SELECT image FROM unsure)",
            *(linked("l.image_id", clause) for clause in later if clause.light),
        ]
        if plan.absent.light:
            asked.append(f"NOT {linked('l.image_id', Clause(light=plan.absent.light))}")
        rest = matches(plan, by_bits, unwanted=clause.heavy)
        # OFFSET has the blocks combined once each, and not for every link.
        yield (
            f"tags_imagetag l JOIN ({rest} OFFSET 0) r ON r.block = l.image_id / {BLOCK}"
            f" WHERE {' AND '.join(asked)}"
        )
