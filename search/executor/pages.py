"""Which images are on a page of an access path, newest first: statements, and the page itself.

The statements select (image bigint, created timestamptz) in that order; parameters are `limit` and
`offset`. Which of the three scans it is, the path says once matches are counted.
"""

from typing import NamedTuple

from search.executor import bitmaps, counts, fetch, since
from search.executor.fetch import Record
from search.executor.matches import MatchCount
from search.executor.predicates import (
    AND,
    IS_UNENDED,
    LINK_CREATED,
    LINK_IMAGE,
    RECORD_CREATED,
    RECORD_ID,
    after,
    all_but_driving,
    is_judged,
    matches,
    scanned_range,
)
from search.index.bits import BLOCK_SQL, IN_BLOCK
from search.ordering import KeysetPosition
from search.planner.paths import AccessPath, ScanBy
from taggedimages.postgresql.fragments import (
    EMPTY,
    Fragment,
    bigint,
    bigints,
    compose,
    join,
    statement,
)
from taggedimages.postgresql.prepared import execute_prepared
from taggedimages.postgresql.routing import read_connection

NEWEST_FIRST = Fragment("ORDER BY created DESC, image DESC")
# What one scan can have on a page and all before it.
FIRST = compose("{newest} LIMIT %(limit)s::bigint + %(offset)s::bigint", newest=NEWEST_FIRST)

SCAN_OF_LINKS = """
SELECT l.image_id AS image, l.image_created_at AS created FROM tags_imagetag l WHERE {asked}
"""
# A scan for each tag and audience, none longer than needed.
SCAN_OF_EACH = """
SELECT {once} image, created FROM unnest({tags}) t (tag), unnest({audiences}) a (seen_by),
LATERAL ({scan} {first}) newest
"""
SCAN_OF_IMAGES = """
SELECT i.id AS image, i.created_at AS created FROM images_image i WHERE {asked}
"""
MERGED = """
{since} SELECT {once} image, created FROM ({scans}) merged
{newest} LIMIT %(limit)s OFFSET %(offset)s
"""

# Blocks are taken by the latest time at which an image of theirs was created, until they have as
# many matches as are wanted, and those that do not count besides. None of these is older than the
# oldest image of these blocks: so no block matters that has none as young. One whose span is not
# known, or that a position is within, is taken in any case.
FOUND_IN_BITMAPS = """
WITH {since} recheck AS MATERIALIZED ({to_recheck}),
excluded AS MATERIALIZED ({excluded}),
m AS MATERIALIZED ({matching}),
spanned AS MATERIALIZED (
    SELECT m.block, bits, s.created_min, s.created_max,
           CASE WHEN {is_beyond} THEN bit_count(bits) ELSE 0 END AS images
    FROM m LEFT JOIN search_blockspan s
        ON s.block = m.block AND EXISTS (SELECT FROM search_fieldtermsbuilt)
    WHERE bit_count(bits) > 0 {reaches}
), taken AS (
    SELECT created_min,
           sum(images) OVER (ORDER BY created_max DESC NULLS LAST, block) - images AS before
    FROM spanned
), newest AS MATERIALIZED (
    SELECT block, bits FROM spanned
    WHERE created_max IS NULL OR created_max >= (
        SELECT coalesce(min(created_min), '-infinity') FROM taken
        WHERE before < coalesce(%(limit)s::bigint + %(offset)s::bigint, {most}) + (
            SELECT count(*) FROM excluded JOIN m ON m.block = excluded.image / {block}
            WHERE get_bit(m.bits, (excluded.image & {in_block})::int) = 1
        )
    )
),
ones AS ({ones}),
found AS (
    (SELECT image FROM ones EXCEPT SELECT image FROM excluded)
    UNION SELECT i.id FROM images_image i WHERE i.id IN (SELECT image FROM recheck) AND {matches}
    {sparse}
)
SELECT image, i.created_at AS created FROM found JOIN images_image i ON i.id = image
{where} {newest} LIMIT %(limit)s OFFSET %(offset)s
"""
# What the planner of pages would never ask for.
ALL_MATCHES = Fragment(str(2**62))
IS_KNOWN, IS_BEYOND = Fragment("created_max IS NOT NULL"), "created_max < %(after_at)s"
REACHES = "AND (created_min IS NULL OR created_min <= %(after_at)s)"
OF_SPARSE = "UNION SELECT l.image_id FROM {links}"

