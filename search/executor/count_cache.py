"""What bitmaps were found to match, remembered by each process for as long as it is right.

Combining bitmaps takes time with the number of images, and their blocks change only when the index
takes changes in: `search_fold` says which did (`search.index.merging`). What was counted in a block holds
until it is named there, so that only blocks named since are combined again, in the statement that
also judges what bitmaps cannot know. Where few match, it is remembered which they are, and a page
of them is found without a statement of its own.
"""

import hashlib
from array import array
from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import Any, NamedTuple

from search.executor import predicates
from search.executor.totals import Newest, Total
from search.models import BLOCK
from search.planner.resolution import Plan
from taggedimages.postgresql.prepared import execute_prepared, ids, number
from taggedimages.postgresql.routing import read_connection

# Matches that are remembered one by one, and bytes that a process keeps in all.
FEW = 2_000
# Links that a walk passes in the time that it takes to read one match, and a usual page.
LINKS_A_MATCH, PAGE = 2, 100
MOST_BYTES = 16 * 1024**2

LOOK = """
WITH unsure AS MATERIALIZED ({unsure}),
out AS MATERIALIZED ({out}),
{since}
m AS MATERIALIZED ({matches}),
fresh AS MATERIALIZED (SELECT block, bits FROM m {of_since}),
gone AS MATERIALIZED (
    SELECT image FROM out JOIN m ON m.block = out.image / {block}
    WHERE get_bit(m.bits, (out.image & {block} - 1)::int) = 1
),
judged AS MATERIALIZED (
    SELECT i.id AS image, i.created_at AS created, i.ended_at > statement_timestamp() AS ends
    FROM images_image i WHERE i.id IN (SELECT image FROM unsure) AND {live}
)
SELECT (SELECT max(id) FROM search_fold),
       {is_known},
       {named},
       (SELECT array_agg(block) FROM fresh),
       (SELECT array_agg(bit_count(bits)) FROM fresh),
       (SELECT count(*) FROM gone),
       (SELECT count(*) FROM judged) {light},
       (SELECT count(*) FROM judged WHERE ends),
       NOT EXISTS (SELECT FROM search_rebuild)
       AND (SELECT count(*) FROM search_setsize WHERE heavy AND set = ANY({heavy})) = {heavies},
       {corpus},
       {positions}
"""

# The blocks that were changed since, and those of images whose bits do not count.
SINCE = """
since AS MATERIALIZED (
    SELECT DISTINCT unnest(blocks) AS block FROM search_fold WHERE id > %(fold)s
),
looked AS MATERIALIZED (
    SELECT block FROM since UNION SELECT (image / {block})::int FROM out
),
"""

LIGHT = """
+ (SELECT count(*) FROM (SELECT DISTINCT l.image_id FROM {links}) found)
"""

MICROSECONDS = "(extract(epoch FROM {created}) * 1000000)::bigint"
# Of the new matches, of those that do not count, and of those that do though no bitmap says so, as
# long as they are few: the planner cannot know it, so each is looked up.
POSITIONS = f"""
CASE WHEN (SELECT sum(bit_count(bits)) FROM fresh) <= {{few}} THEN (
    SELECT array_agg(ARRAY[{MICROSECONDS.format(created="created")}, image]) FROM (
        SELECT image, (SELECT i.created_at FROM images_image i WHERE i.id = image) AS created
        FROM ({predicates.ONES.format(matches="fresh", block=BLOCK)}) ones
    ) new WHERE created IS NOT NULL
) END,
(SELECT array_agg(image) FROM gone),
CASE WHEN (SELECT count(*) FROM judged) <= {{few}} THEN (
    SELECT array_agg(ARRAY[{MICROSECONDS.format(created="created")}, image]) FROM judged
) END
"""
NO_POSITIONS = "NULL, NULL, NULL"


class Matches(NamedTuple):
    """What bitmaps match as of a fold: how many in each block and at all, and if few, which."""

    fold: int
    counts: Sequence[int]
    images: int
    newest: Newest | None

    @property
    def bytes(self) -> int:
        """About how much memory this takes."""
        return 500 + 2 * len(self.counts) + 16 * len(self.newest.images if self.newest else ())


class _Row(NamedTuple):
    fold: int | None
    is_known: bool
    named: list[int] | None
    blocks: list[int] | None
    counts: list[int] | None
    gone: int
    judged: int
    ending: int
    trusted: bool
    corpus: float
    new: list[list[int]] | None
    gone_images: list[int] | None
    judged_images: list[list[int]] | None


