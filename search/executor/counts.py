"""How many images match a plan: exactly, at the moment of one statement.

By rows: the links of the clause with the fewest are read in the index, and the other clauses are
probed. By bitmaps, where that would be many: whole blocks of images are compared at once, or the
size of a set is known. What these cannot know, images that changed a moment ago or have an end
ahead, is taken out of them and judged by its records, in the same statement and so in the same
state of the database.
"""

from images.visibility import EVERYBODY, LATEST_CREATED_SQL
from search.executor import count_cache, predicates
from search.executor.totals import Total
from search.index import terms
from search.models import BLOCK
from search.planner.resolution import Plan
from taggedimages.postgresql.prepared import execute_prepared, ids, number
from taggedimages.postgresql.routing import read_connection

# Microseconds, measured at a million images: reading a link in an index, and probing its image for
# another clause; a look into bitmaps, more for each clause, and a light tag's link looked up there.
LINK, PROBE = 0.2, 2.0
LOOK, CLAUSE, LOOKED_UP = 250.0, 150.0, 0.6
# Of the images that are probed for one clause, those that are probed for the next.
PASS = 0.3
# What reading all links may take where the same statement then finds the page among them.
FEW = 700.0

BY_SIZE = """
WITH unsure AS MATERIALIZED ({unsure}),
m AS ({matches}),
judged AS (
    SELECT count(*) AS images,
           count(*) FILTER (WHERE i.ended_at > statement_timestamp()) AS ending
    FROM images_image i WHERE i.id IN (SELECT image FROM unsure) AND {live}
)
SELECT (SELECT coalesce(sum(shown), 0) FROM search_setsize WHERE set = {set})
       - (SELECT count(*) FROM unsure JOIN m ON m.block = unsure.image / {block}
          WHERE get_bit(m.bits, (unsure.image & {block} - 1)::int) = 1)
       + images, ending,
       NOT EXISTS (SELECT FROM search_rebuild)
       AND (SELECT count(*) FROM search_setsize WHERE heavy AND set = ANY({heavy})) = {heavies},
       {corpus}
FROM judged
"""

BY_ROWS = """
SELECT (SELECT count({counted}) FROM {rows}) + ending, ending, true, {corpus}
FROM (SELECT count(*) AS ending FROM images_image i
      WHERE i.ended_at > statement_timestamp() AND {live}) e
"""


def total(plan: Plan) -> Total:
    """How many images match. One statement, rarely two."""
    if plan.impossible:
        return Total(0)
    if not by_rows(plan) and (found := _by_bitmaps(plan)):
        return found
    images, ending, _, corpus = _execute(plan, _by_rows(plan))
    return Total(images, ending, False, corpus)


def by_rows(plan: Plan) -> bool:
    """Whether reading links, or the images of a window, is what answers best."""
    if plan.windowed or not plan.clauses:
        return plan.windowed
    return _rows_cost(plan) <= _bitmaps_cost(plan)


def by_few_links(plan: Plan) -> bool:
    """Whether one clause has so few links that the page is best found among them all."""
    return by_rows(plan) and bool(plan.clauses) and _rows_cost(plan) <= FEW


def probes(clauses: int) -> float:
    """How many of so many clauses an image is probed for until one says no."""
    return sum(PASS**passed for passed in range(clauses))


def _rows_cost(plan: Plan) -> float:
    return plan.clauses[0].links * (LINK + PROBE * probes(len(plan.clauses) - 1))


def _bitmaps_cost(plan: Plan) -> float:
    light = [clause.light_links for clause in plan.clauses if clause.light]
    # The light tags of each clause are looked up in the blocks of all others.
    looks = 1 + len(light)
    return LOOK + looks * CLAUSE * len(plan.clauses) + LOOKED_UP * sum(light)


def _execute(plan: Plan, statement: str) -> tuple[int, int, bool, float]:
    with read_connection().cursor() as cursor:
        execute_prepared(cursor, statement, predicates.parameters(plan))
        row: tuple[int, int, bool, float] = cursor.fetchone()
        return row


def _by_bitmaps(plan: Plan) -> Total | None:
    """By the size of a set, or by bitmaps; None where these are not to be trusted now."""
    counted = _counted_set(plan)
    if counted is not None:
        images, ending, trusted, corpus = _execute(plan, _by_size(plan, counted))
        return Total(int(images), ending, True, corpus) if trusted else None
    return count_cache.total(plan)


def _by_size(plan: Plan, counted: int) -> str:
    return BY_SIZE.format(
        set=number(counted),
        unsure=predicates.UNSURE,
        matches=predicates.matches(plan, plan.clauses),
        block=BLOCK,
        live=predicates.live(plan),
        corpus=predicates.CORPUS,
        heavy=ids(plan.heavy),
        heavies=number(len(set(plan.heavy))),
    )


def _counted_set(plan: Plan) -> int | None:
    """The set whose size says how many match, where the index keeps that size."""
    if plan.viewer.audiences != (EVERYBODY,) or plan.uploaded_only or plan.untagged:
        return None
    if plan.absent.tags or len(plan.clauses) > 1:
        return None
    tags = plan.clauses[0].tags if plan.clauses else [terms.SHOWN]
    return tags[0] if len(tags) == 1 and not (plan.clauses and plan.clauses[0].light) else None


def _by_rows(plan: Plan) -> str:
    live = predicates.live(plan)
    if not plan.clauses:
        shown = " AND ".join(
            [
                "i.ended_at IS NULL",
                plan.viewer.image_predicate().text,
                *predicates.window(plan, "i.created_at"),
                *predicates.others(plan, "i.id", []),
            ]
        )
        return BY_ROWS.format(
            counted="*", rows=f"images_image i WHERE {shown}", live=live, corpus=predicates.CORPUS
        )
    driver = plan.clauses[0]
    several = len(driver.tags) > 1
    asked = " AND ".join(
        [
            f"l.tag_id = ANY({ids(driver.tags)})",
            plan.viewer.link_predicate().text,
            f"l.image_created_at <= {LATEST_CREATED_SQL}",
            *predicates.window(plan, "l.image_created_at"),
            *predicates.others(plan, "l.image_id", plan.clauses[1:]),
        ]
    )
    counted = "DISTINCT l.image_id" if several else "*"
    return BY_ROWS.format(
        counted=counted, rows=f"tags_imagetag l WHERE {asked}", live=live, corpus=predicates.CORPUS
    )