# The page of what few links find, and in each row (total) how many all pages have.
WITH_COUNT = """
WITH found AS MATERIALIZED ({found})
SELECT image, created, (SELECT count(*) FROM found) AS total
FROM found {where} {newest} LIMIT %(shown)s OFFSET %(skipped)s
"""
BY_IDS = """
SELECT i.id AS image, i.created_at AS created FROM images_image i
WHERE i.id = ANY({images}) AND {visible}
"""


class Page(NamedTuple):
    """A page of what was found: how much there is on all pages, and the records of this one."""

    total: int
    records: list[Record]
    # Of the last image, where others follow.
    last: KeysetPosition | None


def page(path: AccessPath, limit: int, offset: int, position: KeysetPosition | None) -> Page:
    """The page that starts `offset` images after a position, newest first.

    Two statements, one where little is read in all; another where the page lies beyond the end.
    """
    if path.counts_with_page:
        found = Page(
            *fetch.fetch_page_with_count(_with_count(path, limit + 1, offset, position), limit)
        )
        if found.records or not (offset or position):
            return found
    counted = counts.count(path)
    if offset >= counted.images:
        return Page(counted.images, [], None)
    if counted.ids is None:
        scanned = scan(path, counted, limit + 1, offset, position)
        return Page(counted.images, *fetch.fetch_page(scanned, limit))
    # Told by what was cached, for an image that was hidden since is no longer among the records.
    cached = counted.ids.page(limit + 1, offset, position)
    last = cached[limit - 1] if len(cached) > limit else None
    shown, _ = fetch.fetch_page(_by_ids(path, [at.image for at in cached[:limit]]), limit)
    return Page(counted.images, shown, last)


def positions(
    path: AccessPath,
    counted: MatchCount,
    limit: int,
    offset: int = 0,
    position: KeysetPosition | None = None,
) -> list[KeysetPosition]:
    """Where the images of a page stand: so many, from `offset` images after a position.

    One statement, none where the page is empty or it is cached which images match.
    """
    if offset >= counted.images or not limit:
        return []
    if counted.ids is not None:
        return counted.ids.page(limit, offset, position)
    scanned = scan(path, counted, limit, offset, position)
    with read_connection().cursor() as cursor:
        execute_prepared(cursor, scanned.text, scanned.parameters)
        return [KeysetPosition(created, image) for image, created in cursor.fetchall()]


def scan(
    path: AccessPath,
    counted: MatchCount,
    limit: int | None,
    offset: int = 0,
    position: KeysetPosition | None = None,
) -> Fragment:
    """The statement of a page by the cheapest scan; all that matches without a limit.

    There has to be something: `counted.images` is above 0.
    """
    wanted = counted.images if limit is None else limit + offset
    by = path.scan_for(counted, wanted)
    found = SCANS[by](path, counted, position)
    return found._replace(parameters={**found.parameters, "limit": limit, "offset": offset})


def _with_count(
    path: AccessPath, limit: int, offset: int, position: KeysetPosition | None
) -> Fragment:
    found = _by_links(path, MatchCount(0, ending=1), None)
    return statement(
        WITH_COUNT,
        parameters={"limit": None, "offset": 0, "shown": limit, "skipped": offset},
        found=found,
        where=_where(after(position, Fragment("created"), Fragment("image"))),
        newest=NEWEST_FIRST,
    )


def _by_ids(path: AccessPath, images: list[int]) -> Fragment:
    """Images that were found before, as far as the viewer may still see them."""
    visible = path.resolved.viewer.image_predicate()
    return statement(BY_IDS, provides=["i"], images=bigints(images), visible=visible)


