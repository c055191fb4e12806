"""A Query as what the tag index can answer: clauses of tags, a window of time, a viewer.

A query is a conjunction of clauses, each of them met by any of its tags, and of tags that must be
absent. What asks for anything else has no plan, and is answered row by row (`search.query.find`).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from images.visibility import Viewer
from search.index import project_terms
from search.lookups import TagValues
from search.ordering import Position
from search.query import Query
from taggedimages.postgresql.prepared import execute_prepared
from taggedimages.postgresql.routing import read_connection
from tags.names import distinct, like_pattern

# Tags that all patterns of a search may stand for; beyond, a search joins rather than lists them.
MANY_TAGS = 150_000
# A LIKE pattern that tells how names begin, or has three letters in a row.
SELECTIVE = re.compile(r"^[^%]|[^\W_]{3}|[^\W_]{2}$")
# What a plan covers; every other field of Query has to be at rest. The order is not its matter.
PLANNED = {
    "order",
    "exact_tags",
    "match_tags",
    "tag_id",
    "with_all",
    "with_any",
    "without_all",
    "without_any",
    "untagged",
    "created_from",
    "created_before",
    "uploaded_only",
}

RESOLVE = """
SELECT t.id, t.name, coalesce(u.links, 0), coalesce(u.heavy, false)
FROM tags_tag t LEFT JOIN search_setsize u ON u.set = t.id WHERE {condition}
"""

# By a pattern of its own each, since the planner looks at what it says.
MATCHING = "SELECT {place} AS place, t.id FROM tags_tag t WHERE {name} LIKE %s"
# Only tags that some image has: the index knows them, unless they are new to it.
KNOWN = """
SELECT place, count(*), coalesce(sum(links), 0)::bigint,
       coalesce(sum(links) FILTER (WHERE NOT heavy), 0)::bigint,
       array_agg(id) FILTER (WHERE heavy), array_agg(id) FILTER (WHERE heavy IS NOT true)
