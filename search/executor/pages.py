"""Which images are on a page of what matches a plan, newest first.

Three ways, of which the cheapest is taken: walk the links of the clause with the fewest, in their
order, and probe the rest (`_by_links`); walk all images in their order (`_by_images`); or read
all matches from the bitmaps and sort them (`_by_bitmaps`), where few match of many.
"""

from dataclasses import replace
from typing import Any

from search.executor import predicates
from search.executor.counts import probes
from search.executor.totals import Total
from search.models import BLOCK
from search.ordering import Position
from search.planner.resolution import Plan
from taggedimages.postgresql.prepared import execute_prepared, ids, number
from taggedimages.postgresql.routing import read_connection

# Microseconds, measured at a million images: a row that is walked and each probe of it, a block
# of a bitmap that is combined with another or read out, a match that is sorted.
ROW, PROBE, BLOCK_JOINED, BLOCK_READ, MATCH = 0.25, 2.0, 1.5, 40.0, 4.0
NEWEST = "ORDER BY created DESC, image DESC"
# What one walk can have on a page and all before it.
FIRST = f"{NEWEST} LIMIT %(limit)s::bigint + %(offset)s::bigint"

FOUND_IN_BITMAPS = """
WITH unsure AS MATERIALIZED ({unsure}),
out AS ({out}),
m AS MATERIALIZED ({matches}),
ones AS ({ones}),
found AS (
    (SELECT image FROM ones EXCEPT SELECT image FROM out)
    UNION SELECT i.id FROM images_image i WHERE i.id IN (SELECT image FROM unsure) AND {live}
    {light}
)
"""


def page(
    plan: Plan, total: Total, limit: int, offset: int = 0, after: Position | None = None
) -> list[Position]:
    """Where the images of a page stand: so many, from `offset` images after a position.

    One statement, none where the page is empty or it is known where all of them are.
    """
    if offset >= total.images or not limit:
        return []
    if total.newest is not None:
        return total.newest.page(limit, offset, after)
    with read_connection().cursor() as cursor:
        execute_prepared(cursor, *statement(replace(plan, after=after), total, limit, offset))
        return [Position(created, image) for image, created in cursor.fetchall()]


def statement(plan: Plan, total: Total, limit: int, offset: int) -> tuple[str, dict[str, Any]]:
    """What finds the images of a page, as `image` and `created`, and its parameters."""
    parameters = predicates.parameters(plan) | {"limit": limit, "offset": offset}
    return _way(plan, total, limit, offset), parameters


def known(plan: Plan, images: list[int]) -> tuple[str, dict[str, Any]]:
    """What finds images that were found before, as far as the viewer may still see them."""
    text = (
        "SELECT i.id AS image, i.created_at AS created FROM images_image i"
        f" WHERE i.id = ANY({ids(images)}) AND {plan.viewer.image_predicate().text}"
    )
    return text, predicates.parameters(plan)


def counted(plan: Plan, limit: int, offset: int) -> tuple[str, dict[str, Any]]:
    """What finds the images of a page, and with each of them how many there are on all pages.

    It reads all that matches by the links of one clause, so they have to be few.
    """
    found = _by_links(replace(plan, after=None), Total(0, ending=1))
    after = predicates.after(plan, "created", "image")
    where = f"WHERE {after[0]}" if after else ""
    text = (
        f"WITH found AS MATERIALIZED ({found})"
        " SELECT image, created, (SELECT count(*) FROM found) AS total"
        f" FROM found {where} {NEWEST} LIMIT %(shown)s OFFSET %(skipped)s"
    )
    every = {"limit": None, "offset": 0}
    return text, predicates.parameters(plan) | every | {"shown": limit, "skipped": offset}


def everything(plan: Plan, total: Total) -> tuple[str, dict[str, Any]]:
    """What finds all that matches, as `image` and `created`, and its parameters."""
    text, parameters = statement(plan, total, total.images, 0)
    return text, parameters | {"limit": None}


def _way(plan: Plan, total: Total, limit: int, offset: int) -> str:
    """The statement that is expected to take the shortest."""
    ways = [(_images_cost(plan, total, limit + offset), _by_images)]
    if plan.clauses:
        ways.append((_links_cost(plan, total, limit + offset), _by_links))
    if total.by_bitmaps:
        ways.append((_bitmaps_cost(plan, total), _by_bitmaps))
    _, statement = min(ways, key=lambda way: way[0])
    return statement(plan, total)


def _links_cost(plan: Plan, total: Total, needed: int) -> float:
    driver = plan.clauses[0]
    walked = needed * max(len(driver.tags), driver.links / total.images)
    if plan.viewer.audiences is None:
        # The index has no order for all audiences at once: all are read.
        walked = driver.links
    asked = len(plan.clauses) - 1 + plan.uploaded_only + bool(plan.absent.tags)
    asked += plan.project is not None
    return min(walked, driver.links) * (ROW + probes(asked) * PROBE)


