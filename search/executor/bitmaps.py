"""Whole blocks of images at once, as pieces of SQL over `search_bitmap`.

Bitmaps say what was so at the last merge. Images that no bitmap can be asked of are the CTE
`recheck` of a statement: they are taken out of what the bitmaps say, and judged by their records.
"""

from collections.abc import Iterable, Iterator, Sequence

from images.visibility import LATEST_CREATED_SQL
from search.executor import given, ranges, since
from search.executor.predicates import AND, LINK_IMAGE, has_any_tag
from search.index import fields, terms
from search.index.bits import BLOCK_SQL, EMPTY_BITS, IN_BLOCK
from search.index.thresholds import DEFAULT, Thresholds
from search.planner.fields import FieldValues
from search.planner.named_tags import Clause
from search.planner.paths import AccessPath
from search.planner.resolution import ResolvedQuery
from taggedimages.postgresql.bulk import array
from taggedimages.postgresql.fragments import EMPTY, Fragment, bigint, bigints, compose, join

# SQL selecting (image): those with an end that lies ahead, those created ahead of time, and those
# that were changed since the last merge.
TO_RECHECK = compose(
    """
SELECT id AS image FROM images_image WHERE ended_at > statement_timestamp()
UNION SELECT id FROM images_image WHERE created_at > {latest}
UNION SELECT image_id FROM search_unindexed
""",
    latest=Fragment(LATEST_CREATED_SQL),
)
# Of what is rechecked, SQL selecting (image) of those whose bits do not count.
RECHECKED = Fragment("SELECT image FROM recheck", needs=frozenset({"recheck"}))
WITH_ABSENT_TAG = "{rechecked} UNION SELECT image_id FROM tags_imagetag WHERE tag_id = ANY({tags})"

# How many images there are, by PostgreSQL's own estimate.
ALL_IMAGES = Fragment(
    "(SELECT greatest(reltuples, 1) FROM pg_class WHERE oid = 'images_image'::regclass)"
)

# How many blocks have images as young as some of the newest block's: one or two where ids follow
# time. 0 where it is not known.
NEWEST_BLOCKS = Fragment("""
(SELECT count(*) FROM search_blockspan WHERE EXISTS (SELECT FROM search_fieldtermsbuilt)
 AND created_max >= (SELECT created_min FROM search_blockspan ORDER BY created_max DESC LIMIT 1))
""")

# Every term that was taken to have bitmaps still has, and no rebuild is due.
TRUSTED = """
NOT EXISTS (SELECT FROM search_rebuild)
AND (SELECT count(*) FROM search_setsize WHERE heavy AND set = ANY({terms})) = {count}
"""

# The ones of a bitmap as a text: between them lie the gaps that this splits it into.
SET_BITS = """
SELECT block::bigint * {block} - 1 + ends AS image
FROM (SELECT block, bits, bit_count(bits) AS of FROM {relation}) blocks, LATERAL (
    SELECT place, sum(length(gap) + 1) OVER (ORDER BY place) AS ends
    FROM string_to_table(bits::text, '1') WITH ORDINALITY pieces (gap, place)
) pieces
WHERE of > 0 AND place <= of
"""

# The index has the terms of fields, and of values all that were asked for, unless there are more
# than it takes in.
FIELDS_TRUSTED = "AND EXISTS (SELECT FROM search_fieldtermsbuilt) {values}"
VALUES_TRUSTED = """
AND (
    SELECT count(*) < {most} OR count(*) FILTER (WHERE value = ANY({asked})) = {count}
    FROM search_fieldvalue WHERE field = {field}
)
"""

OF_ONE_TERM = "SELECT block, bits FROM search_bitmap WHERE set = {term} {within}"
OF_ANY_TERM = """
SELECT block, bit_or(bits) AS bits FROM search_bitmap
WHERE set = ANY({terms}) {within} GROUP BY block
"""
# Needs the CTE `blocks_asked (block)`.
WITHIN_BLOCKS = Fragment(
    "AND block = ANY(ARRAY(SELECT block FROM blocks_asked))", needs=frozenset({"blocks_asked"})
)
EVERY_BLOCK = EMPTY

