"""Tags by their names, ids and patterns, with what they stand for and how many links each has.

A tag stands for itself, and by the rules of the vocabulary (tags.vocabulary) for others too: its
target and all aliases of that; if implications are asked for, also all that imply it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from search.query import Rules
from taggedimages.postgresql.fragments import Fragment, compose, join, statement
from taggedimages.postgresql.prepared import execute_prepared
from taggedimages.postgresql.routing import read_connection
from tags.names import distinct, is_selective, like_pattern

# Tags by name or id, with their statistics, and whether there are rules about them.
TAGS_BY = """
SELECT t.id, t.name, coalesce(u.links, 0), coalesce(u.heavy, false), {has_rules}
FROM tags_tag t LEFT JOIN search_setsize u ON u.set = t.id WHERE {condition}
"""
BY_NAME, BY_ID = Fragment("t.name = ANY(%(names)s)"), Fragment("t.id = %(tag_id)s")

TERMS = """
SELECT t.id, coalesce(u.links, 0), coalesce(u.heavy, false)
FROM unnest(%(ids)s::bigint[]) t (id) LEFT JOIN search_setsize u ON u.set = t.id
"""

# All that some tags stand for, as (one of them, another), with statistics.
MEANING = """
SELECT a.id, m.id, coalesce(u.links, 0), coalesce(u.heavy, false)
FROM tags_tag a CROSS JOIN LATERAL (
    SELECT coalesce(a.alias_of_id, a.id) AS id UNION ALL {others}
) m LEFT JOIN search_setsize u ON u.set = m.id
WHERE a.id = ANY(%(ids)s::bigint[]) ORDER BY 1, 2
"""

# By a pattern of its own each, since PostgreSQL's planner looks at what it says.
TAGS_LIKE = "SELECT {place} AS place, t.id FROM tags_tag t WHERE {name} LIKE {pattern}"
# Nothing more is done where there are no rules at all.
TAGS_LIKE_BY_RULES = """
WITH named AS MATERIALIZED ({matching})
SELECT place, id FROM named UNION ALL (
    SELECT n.place, m.id FROM named n JOIN ({meaning}) m ON m.tag = n.id
    WHERE {is_any} EXCEPT SELECT place, id FROM named WHERE {is_any}
)
"""
TAGS_MATCHING = """
SELECT place, count(*), coalesce(sum(links), 0)::bigint,
       coalesce(sum(links) FILTER (WHERE NOT heavy), 0)::bigint,
       array_agg(id) FILTER (WHERE heavy), array_agg(id) FILTER (WHERE heavy IS NOT true)
FROM (
    SELECT t.place, t.id, u.links, u.heavy
    FROM ({matching}) t LEFT JOIN search_setsize u ON u.set = t.id
    WHERE {used} LIMIT {most}
) known GROUP BY place
"""
# Tags that some image has: the index knows them, unless they are new to it.
USED = Fragment("""
u.set IS NOT NULL OR t.id IN (SELECT unnest(added) FROM search_unindexed)
OR EXISTS (SELECT FROM search_rebuild)
""")
ALL = Fragment("true")


class RuleSql(NamedTuple):
    """Rules as SQL."""

    # Whether there are some about the tag `t`.
    has_rules: Fragment
    # What the target of the tag `a` stands for besides itself.
    others: Fragment
    # Pairs (tag, id): what each tag stands for besides itself, of all about which there are rules.
    meaning: Fragment
    # Whether there are any at all.
    is_any: Fragment


NO_RULES = Fragment("false")
SQL_OF = {
    Rules.ALIASES: RuleSql(
        Fragment("""
        (t.alias_of_id IS NOT NULL OR EXISTS (SELECT FROM tags_tag d WHERE d.alias_of_id = t.id))
        """),
        Fragment("SELECT d.id FROM tags_tag d WHERE d.alias_of_id = coalesce(a.alias_of_id, a.id)"),
        Fragment("""
        SELECT alias_of_id AS tag, id FROM tags_tag WHERE alias_of_id IS NOT NULL
        UNION ALL SELECT id, alias_of_id FROM tags_tag WHERE alias_of_id IS NOT NULL
        UNION ALL SELECT a.id, b.id FROM tags_tag a JOIN tags_tag b ON b.alias_of_id = a.alias_of_id
        """),
        Fragment("EXISTS (SELECT FROM tags_tag WHERE alias_of_id IS NOT NULL)"),
    ),
    Rules.IMPLICATIONS: RuleSql(
        Fragment("""
        (t.alias_of_id IS NOT NULL
         OR EXISTS (SELECT FROM tags_closure d WHERE d.ancestor_id = t.id))
        """),
        Fragment("""
        SELECT d.descendant_id FROM tags_closure d
        WHERE d.ancestor_id = coalesce(a.alias_of_id, a.id)
        """),
        Fragment("""
        SELECT ancestor_id AS tag, descendant_id AS id FROM tags_closure
        UNION ALL SELECT id, alias_of_id FROM tags_tag WHERE alias_of_id IS NOT NULL
        UNION ALL SELECT a.id, c.descendant_id
        FROM tags_tag a JOIN tags_closure c ON c.ancestor_id = a.alias_of_id
        """),
        Fragment("EXISTS (SELECT FROM tags_closure)"),
    ),
}


class Term(NamedTuple):
    """A tag as the index has it: how many links as of the last merge, and whether it is dense."""

    tag: int
    links: int
    is_dense: bool


@dataclass(frozen=True)
class Clause:
    """Any of some tags: ids of those with bitmaps (dense) and of the others (sparse), how many
    links all of them have, and how many of these are the sparse ones', as of the last merge."""

    dense: tuple[int, ...] = ()
    sparse: tuple[int, ...] = ()
    link_count: int = 0
    sparse_link_count: int = 0

    @property
    def tag_ids(self) -> list[int]:
        return [*self.dense, *self.sparse]


