"""Pieces of SQL that the tag index's statements are made of.

Every number in them comes from the database or from code; times travel as parameters of the names
`created_from`, `created_before`, `after_at` and `after_id` (`parameters`).
"""

from collections.abc import Iterable, Iterator

from images.audience import LATEST
from search import sets
from search.models import BLOCK
from search.plans import Clause, Plan

NO_BITS = f"repeat('0', {BLOCK})::bit({BLOCK})"
# Images that no bitmap or audience can be asked of: those with an end that lies ahead, those
# created ahead of time, and those that were changed since the index took them in.
ENDING = f"""
SELECT id AS image FROM images_image WHERE ended_at > statement_timestamp()
UNION SELECT id FROM images_image WHERE created_at > {LATEST}
"""
UNSURE = f"{ENDING} UNION SELECT image_id FROM search_unindexed"


def ids(numbers: Iterable[int]) -> str:
    """A list of ids as an array of SQL."""
    return "'{" + ",".join(map(str, numbers)) + "}'::bigint[]"


def parameters(plan: Plan) -> dict[str, object]:
    """What the statements of a plan are executed with."""
    after_at, after_id = plan.after or (None, None)
    return {
        "created_from": plan.created_from,
        "created_before": plan.created_before,
        "after_at": after_at,
        "after_id": after_id,
    }


def linked(image: str, clause: Clause) -> str:
    """Whether an image has one of the tags. OFFSET keeps the probe from becoming a join."""
    tags = clause.tags
    which = f"= {tags[0]}" if len(tags) == 1 else f"= ANY({ids(tags)})"
    return (
        f"EXISTS (SELECT FROM tags_imagetag x"
        f" WHERE x.image_id = {image} AND x.tag_id {which} OFFSET 0)"
    )


def window(plan: Plan, created: str) -> list[str]:
    """The bounds of the creation time."""
    bounds = []
    if plan.created_from:
        bounds.append(f"{created} >= %(created_from)s")
    if plan.created_before:
        bounds.append(f"{created} < %(created_before)s")
    return bounds


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
        asked.append(
            f"(SELECT u.uploaded_at IS NOT NULL FROM images_image u WHERE u.id = {image})"
        )
    return asked


def audience(plan: Plan, column: str) -> str:
    """Whether an audience that a link names is the viewer's."""
    audiences = plan.viewer.audiences
    if audiences is None:
        return f"{column} IS NOT NULL"
    if len(audiences) == 1:
        return f"{column} = {audiences[0]}"
    return f"{column} = ANY({ids(audiences)})"


def live(plan: Plan) -> str:
    """Everything that a plan asks, of the record `i` itself."""
    return " AND ".join(
        [
            plan.viewer.visible,
            *window(plan, "i.created_at"),
            *others(plan, "i.id", plan.clauses),
        ]
    )


def members(numbers: list[int]) -> str:
    """Blocks and bits of the images that are in one of some sets that have bitmaps."""
    if len(numbers) == 1:
        return f"SELECT block, bits FROM search_bitmap WHERE set = {numbers[0]}"
    return (
        f"SELECT block, bit_or(bits) AS bits FROM search_bitmap"
        f" WHERE set = ANY({ids(numbers)}) GROUP BY block"
    )


def matches(plan: Plan) -> str:
    """Blocks and bits of what matches as far as bitmaps know: of each clause its heavy tags."""
    audiences = plan.viewer.audiences
    shown = (
        [sets.UNENDED] if audiences is None else [sets.of_audience(number) for number in audiences]
    )
    needed = [shown, *(list(clause.heavy) for clause in plan.clauses)]
    if plan.uploaded_only:
        needed.append([sets.UPLOADED])
    unwanted = list(plan.absent.heavy)
    if plan.untagged:
        unwanted.append(sets.TAGGED)
    joined = " JOIN ".join(
        f"({members(numbers)}) n{at}" + (" USING (block)" if at else "")
        for at, numbers in enumerate(needed)
    )
    bits = " & ".join(f"n{at}.bits" for at in range(len(needed)))
    if unwanted:
        joined += f" LEFT JOIN ({members(unwanted)}) u USING (block)"
        bits += f" & ~coalesce(u.bits, {NO_BITS})"
    return f"SELECT block, {bits} AS bits FROM {joined}"


def out_of_bitmaps(plan: Plan) -> str:
    """Images whose bits in `matches` do not count: judged otherwise, or with an unwanted tag."""
    out = "SELECT image FROM unsure"
    if plan.absent.light:
        light = ids(plan.absent.light)
        out += f" UNION SELECT image_id FROM tags_imagetag WHERE tag_id = ANY({light})"
    return out


def by_light_tags(plan: Plan) -> Iterator[str]:
    """What is asked of a link `l` whose image matches though no bitmap says so.

    For each clause: it is met by a light tag alone, and each clause before it by a heavy one. So
    these and the bitmaps' own matches share no image, and together are all.
    """
    for at, clause in enumerate(plan.clauses):
        if clause.light:
            before = [Clause(heavy=earlier.heavy) for earlier in plan.clauses[:at]]
            asked = [
                f"l.tag_id = ANY({ids(clause.light)})",
                audience(plan, "l.audience"),
                *others(plan, "l.image_id", [*before, *plan.clauses[at + 1 :]]),
                "l.image_id NOT IN (SELECT image FROM unsure)",
            ]
            if clause.heavy:
                asked.append("NOT " + linked("l.image_id", Clause(heavy=clause.heavy)))
            yield " AND ".join(asked)