class _Memory:
    """The last used of what was found, within bounds."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.bytes = 0
        self.found: OrderedDict[bytes, Matches] = OrderedDict()

    def get(self, key: bytes) -> Matches | None:
        with self.lock:
            if key in self.found:
                self.found.move_to_end(key)
            return self.found.get(key)

    def put(self, key: bytes, matches: Matches | None) -> None:
        with self.lock:
            if old := self.found.pop(key, None):
                self.bytes -= old.bytes
            if matches:
                self.found[key] = matches
                self.bytes += matches.bytes
            while self.bytes > MOST_BYTES:
                self.bytes -= self.found.popitem(last=False)[1].bytes


_memory = _Memory()


def total(plan: Plan) -> Total | None:
    """How many images match by the bitmaps; None where these are not to be trusted now.

    One statement; two where what was remembered is no longer of use.
    """
    key = _key(plan)
    known = _memory.get(key)
    # Which they are is read when they are asked for again.
    wants_newest = known is not None and _are_worth_knowing(plan, known.images)
    since = None if known and wants_newest and known.newest is None else known
    row = _look(plan, since, wants_newest)
    if since and not row.is_known:
        since, row = None, _look(plan, None, wants_newest)
    if not row.trusted:
        return None
    matches = _taken(since, row, wants_newest)
    if matches is not since:
        _memory.put(key, matches if row.fold is not None else None)
    newest = None
    if wants_newest and matches.newest is not None and row.judged <= FEW:
        newest = matches.newest.but(row.gone_images or (), (), row.judged_images or [])
    images = matches.images - row.gone + row.judged
    return Total(images, row.ending, True, row.corpus, newest)


def _are_worth_knowing(plan: Plan, images: int) -> bool:
    """Whether it takes less to read all matches than to walk to a page of them."""
    if images > FEW or not plan.clauses or any(clause.light for clause in plan.clauses):
        return False
    return images * images * LINKS_A_MATCH <= plan.clauses[0].links * PAGE


def _key(plan: Plan) -> bytes:
    """Which bitmaps are combined how, and where: a replica may be behind the primary."""
    text = f"{read_connection().alias}: {predicates.matches(plan, plan.clauses)}"
    return hashlib.md5(text.encode(), usedforsecurity=False).digest()


def _taken(since: Matches | None, row: _Row, wants_newest: bool) -> Matches:
    """What is known now, given what was and what a look has told."""
    if since and row.fold == since.fold:
        return since
    named, blocks, counts = row.named or [], row.blocks or [], row.counts or []
    by_block = array("H", since.counts if since else [])
    last = max([*named, *blocks], default=0)
    by_block.extend([0] * (last + 1 - len(by_block)))
    for block in named:
        by_block[block] = 0
    for block, count in zip(blocks, counts, strict=True):
        by_block[block] = count
    newest, images = None, sum(by_block)
    if wants_newest and images <= FEW:
        known = since.newest if since and since.newest else Newest()
        newest = known.but((), named, row.new or [])
    return Matches(row.fold or 0, by_block, images, newest)


def _look(plan: Plan, since: Matches | None, wants_newest: bool) -> _Row:
    statement = LOOK.format(
        unsure=predicates.UNSURE,
        out=predicates.out_of_bitmaps(plan),
        since=SINCE.format(block=BLOCK) if since else "",
        matches=predicates.matches(plan, plan.clauses, looked=since is not None),
        of_since="WHERE block IN (SELECT block FROM since)" if since else "",
        block=BLOCK,
        live=predicates.live(plan),
        is_known="EXISTS (SELECT FROM search_fold WHERE id = %(fold)s)" if since else "true",
        named="(SELECT array_agg(block) FROM since)" if since else "NULL",
        light="".join(LIGHT.format(links=links) for links in predicates.by_light_tags(plan)),
        heavy=ids(plan.heavy),
        heavies=number(len(set(plan.heavy))),
        corpus=predicates.CORPUS,
        positions=POSITIONS.format(few=FEW) if wants_newest else NO_POSITIONS,
    )
    parameters: dict[str, Any] = predicates.parameters(plan)
    if since:
        parameters["fold"] = since.fold
    with read_connection().cursor() as cursor:
        execute_prepared(cursor, statement, parameters)
        return _Row._make(cursor.fetchone())
