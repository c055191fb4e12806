"""What bitmaps were found to match, cached by each process for as long as it is right.

Combining bitmaps takes time with the number of images, and their blocks change only when pending
changes are merged: the merge log (`search.models.MergeLog`) says which did. A count of a block
holds until the log names it, so that only blocks named since are combined again, in the statement
that also rechecks what bitmaps cannot know. Where few match, their ids are cached as well, and a
page of them is found without a statement of its own. The least recently used go first.

All of it belongs to one history of the database (`taggedimages.postgresql.history`): one that is
put back may know the same merge, and have dated the images otherwise.
"""

import hashlib
from array import array
from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import NamedTuple

from search.executor import bitmaps
from search.executor import since as since_then
from search.executor.bitmaps import ALL_IMAGES, EVERY_BLOCK, NEWEST_BLOCKS, WITHIN_BLOCKS
from search.executor.matches import MatchCount, MatchingIds
from search.executor.predicates import matches
from search.index.bits import BLOCK_SQL, IN_BLOCK
from search.planner.paths import AccessPath
from taggedimages.postgresql.fragments import EMPTY, Fragment, compose, join, statement
from taggedimages.postgresql.history import MARK
from taggedimages.postgresql.prepared import execute_prepared
from taggedimages.postgresql.routing import read_connection

# Bytes that a process keeps in all.
CACHE_BYTES_MAX = 16 * 1024**2

# Selects one row, as `_Row` names it.
COUNT_BLOCKS = """
WITH {before} recheck AS MATERIALIZED ({to_recheck}),
excluded AS MATERIALIZED ({excluded}),
{since}
m AS MATERIALIZED ({matching}),
fresh AS MATERIALIZED (SELECT block, bits FROM m {of_since}),
gone AS MATERIALIZED (
    SELECT image FROM excluded JOIN m ON m.block = excluded.image / {block}
    WHERE get_bit(m.bits, (excluded.image & {in_block})::int) = 1
),
rechecked AS MATERIALIZED (
    SELECT i.id AS image, i.created_at AS created, i.ended_at > statement_timestamp() AS ends
    FROM images_image i WHERE i.id IN (SELECT image FROM recheck) AND {matches}
)
SELECT {history},
       (SELECT max(id) FROM search_fold),
       {is_known},
       {named},
       (SELECT array_agg(block) FROM fresh),
       (SELECT array_agg(bit_count(bits)) FROM fresh),
       (SELECT count(*) FROM gone),
       (SELECT count(*) FROM rechecked) {sparse},
       (SELECT count(*) FROM rechecked WHERE ends),
       {trusted},
       {all_images},
       {newest_blocks},
       {ids}
"""

# The blocks that were merged into since, and those of images whose bits do not count.
SINCE = """
since AS MATERIALIZED (
    SELECT DISTINCT unnest(blocks) AS block FROM search_fold WHERE id > {merge}
),
blocks_asked AS MATERIALIZED (
    SELECT block FROM since UNION SELECT (image / {block})::int FROM excluded
),
"""
HISTORY = Fragment(MARK)
IS_KNOWN = "EXISTS (SELECT FROM search_fold WHERE id = {merge})"
OF_SINCE = "WHERE block IN (SELECT block FROM since)"
NAMED_SINCE = "(SELECT array_agg(block) FROM since)"

PLUS_SPARSE = "+ (SELECT count(*) FROM (SELECT DISTINCT l.image_id FROM {links}) found)"

# Of the new matches, of those that do not count, and of those that do though no bitmap says so, as
# long as they are few: PostgreSQL's planner cannot know it, so each is looked up.
IDS = """
CASE WHEN (SELECT sum(bit_count(bits)) FROM fresh) <= {most} THEN (
    SELECT array_agg(ARRAY[(extract(epoch FROM created) * 1000000)::bigint, image]) FROM (
        SELECT image, (SELECT i.created_at FROM images_image i WHERE i.id = image) AS created
        FROM ({new}) ones
    ) new WHERE created IS NOT NULL
) END,
(SELECT array_agg(image) FROM gone),
CASE WHEN (SELECT count(*) FROM rechecked) <= {most} THEN (
    SELECT array_agg(ARRAY[(extract(epoch FROM created) * 1000000)::bigint, image]) FROM rechecked
) END
"""
OF_COUNT = frozenset({"gone", "rechecked"})
NO_IDS = Fragment("NULL, NULL, NULL")


class CachedMatches(NamedTuple):
    """What bitmaps match as of a merge of a history: how many in each block and at all, and if few,
    which."""

    history: str
    merge: int
    counts: Sequence[int]
    images: int
    ids: MatchingIds | None

    @property
    def bytes(self) -> int:
        """About how much memory this takes."""
        return 600 + 2 * len(self.counts) + 16 * len(self.ids.images if self.ids else ())


class CountCache:
    """What was last used, within bounds."""

    def __init__(self, bytes_max: int = CACHE_BYTES_MAX) -> None:
        self.lock = Lock()
        self.bytes_max = bytes_max
        self.bytes = 0
        self.cached: OrderedDict[bytes, CachedMatches] = OrderedDict()

    def get(self, key: bytes) -> CachedMatches | None:
        """What is cached under a key."""
        with self.lock:
            if key in self.cached:
                self.cached.move_to_end(key)
            return self.cached.get(key)

    def put(self, key: bytes, found: CachedMatches | None) -> None:
        """Keep something under a key, or nothing any more."""
        with self.lock:
            if old := self.cached.pop(key, None):
                self.bytes -= old.bytes
            if found:
                self.cached[key] = found
                self.bytes += found.bytes
            while self.bytes > self.bytes_max:
                self.bytes -= self.cached.popitem(last=False)[1].bytes

    def clear(self) -> None:
        """Keep nothing."""
        with self.lock:
            self.cached.clear()
            self.bytes = 0


