"""Measures again what the planner of searches takes each of their steps to cost.

Small statements on the tables of a service's database, with enough links and images in each that
what is measured is the step. Nothing is written. Statements of which one does more of the step than
the other take turns; their difference is the step's, without what both share. Of each, the
quickest quarter of its runs counts, since other work on the machine only ever adds.
"""

import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from django.db import connection, transaction

from benchmarks.inside import TooFewTags
from benchmarks.stamp import Say
from search.executor.bitmaps import TO_RECHECK, set_bits
from search.models import BLOCK
from search.planner import costs as code
from taggedimages.postgresql.fragments import (
    EMPTY,
    Fragment,
    bigint,
    bigints,
    compose,
    join,
    statement,
)

# Besides those in microseconds, what else in the code is a measurement.
RATIOS = {"PROBE_PASS_RATIO", "LINKS_PER_MATCH"}

RUNS = 20
# Of so many tags that are walked, each has about so many links.
WALKED_TAGS, WALKED_LINKS = 3, 20_000
WALKED_ROWS = 50_000
SPARSE_TAGS = 500
# Bitmaps that are combined, in the lesser and the larger statement.
FEW_BITMAPS, MORE_BITMAPS = 2, 5
# Images of which three tags are asked for, as far as the rarest has no more links than these.
IMAGES_ASKED, PROBED_LINKS_MAX = 200, 50_000

LINKS = "SELECT count(*) FROM tags_imagetag l WHERE l.tag_id = {tag} AND l.audience = 0 {more}"
PROBE = """
AND EXISTS (
    SELECT FROM tags_imagetag x WHERE x.image_id = l.image_id AND x.tag_id = {other} OFFSET 0
)
"""
ROWS = """
SELECT count(*) FROM (
    SELECT id FROM images_image WHERE ended_at IS NULL AND visibility = 0
    ORDER BY created_at DESC, id DESC LIMIT {limit}
) newest
"""
# Of which the table itself is read.
RECORDS = """
SELECT count(filename) FROM (
    SELECT filename FROM images_image ORDER BY {by} DESC, id DESC LIMIT {limit}
) first
"""
BY_TIME, BY_SIZE = Fragment("created_at"), Fragment("size")
OF_TAG = "SELECT block, bits FROM search_bitmap WHERE set = {tag}"
COMBINED = "SELECT n0.block AS block, {bits} AS bits FROM {joined}"
BITS_COUNTED = """
WITH recheck AS MATERIALIZED ({to_recheck}), m AS MATERIALIZED ({combined})
SELECT (SELECT array_agg(block) FROM m), (SELECT sum(bit_count(bits)) FROM m), (
    SELECT count(*) FROM recheck JOIN m ON m.block = recheck.image / {block}
    WHERE get_bit(m.bits, (recheck.image & {in_block})::int) = 1
)
"""
LOOKED_UP = """
SELECT count(*) FROM tags_imagetag l JOIN ({of_tag} OFFSET 0) r ON r.block = l.image_id / {block}
WHERE l.tag_id = ANY({tags}) AND get_bit(r.bits, (l.image_id & {in_block})::int) = 1
"""
SORTED = """
WITH recheck AS MATERIALIZED ({to_recheck}), m AS MATERIALIZED ({of_tag}), ones AS ({ones}),
found AS ((SELECT image FROM ones EXCEPT TABLE recheck) UNION TABLE recheck)
SELECT image, created_at FROM found JOIN images_image i ON i.id = image
ORDER BY created_at DESC, image DESC LIMIT 100
"""
TAGS = "SELECT set, links FROM search_setsize WHERE set > 0 AND links > 0 AND heavy = %s ORDER BY 2"
TAGS_OF = """
SELECT array_agg(l.tag_id ORDER BY s.links, s.set), array_agg(s.links ORDER BY s.links, s.set)
FROM tags_imagetag l
JOIN search_setsize s ON s.set = l.tag_id
WHERE l.image_id = ANY(%s) GROUP BY l.image_id ORDER BY l.image_id
"""
BLOCK_SQL, IN_BLOCK = Fragment(str(BLOCK)), Fragment(str(BLOCK - 1))


class Tag(NamedTuple):
    """A tag, and how many links it has."""

    id: int
    links: int


def names() -> list[str]:
    """The constants of the code that are measurements."""
    return [name for name in vars(code) if name.endswith("_COST_US") or name in RATIOS]