# Numbers of values are looked up where they are used: a merge may give a value its term.
OF_VALUES = """
SELECT block, bit_or(bits) AS bits FROM search_bitmap
WHERE set = ANY(ARRAY(
    SELECT {values} - id FROM search_fieldvalue
    WHERE field = {field} AND value = ANY({asked})
)) {within} GROUP BY block
"""

MATCHING = "SELECT block, {bits} AS bits FROM {joined}"
WANTED = "({of_blocks}) {name}"
JOIN_WANTED = " JOIN ({of_blocks}) {name} USING (block)"
JOIN_UNWANTED = " LEFT JOIN ({of_blocks}) {name} USING (block)"
BUT_UNWANTED = "~coalesce({name}.bits, {empty})"

# The blocks of the other clauses are combined once each, by OFFSET, and not for every link.
SPARSE_MATCHES = """
tags_imagetag l JOIN ({others} OFFSET 0) r ON r.block = l.image_id / {block} WHERE {asked}
"""
BIT_IS_SET = "get_bit(r.bits, (l.image_id & {in_block})::int) = 1"
NOT_RECHECKED = Fragment(
    "l.image_id NOT IN (SELECT image FROM recheck)", needs=frozenset({"recheck"})
)


def to_recheck(resolved: ResolvedQuery) -> Fragment:
    """SQL selecting (image): those that bitmaps cannot tell of; of an instant, needs `changed`."""
    if resolved.as_of is None:
        return TO_RECHECK
    return compose("{now} {changed}", now=TO_RECHECK, changed=since.OR_CHANGED)


def set_bits(relation: str) -> Fragment:
    """SQL selecting (image bigint) from a relation of (block int, bits bit(BLOCK)); needs it."""
    named = Fragment(relation, needs=frozenset({relation}))
    return compose(SET_BITS, block=BLOCK_SQL, relation=named)


def is_trusted(resolved: ResolvedQuery, thresholds: Thresholds = DEFAULT) -> Fragment:
    """SQL, a boolean: whether the bitmaps that a query was resolved with may be used."""
    dense = resolved.dense_tags
    trusted = compose(TRUSTED, terms=bigints(dense), count=bigint(len(set(dense))))
    if not (resolved.field_count or resolved.created):
        return trusted
    most = bigint(thresholds.field_values_max)
    values = [
        compose(
            VALUES_TRUSTED,
            most=most,
            asked=_listed(asked),
            count=bigint(len(set(asked.values))),
            field=_number_of(asked),
        )
        for asked in resolved.values
    ]
    of_fields = compose(FIELDS_TRUSTED, values=join(" ", values))
    return join(" ", [trusted, of_fields])


def of_any_term(numbers: Sequence[int], within: Fragment = EVERY_BLOCK) -> Fragment:
    """SQL selecting (block, bits) of the images that are in any of some terms with bitmaps."""
    if len(numbers) == 1:
        one = bigint(numbers[0])
        return compose(OF_ONE_TERM, term=one, within=within)
    return compose(OF_ANY_TERM, terms=bigints(numbers), within=within)


def combined_terms(
    resolved: ResolvedQuery, clauses: Iterable[Clause], unwanted: Sequence[int] = ()
) -> tuple[list[Sequence[int]], list[int]]:
    """Which terms `matching` combines: any of each of these lists, and none of the last."""
    needed = [shown_terms(resolved), *(clause.dense for clause in clauses)]
    needed += [[terms.of_character(character)] for character in resolved.characters]
    if resolved.of_project_term is not None:
        needed.append([resolved.of_project_term])
    if resolved.uploaded_only:
        needed.append([terms.UPLOADED])
    without = [*unwanted, *resolved.absent.dense]
    if resolved.untagged:
        without.append(terms.TAGGED)
    return needed, without