cache = CountCache()


class _Row(NamedTuple):
    history: str
    merge: int | None
    is_known: bool
    named: list[int] | None
    blocks: list[int] | None
    counts: list[int] | None
    gone: int
    rechecked: int
    ending: int
    trusted: bool
    all_images: float
    newest_blocks: int
    new_ids: list[list[int]] | None
    gone_ids: list[int] | None
    rechecked_ids: list[list[int]] | None


def count(path: AccessPath) -> MatchCount | None:
    """How many images match by the bitmaps; None where these are not to be trusted now.

    One statement; two where what was cached is of a merge that this database does not know, or of
    another history of it.
    """
    if path.resolved.given is not None:
        # Such a set is of a moment, and nobody asks for the same one again.
        row = _recount(path, None, wants_ids=False)
        counted = sum(row.counts or ()) - row.gone + row.rechecked
        shape = row.all_images, row.newest_blocks
        return MatchCount(counted, row.ending, True, *shape) if row.trusted else None
    key = _key(path)
    known = cache.get(key)
    # Which they are is read when they are asked for again.
    wants_ids = bool(path.cached_ids_max and known and known.images <= path.cached_ids_max)
    since = None if known and wants_ids and known.ids is None else known
    row = _recount(path, since, wants_ids)
    if since and not (row.is_known and row.history == since.history):
        since, row = None, _recount(path, None, wants_ids)
    if not row.trusted:
        return None
    found = _brought_up_to_date(since, row, path.cached_ids_max if wants_ids else 0)
    if found is not since:
        cache.put(key, found if row.merge is not None else None)
    ids = None
    if wants_ids and found.ids is not None and row.rechecked <= path.thresholds.cached_ids_max:
        ids = found.ids.but(row.gone_ids or (), (), row.rechecked_ids or [])
    images = found.images - row.gone + row.rechecked
    return MatchCount(images, row.ending, True, row.all_images, row.newest_blocks, ids)


def _key(path: AccessPath) -> bytes:
    """Which bitmaps are combined how, and where: a replica may be behind the primary."""
    resolved = path.resolved
    combined = bitmaps.combined_terms(resolved, resolved.clauses)
    # Values by what they say: which terms they have may change.
    asked = (combined, resolved.values, resolved.ranges, resolved.created)
    text = f"{read_connection().alias}: {asked}"
    return hashlib.md5(text.encode(), usedforsecurity=False).digest()


def _brought_up_to_date(since: CachedMatches | None, row: _Row, ids_max: int) -> CachedMatches:
    """What is known now, given what was and what a recount has told."""
    if since and row.merge == since.merge:
        return since
    named, blocks, counts = row.named or [], row.blocks or [], row.counts or []
    by_block = array("H", since.counts if since else [])
    last = max([*named, *blocks], default=0)
    by_block.extend([0] * (last + 1 - len(by_block)))
    for block in named:
        by_block[block] = 0
    for block, counted in zip(blocks, counts, strict=True):
        by_block[block] = counted
    ids, images = None, sum(by_block)
    if images <= ids_max:
        known = since.ids if since and since.ids else MatchingIds()
        ids = known.but((), named, row.new_ids or [])
    return CachedMatches(row.history, row.merge or 0, by_block, images, ids)


def _recount(path: AccessPath, since: CachedMatches | None, wants_ids: bool) -> _Row:
    """Count all blocks, or those that merges changed since what is cached."""
    resolved = path.resolved
    within, changed, is_known = EVERY_BLOCK, EMPTY, Fragment("true")
    of_since, named = "", "NULL"
    if since:
        merge = Fragment("%(merge)s", {"merge": since.merge})
        changed = compose(SINCE, merge=merge, block=BLOCK_SQL)
        is_known = compose(IS_KNOWN, merge=merge)
        within, of_since, named = WITHIN_BLOCKS, OF_SINCE, NAMED_SINCE
    sparse = [compose(PLUS_SPARSE, links=it) for it in bitmaps.sparse_matches(path)]
    asked = statement(
        COUNT_BLOCKS,
        provides=[
            "recheck",
            "fresh",
            "gone",
            "rechecked",
            "i",
            *since_then.provided(resolved),
            *(["blocks_asked"] if since else []),
        ],
        before=since_then.first(resolved),
        to_recheck=bitmaps.to_recheck(resolved),
        excluded=bitmaps.excluded(resolved),
        since=changed,
        matching=bitmaps.matching(resolved, resolved.clauses, within=within),
        of_since=Fragment(of_since),
        block=BLOCK_SQL,
        in_block=IN_BLOCK,
        matches=matches(path),
        history=HISTORY,
        is_known=is_known,
        named=Fragment(named),
        sparse=join(" ", sparse),
        trusted=bitmaps.is_trusted(resolved, path.thresholds),
        all_images=ALL_IMAGES,
        newest_blocks=NEWEST_BLOCKS,
        ids=_ids(path.thresholds.cached_ids_max) if wants_ids else NO_IDS,
    )
    with read_connection().cursor() as cursor:
        execute_prepared(cursor, asked.text, asked.parameters)
        return _Row._make(cursor.fetchone())


def _ids(most: int) -> Fragment:
    return compose(IDS, needs=OF_COUNT, most=Fragment(str(most)), new=bitmaps.set_bits("fresh"))