def measure(say: Say) -> dict[str, dict[str, float]]:
    """Each constant as it is in the code and as it is measured. Raises TooFewTags."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")
        steps = Steps(cursor)
        found = {}
        for name in names():
            measured, known = MEASUREMENTS[name](steps), float(getattr(code, name))
            say(f"{name:22} {known:8.2f} {measured:8.2f}")
            ratio = measured / known
            found[name] = {"code": known, "measured": round(measured, 3), "ratio": round(ratio, 2)}
    return found


@dataclass(frozen=True)
class Steps:
    """The steps of searches, each measured in microseconds on the database of a cursor."""

    cursor: Any

    @cached_property
    def dense(self) -> list[Tag]:
        """Tags with bitmaps, the rarest first. Raises TooFewTags."""
        return self._tags(heavy=True)

    @cached_property
    def sparse(self) -> list[Tag]:
        """Tags without, likewise."""
        return self._tags(heavy=False)

    @cached_property
    def blocks(self) -> int:
        """How many blocks the commonest tag has."""
        self.cursor.execute("SELECT count(*) FROM search_bitmap WHERE set = %s", [self.common.id])
        return int(self.cursor.fetchone()[0])

    @property
    def common(self) -> Tag:
        return self.dense[-1]

    @cached_property
    def walked(self) -> list[Tag]:
        """Those whose links are walked."""
        by_fit = sorted(self.dense[:-1], key=lambda tag: abs(tag.links - WALKED_LINKS))
        return by_fit[:WALKED_TAGS]

    @cached_property
    def link_read(self) -> float:
        return statistics.median(self.took(_walk(tag))[0] / tag.links for tag in self.walked)

    @cached_property
    def rows(self) -> int:
        """How many images are walked."""
        self.cursor.execute("SELECT count(*) FROM images_image")
        return min(WALKED_ROWS, int(self.cursor.fetchone()[0]))

    @cached_property
    def row_read(self) -> float:
        return self.took(statement(ROWS, limit=bigint(self.rows)))[0] / self.rows

    @cached_property
    def scattered_row(self) -> float:
        limit = bigint(self.rows)
        by_time, by_size = self.took(
            *(statement(RECORDS, by=by, limit=limit) for by in (BY_TIME, BY_SIZE))
        )
        return (by_size - by_time) / self.rows

    @cached_property
    def probe(self) -> float:
        found = []
        for tag in self.walked:
            plain, probed = self.took(_walk(tag), _walk(tag, self.common))
            found.append((probed - plain) / tag.links)
        return statistics.median(found)

    @cached_property
    def bitmap_clause(self) -> float:
        few, more = self._combined
        return (more - few) / (MORE_BITMAPS - FEW_BITMAPS)

    @cached_property
    def bitmap_count(self) -> float:
        # One of the bitmaps is that of what may be seen, and no clause's.
        return self._combined[0] - (FEW_BITMAPS - 1) * self.bitmap_clause

    @cached_property
    def bit_lookup(self) -> float:
        tags = self.sparse[-SPARSE_TAGS:]
        one, all_of_them = self.took(
            _looked_up(tags[:1], self.common), _looked_up(tags, self.common)
        )
        return (all_of_them - one) / sum(tag.links for tag in tags[1:])

    @cached_property
    def block_and(self) -> float:
        return self.bitmap_clause / self.blocks

    @cached_property
    def match_sort(self) -> float:
        few, many = self._read
        few_us, many_us = self._sorted
        return (many_us - few_us) / (many.links - few.links)

    @cached_property
    def block_read(self) -> float:
        return (self._sorted[0] - self._read[0].links * self.match_sort) / self.blocks

    @cached_property
    def probe_pass_ratio(self) -> float:
        """Of three tags that some image has: of the rarest's images, the share with the next."""
        chance = random.Random(1)
        self.cursor.execute("SELECT min(id), max(id) FROM images_image")
        first, last = self.cursor.fetchone()
        images = [chance.randint(first, last) for _ in range(IMAGES_ASKED)]
        self.cursor.execute(TAGS_OF, [images])
        shares = []
        for ids, links in self.cursor.fetchall():
            if len(ids) < 3:
                continue
            tags = [*map(Tag, ids, links)]
            rarest, other, _ = (tags[at] for at in sorted(chance.sample(range(len(tags)), 3)))
            if rarest.links <= PROBED_LINKS_MAX:
                shares.append(self._count(_walk(rarest, other)) / self._count(_walk(rarest)))
        return statistics.mean(shares)

    @cached_property
    def links_per_match(self) -> float:
        return self.match_sort / (self.row_read + self.probe)

    def took(self, *asked: Fragment) -> list[float]:
        """Microseconds of each statement without what any statement takes, warm."""
        # Planned once, as the service's own statements are.
        texts = ["SELECT 1", *(each.text for each in asked)]
        for at, text in enumerate(texts):
            self.cursor.execute(f"PREPARE measured{at} AS {text}")
        taken: list[list[float]] = [[] for _ in texts]
        for _ in range(RUNS + 1):
            for at, times in enumerate(taken):
                began = time.perf_counter()
                self.cursor.execute(f"EXECUTE measured{at}")
                self.cursor.fetchall()
                times.append((time.perf_counter() - began) * 1e6)
        self.cursor.execute("DEALLOCATE ALL")
        # The first run of each warms up.
        nothing, *quick = (sorted(times[1:])[RUNS // 4] for times in taken)
        return [each - nothing for each in quick]

    @cached_property
    def _combined(self) -> list[float]:
        """Counting by few bitmaps, and by more of them."""
        return self.took(*(_counted(self.dense[-many:]) for many in (FEW_BITMAPS, MORE_BITMAPS)))

    @cached_property
    def _read(self) -> tuple[Tag, Tag]:
        """Two tags of which all matches are read: the rarest, and one with far more."""
        few = self.dense[0]
        return few, next((tag for tag in self.dense if tag.links >= 5 * few.links), self.common)

    @cached_property
    def _sorted(self) -> list[float]:
        return self.took(*map(_sorted, self._read))

    def _tags(self, *, heavy: bool) -> list[Tag]:
        self.cursor.execute(TAGS, [heavy])
        found = [Tag(*row) for row in self.cursor.fetchall()]
        if len(found) <= MORE_BITMAPS or found[0].links == found[-1].links:
            raise TooFewTags("This takes many tags with and without bitmaps: load a corpus.")
        return found

    def _count(self, asked: Fragment) -> int:
        self.cursor.execute(asked.text)
        return int(self.cursor.fetchone()[0])


def _walk(tag: Tag, other: Tag | None = None) -> Fragment:
    more = compose(PROBE, other=bigint(other.id)) if other else EMPTY
    return statement(LINKS, tag=bigint(tag.id), more=more)


def _of(tag: Tag) -> Fragment:
    return compose(OF_TAG, tag=bigint(tag.id))


def _counted(tags: Sequence[Tag]) -> Fragment:
    names = [f"n{at}" for at in range(len(tags))]
    joined = [
        compose(
            "({of_tag}) {name} USING (block)" if at else "({of_tag}) {name}",
            of_tag=_of(tag),
            name=Fragment(names[at]),
        )
        for at, tag in enumerate(tags)
    ]
    bits = Fragment(" & ".join(f"{name}.bits" for name in names))
    return statement(
        BITS_COUNTED,
        combined=compose(COMBINED, bits=bits, joined=join(" JOIN ", joined)),
        to_recheck=TO_RECHECK,
        block=BLOCK_SQL,
        in_block=IN_BLOCK,
    )


def _looked_up(tags: Sequence[Tag], common: Tag) -> Fragment:
    wanted = bigints(tag.id for tag in tags)
    return statement(LOOKED_UP, of_tag=_of(common), tags=wanted, block=BLOCK_SQL, in_block=IN_BLOCK)


def _sorted(tag: Tag) -> Fragment:
    return statement(
        SORTED, provides=["m"], to_recheck=TO_RECHECK, of_tag=_of(tag), ones=set_bits("m")
    )


MEASUREMENTS: dict[str, Callable[[Steps], float]] = {
    "LINK_READ_COST_US": lambda steps: steps.link_read,
    "ROW_READ_COST_US": lambda steps: steps.row_read,
    "SCATTERED_ROW_COST_US": lambda steps: steps.scattered_row,
    "PROBE_COST_US": lambda steps: steps.probe,
    "BITMAP_COUNT_COST_US": lambda steps: steps.bitmap_count,
    "BITMAP_CLAUSE_COST_US": lambda steps: steps.bitmap_clause,
    "BIT_LOOKUP_COST_US": lambda steps: steps.bit_lookup,
    "BLOCK_AND_COST_US": lambda steps: steps.block_and,
    "BLOCK_READ_COST_US": lambda steps: steps.block_read,
    "MATCH_SORT_COST_US": lambda steps: steps.match_sort,
    "PROBE_PASS_RATIO": lambda steps: steps.probe_pass_ratio,
    "LINKS_PER_MATCH": lambda steps: steps.links_per_match,
}