FROM (
    SELECT t.place, t.id, u.links, u.heavy
    FROM ({matching}) t LEFT JOIN search_setsize u ON u.set = t.id
    WHERE u.set IS NOT NULL OR t.id IN (SELECT unnest(added) FROM search_unindexed)
       OR EXISTS (SELECT FROM search_rebuild)
    LIMIT {most}
) known GROUP BY place
"""


@dataclass(frozen=True)
class Clause:
    """Any of some tags: those with bitmaps, the others, how many links all of them have, and how
    many of these are of the others."""

    heavy: tuple[int, ...] = ()
    light: tuple[int, ...] = ()
    links: int = 0
    light_links: int = 0

    @property
    def tags(self) -> list[int]:
        return [*self.heavy, *self.light]


@dataclass(frozen=True)
class Plan:
    """What the index is asked; `clauses` start with the one of the fewest links."""

    viewer: Viewer
    clauses: tuple[Clause, ...] = ()
    absent: Clause = Clause()
    untagged: bool = False
    uploaded_only: bool = False
    # Only what has no end, not even one that lies ahead.
    unended: bool = False
    created_from: datetime | None = None
    created_before: datetime | None = None
    # Only what comes after this in the order newest first.
    after: Position | None = None
    # The set of the viewer's project, where it is one.
    project: int | None = None

    @property
    def impossible(self) -> bool:
        """Whether nothing can match: a name that nobody has, a tag on what has none."""
        return any(not clause.tags for clause in self.clauses) or (
            self.untagged and bool(self.clauses)
        )

    @property
    def windowed(self) -> bool:
        return bool(self.created_from or self.created_before)

    @property
    def heavy(self) -> list[int]:
        """All tags that are taken to have bitmaps."""
        return [tag for clause in (*self.clauses, self.absent) for tag in clause.heavy]


@dataclass
class _Resolved:
    """Tags by name, by id and by pattern, as the index knows them."""

    by_name: dict[str, Clause] = field(default_factory=dict)
    by_id: dict[int, Clause] = field(default_factory=dict)


def plan(query: Query, viewer: Viewer) -> Plan | None:
    """How the index answers a query; None where it cannot. One statement, one more for patterns."""
    if not _covers(query):
        return None
    project = project_terms.set_of(viewer.project) if viewer.project is not None else None
    if project is None and viewer.project is not None:
        return None
    every = distinct([*query.exact_tags, *_names(query.with_all)])
    # Not to have all of one is to have none of it.
    some, none = _names(query.with_any), _names(query.without_any + query.without_all)
    known = _resolve([*every, *some, *none], query.tag_id)
    clauses = [known.by_name.get(name, Clause()) for name in every]
    if query.tag_id is not None:
        clauses.append(known.by_id.get(query.tag_id, Clause()))
    if some:
        clauses.append(_any(known.by_name.get(name, Clause()) for name in some))
    matching = _matching(distinct([like_pattern(pattern) for pattern in query.match_tags]))
    if matching is None:
        return None
    clauses += matching
    return Plan(
        viewer=viewer,
        project=project,
        clauses=tuple(sorted(set(clauses), key=lambda clause: clause.links)),
        absent=_any(known.by_name.get(name, Clause()) for name in none),
        untagged=query.untagged,
        uploaded_only=query.uploaded_only,
        created_from=query.created_from,
        created_before=query.created_before,
    )


def _covers(query: Query) -> bool:
    tags = (*query.with_all, *query.with_any, *query.without_all, *query.without_any)
    if any(tag.values for tag in tags) or len(query.without_all) > 1:
        return False
    return all(
        getattr(query, field.name) == field.default
        for field in fields(query)
        if field.name not in PLANNED
    )


def _names(tags: tuple[TagValues, ...]) -> list[str]:
    return [tag.name for tag in tags]


def _resolve(names: list[str], tag_id: int | None) -> _Resolved:
    known = _Resolved()
    asked: dict[str, Any] = {}
    if names:
        asked["t.name = ANY(%s)"] = names
    if tag_id is not None:
        asked["t.id = %s"] = tag_id
    if asked:
        with read_connection().cursor() as cursor:
            statement = RESOLVE.format(condition=" OR ".join(asked))
            execute_prepared(cursor, statement, list(asked.values()))
            for tag, name, links, heavy in cursor.fetchall():
                known.by_name[name] = known.by_id[tag] = _clause([(tag, links, heavy)])
    return known


def _matching(patterns: list[str]) -> list[Clause] | None:
    """The tags of each pattern; None where there are too many to list."""
    if not patterns:
        return []
    each = (
        MATCHING.format(place=place, name=_looked_up(pattern))
        for place, pattern in enumerate(patterns)
    )
    with read_connection().cursor() as cursor:
        statement = KNOWN.format(matching=" UNION ALL ".join(each), most=MANY_TAGS + 1)
        cursor.execute(statement, patterns)
        rows = cursor.fetchall()
    if sum(count for _, count, *_ in rows) > MANY_TAGS:
        return None
    found = {
        place: Clause(tuple(heavy or ()), tuple(light or ()), links, light_links)
        for place, _, links, light_links, heavy, light in rows
    }
    return [found.get(place, Clause()) for place in range(len(patterns))]


def _looked_up(pattern: str) -> str:
    """The name as SQL, in a form that has an index only where that helps.

    The index of parts, asked for letters that stand alone, reads all of itself and all tags.
    """
    return "t.folded" if SELECTIVE.search(pattern) else "t.folded || ''"


def _clause(tags: list[tuple[int, int, bool]]) -> Clause:
    return Clause(
        tuple(tag for tag, _, heavy in tags if heavy),
        tuple(tag for tag, _, heavy in tags if not heavy),
        sum(links for _, links, _ in tags),
        sum(links for _, links, heavy in tags if not heavy),
    )


def _any(clauses: Iterable[Clause]) -> Clause:
    distinct_clauses = set(clauses)
    return Clause(
        tuple(tag for clause in distinct_clauses for tag in clause.heavy),
        tuple(tag for clause in distinct_clauses for tag in clause.light),
        sum(clause.links for clause in distinct_clauses),
        sum(clause.light_links for clause in distinct_clauses),
    )