def matching(
    resolved: ResolvedQuery,
    clauses: Iterable[Clause],
    unwanted: Sequence[int] = (),
    within: Fragment = EVERY_BLOCK,
) -> Fragment:
    """SQL selecting (block int, bits bit(BLOCK)) of what bitmaps know to match.

    These are the images that have a dense tag of each of the clauses given, are in no unwanted
    term, and fulfil all that the query asks besides tags, visibility first. With WITHIN_BLOCKS as
    `within`, only blocks of the CTE `blocks_asked` are read.
    """
    needed, without = combined_terms(resolved, clauses, unwanted)
    wanted = [
        *(of_any_term(numbers, within) for numbers in needed),
        *(_of_values(asked, within) for asked in resolved.values),
        *ranges.wanted(resolved, within),
    ]
    if resolved.given is not None:
        wanted.append(given.blocks(resolved.given))
    beyond = ranges.unwanted(resolved, within)
    if without:
        beyond.append(of_any_term(without, within))
    joined, bits = [], []
    for at, of_blocks in enumerate(wanted):
        name = Fragment(f"n{at}")
        joined.append(compose(JOIN_WANTED if at else WANTED, of_blocks=of_blocks, name=name))
        bits.append(Fragment(f"n{at}.bits"))
    for at, of_blocks in enumerate(beyond):
        name = Fragment(f"u{at}")
        joined.append(compose(JOIN_UNWANTED, of_blocks=of_blocks, name=name))
        bits.append(compose(BUT_UNWANTED, name=name, empty=EMPTY_BITS))
    return compose(MATCHING, bits=join(" & ", bits), joined=join("", joined))


def _of_values(asked: FieldValues, within: Fragment) -> Fragment:
    return compose(
        OF_VALUES,
        values=Fragment(str(terms.VALUES)),
        field=_number_of(asked),
        asked=_listed(asked),
        within=within,
    )


def _number_of(asked: FieldValues) -> Fragment:
    return bigint(fields.VALUES[asked.field].number)


def _listed(asked: FieldValues) -> Fragment:
    """The values as SQL, an array of texts."""
    parameter = f"{asked.field}_values"
    return Fragment(f"%({parameter})s::text[]", {parameter: array(asked.values)})


def shown_terms(resolved: ResolvedQuery) -> Sequence[int]:
    """The terms of what the viewer is shown."""
    if resolved.project_term is not None:
        return [resolved.project_term]
    if resolved.viewer.audiences is None:
        return [terms.UNENDED]
    return [terms.of_audience(audience) for audience in resolved.viewer.audiences]


def excluded(resolved: ResolvedQuery) -> Fragment:
    """SQL selecting (image) of those whose bits in `matching` do not count; needs `recheck`.

    They are rechecked, or have an absent tag that is sparse.
    """
    if not resolved.absent.sparse:
        return RECHECKED
    tags = bigints(resolved.absent.sparse)
    return compose(WITH_ABSENT_TAG, rechecked=RECHECKED, tags=tags)


def sparse_matches(path: AccessPath) -> Iterator[Fragment]:
    """FROM and WHERE of the links `l` of images that match though no bitmap says so.

    For each clause: it is met by a sparse tag alone, and each clause before it by a dense one. So
    these and the bitmaps' own matches share no image, and together are all. Need `recheck`.
    """
    resolved, image = path.resolved, LINK_IMAGE
    most = path.thresholds.probed_tags_max
    for at, clause in enumerate(resolved.clauses):
        if not clause.sparse:
            continue
        before, later = resolved.clauses[:at], resolved.clauses[at + 1 :]
        by_bits = [*before, *(clause for clause in later if not clause.sparse)]
        asked = [
            compose("l.tag_id = ANY({tags})", tags=bigints(clause.sparse)),
            compose(BIT_IS_SET, in_block=IN_BLOCK),
            NOT_RECHECKED,
            *(has_any_tag(image, clause, most) for clause in later if clause.sparse),
        ]
        if resolved.absent.sparse:
            absent = has_any_tag(image, Clause(sparse=resolved.absent.sparse), most)
            asked.append(compose("NOT {linked}", linked=absent))
        yield compose(
            SPARSE_MATCHES,
            provides=["l", "r"],
            others=matching(resolved, by_bits, unwanted=clause.dense),
            block=BLOCK_SQL,
            asked=join(AND, asked),
        )