NO_TAGS = Clause()


@dataclass
class KnownTags:
    """What each of some names, and an id, stands for."""

    by_name: dict[str, Sequence[Term]] = field(default_factory=dict)
    by_id: dict[int, Sequence[Term]] = field(default_factory=dict)

    def any_of(self, names: Iterable[str]) -> Clause:
        """A clause that is met by what any of some names stands for."""
        return clause_of(term for name in names for term in self.by_name.get(name, ()))


def clause_of(terms: Iterable[Term]) -> Clause:
    """A clause that is met by any of some tags."""
    each = {term.tag: term for term in terms}.values()
    sparse = [term for term in each if not term.is_dense]
    return Clause(
        tuple(sorted(term.tag for term in each if term.is_dense)),
        tuple(sorted(term.tag for term in sparse)),
        sum(term.links for term in each),
        sum(term.links for term in sparse),
    )


def look_up(names: list[str], tag_id: int | None, rules: Rules) -> KnownTags:
    """What some names, and an id if given, stand for by rules.

    One statement, and one more where there are rules about one of them.
    """
    known = KnownTags()
    conditions = [*([BY_NAME] if names else []), *([BY_ID] if tag_id is not None else [])]
    if not conditions:
        return known
    has_rules = SQL_OF[rules].has_rules if rules else NO_RULES
    asked = statement(TAGS_BY, condition=join(" OR ", conditions), has_rules=has_rules)
    with read_connection().cursor() as cursor:
        execute_prepared(cursor, asked.text, {"names": names, "tag_id": tag_id})
        rows: list[tuple[int, str, int, bool, bool]] = cursor.fetchall()
    ruled = [tag for tag, *_, has_rules in rows if has_rules]
    meanings = _meanings(ruled, rules) if ruled else {}
    for tag, name, links, is_dense, _ in rows:
        terms = meanings.get(tag, (Term(tag, links, is_dense),))
        known.by_name[name] = known.by_id[tag] = terms
    return known


def by_ids(tags: list[int]) -> Clause:
    """A clause that is met by any of some tags, and by nothing that these stand for. One statement,
    none where there are no tags."""
    if not tags:
        return NO_TAGS
    with read_connection().cursor() as cursor:
        execute_prepared(cursor, TERMS, {"ids": tags})
        return clause_of(Term(*row) for row in cursor.fetchall())


def _meanings(tags: list[int], rules: Rules) -> dict[int, list[Term]]:
    asked = statement(MEANING, others=SQL_OF[rules].others)
    found: dict[int, list[Term]] = {}
    with read_connection().cursor() as cursor:
        execute_prepared(cursor, asked.text, {"ids": tags})
        for tag, *term in cursor.fetchall():
            found.setdefault(tag, []).append(Term(*term))
    return found


def matching(
    patterns: tuple[str, ...], most: int, rules: Rules, *, unused: bool = False
) -> list[Clause] | None:
    """A clause for each pattern as clients write it; None where there are too many tags to list.

    With `unused`, tags that no image has are among them.
    """
    wanted = distinct([like_pattern(pattern) for pattern in patterns])
    if not wanted:
        return []
    named = join(" UNION ALL ", [_one_pattern(*numbered) for numbered in enumerate(wanted)])
    if rules:
        sql = SQL_OF[rules]
        named = compose(TAGS_LIKE_BY_RULES, matching=named, meaning=sql.meaning, is_any=sql.is_any)
    asked = statement(
        TAGS_MATCHING,
        matching=named,
        used=ALL if unused else USED,
        most=Fragment(str(most + 1)),
    )
    with read_connection().cursor() as cursor:
        cursor.execute(asked.text, asked.parameters)
        rows = cursor.fetchall()
    if sum(count for _, count, *_ in rows) > most:
        return None
    found = {
        place: Clause(tuple(dense or ()), tuple(sparse or ()), links, sparse_links)
        for place, _, links, sparse_links, dense, sparse in rows
    }
    return [found.get(place, Clause()) for place in range(len(wanted))]


def _one_pattern(place: int, pattern: str) -> Fragment:
    """SQL selecting (place, id) of the tags that match one pattern of LIKE; where an index would
    only read all of itself, by a form of the name that has none."""
    name = "t.folded" if is_selective(pattern) else "t.folded || ''"
    parameter = f"pattern_{place}"
    return compose(
        TAGS_LIKE,
        place=Fragment(str(place)),
        name=Fragment(name),
        pattern=Fragment(f"%({parameter})s", {parameter: pattern}),
    )