def _images_cost(plan: Plan, total: Total, needed: int) -> float:
    walked = min(needed / total.images, 1) * total.corpus
    asked = len(plan.clauses) + plan.untagged + bool(plan.absent.tags)
    return walked * (ROW + probes(asked) * PROBE)


def _bitmaps_cost(plan: Plan, total: Total) -> float:
    light = [clause.light_links for clause in plan.clauses if clause.light]
    joined = (1 + len(light)) * (1 + len(plan.clauses)) * BLOCK_JOINED
    # A clause of light tags alone leaves nothing to be read out of blocks.
    read = BLOCK_READ if all(clause.heavy for clause in plan.clauses) else 0
    blocks = total.corpus / BLOCK * (joined + read)
    return blocks + sum(light) * ROW + total.images * MATCH


def _by_links(plan: Plan, total: Total) -> str:
    driver, *rest = plan.clauses
    asked = [
        *predicates.stretch(plan, "l.image_created_at", "l.image_id"),
        *predicates.others(plan, "l.image_id", rest),
    ]
    walk = "SELECT l.image_id AS image, l.image_created_at AS created FROM tags_imagetag l WHERE {}"
    repeated = len(driver.tags) > 1
    once = "DISTINCT" if repeated else ""
    audiences = plan.viewer.audiences
    tags = ids(driver.tags)
    if audiences is None:
        every = [f"l.tag_id = ANY({tags})", plan.viewer.link_predicate().text, *asked]
        walks = [f"SELECT {once} * FROM ({walk.format(' AND '.join(every))}) links"]
    elif len(driver.tags) == len(audiences) == 1:
        tag, audience = number(driver.tags[0]), number(audiences[0])
        alone = [f"l.tag_id = {tag}", f"l.audience = {audience}", *asked]
        walks = [walk.format(" AND ".join(alone))]
    else:
        one = walk.format(" AND ".join(["l.tag_id = t.tag", "l.audience = a.seen_by", *asked]))
        walks = [
            f"SELECT {once} image, created FROM unnest({tags}) t (tag),"
            f" unnest({ids(audiences)}) a (seen_by),"
            f" LATERAL ({one} {FIRST}) newest"
        ]
    return _merged(plan, walks, total, repeated)


def _by_images(plan: Plan, total: Total) -> str:
    asked = [
        "i.ended_at IS NULL",
        *predicates.stretch(plan, "i.created_at", "i.id"),
        *predicates.others(plan, "i.id", plan.clauses),
    ]
    walk = "SELECT i.id AS image, i.created_at AS created FROM images_image i WHERE {}"
    audiences = plan.viewer.audiences
    # Each of these has an index in the order of pages.
    shown = ["(i.ended_at IS NULL) = true"] if audiences is None else ["NOT i.private"]
    if plan.project is not None:
        shown = ["i.project_id = %(project)s"]
    shown += [f"i.private AND i.created_by_id = {number(owner)}" for owner in (audiences or ())[1:]]
    walks = [walk.format(" AND ".join([which, *asked])) for which in shown]
    return _merged(plan, walks, total, repeated=False)


def _by_bitmaps(plan: Plan, total: Total) -> str:
    found = FOUND_IN_BITMAPS.format(
        unsure=predicates.UNSURE,
        out=predicates.out_of_bitmaps(plan),
        matches=predicates.matches(plan, plan.clauses),
        ones=predicates.ONES.format(matches="m", block=BLOCK),
        live=predicates.live(plan),
        light="".join(
            f" UNION SELECT l.image_id FROM {links}" for links in predicates.by_light_tags(plan)
        ),
    )
    after = predicates.after(plan, "i.created_at", "i.id")
    where = f"WHERE {after[0]}" if after else ""
    return (
        f"{found} SELECT image, i.created_at AS created FROM found"
        f" JOIN images_image i ON i.id = image {where} {NEWEST} LIMIT %(limit)s OFFSET %(offset)s"
    )


def _merged(plan: Plan, walks: list[str], total: Total, repeated: bool) -> str:
    """The first of several walks, of which each meets an image once."""
    if total.ending:
        after = predicates.after(plan, "i.created_at", "i.id")
        ending = " AND ".join(["i.ended_at > statement_timestamp()", predicates.live(plan), *after])
        walks = [
            *walks,
            f"SELECT i.id AS image, i.created_at AS created FROM images_image i WHERE {ending}",
        ]
    # Each in order and no longer than needed, for the planner looks into none of them.
    union = " UNION ALL ".join(f"({walk} {FIRST})" for walk in walks)
    once = "DISTINCT" if repeated else ""
    return (
        f"SELECT {once} image, created FROM ({union}) walked"
        f" {NEWEST} LIMIT %(limit)s OFFSET %(offset)s"
    )