def _by_links(path: AccessPath, counted: MatchCount, position: KeysetPosition | None) -> Fragment:
    """The links of the rarest clause in their order; the other clauses are probed."""
    resolved = path.resolved
    driving, *others = resolved.clauses
    created, image = LINK_CREATED, LINK_IMAGE
    asked = [
        *scanned_range(resolved, position, created, image),
        *all_but_driving(path, image, others),
        *since.unchanged(resolved, image),
    ]
    audiences, tags = resolved.viewer.audiences, driving.tag_ids
    repeated = len(tags) > 1
    once = Fragment("DISTINCT" if repeated else "")
    if audiences is None:
        which = [
            compose("l.tag_id = ANY({tags})", tags=bigints(tags)),
            resolved.viewer.link_predicate("l"),
        ]
        every = compose(SCAN_OF_LINKS, provides=["l"], asked=join(AND, [*which, *asked]))
        found = compose("SELECT {once} * FROM ({every}) links", once=once, every=every)
    elif len(tags) == len(audiences) == 1:
        which = [
            compose("l.tag_id = {tag}", tag=bigint(tags[0])),
            compose("l.audience = {audience}", audience=bigint(audiences[0])),
        ]
        found = compose(SCAN_OF_LINKS, provides=["l"], asked=join(AND, [*which, *asked]))
    else:
        which = [Fragment("l.tag_id = t.tag"), Fragment("l.audience = a.seen_by")]
        found = compose(
            SCAN_OF_EACH,
            once=once,
            tags=bigints(tags),
            audiences=bigints(audiences),
            scan=compose(SCAN_OF_LINKS, provides=["l"], asked=join(AND, [*which, *asked])),
            first=FIRST,
        )
    return _merged(path, [found], counted, position, once=once)


def _by_images(path: AccessPath, counted: MatchCount, position: KeysetPosition | None) -> Fragment:
    """All images in their order; every clause is probed."""
    resolved = path.resolved
    created, image = RECORD_CREATED, RECORD_ID
    asked = [
        IS_UNENDED,
        *scanned_range(resolved, position, created, image),
        *all_but_driving(path, image, resolved.clauses),
        *since.unchanged(resolved, image),
    ]
    scans = [
        compose(SCAN_OF_IMAGES, provides=["i"], asked=join(AND, [which, *asked]))
        for which in resolved.viewer.indexed_image_predicates()
    ]
    return _merged(path, scans, counted, position, once=EMPTY)


def _by_bitmaps(path: AccessPath, counted: MatchCount, position: KeysetPosition | None) -> Fragment:
    """Matches read out of the bitmaps and sorted: no more than the newest blocks of them."""
    resolved = path.resolved
    place = {"after_at": position.key} if position else {}
    sparse = [compose(OF_SPARSE, links=it) for it in bitmaps.sparse_matches(path)]
    return statement(
        FOUND_IN_BITMAPS,
        provides=["recheck", "newest", "i", *since.provided(resolved)],
        since=since.first(resolved),
        to_recheck=bitmaps.to_recheck(resolved),
        excluded=bitmaps.excluded(resolved),
        matching=bitmaps.matching(resolved, resolved.clauses),
        ones=bitmaps.set_bits("newest"),
        is_beyond=Fragment(IS_BEYOND, place) if position else IS_KNOWN,
        reaches=Fragment(REACHES, place) if position else EMPTY,
        most=ALL_MATCHES,
        block=BLOCK_SQL,
        in_block=IN_BLOCK,
        matches=matches(path),
        sparse=join(" ", sparse),
        where=_where(after(position, RECORD_CREATED, RECORD_ID)),
        newest=NEWEST_FIRST,
    )


SCANS = {ScanBy.LINKS: _by_links, ScanBy.IMAGES: _by_images, ScanBy.BITMAPS: _by_bitmaps}


def _merged(
    path: AccessPath,
    scans: list[Fragment],
    counted: MatchCount,
    position: KeysetPosition | None,
    *,
    once: Fragment,
) -> Fragment:
    """The first of several scans, of which each meets an image once.

    Images that are judged by their records, which no other scan meets, are one more.
    """
    resolved = path.resolved
    if counted.ending or resolved.as_of is not None:
        beyond = after(position, RECORD_CREATED, RECORD_ID)
        judged = join(AND, [is_judged(resolved), matches(path), *beyond])
        scans = [*scans, compose(SCAN_OF_IMAGES, provides=["i"], asked=judged)]
    # Each in order and no longer than needed, for PostgreSQL's planner looks into none of them.
    each = [compose("({scan} {first})", scan=scan, first=FIRST) for scan in scans]
    return statement(
        MERGED,
        provides=since.provided(resolved),
        since=since.opening(resolved),
        once=once,
        scans=join(" UNION ALL ", each),
        newest=NEWEST_FIRST,
    )


def _where(conditions: list[Fragment]) -> Fragment:
    return compose("WHERE {asked}", asked=join(AND, conditions)) if conditions else EMPTY
