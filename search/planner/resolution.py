"""A Query with its names looked up: clauses of tag ids, with how many links each tag has.

A query is a conjunction of clauses, each of them met by any of its tags, and of tags that must be
absent. What asks for anything else cannot be resolved, and is answered by `search.lookups`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import datetime

from images.visibility import Viewer
from search.index.project_terms import term_of
from search.index.thresholds import DEFAULT, Thresholds
from search.query import Query, TagValues
from taggedimages.postgresql.fragments import Fragment, compose, join, statement
from taggedimages.postgresql.prepared import execute_prepared
from taggedimages.postgresql.routing import read_connection
from tags.names import distinct, like_pattern

# A LIKE pattern that tells how names begin, or has three letters in a row.
SELECTIVE_PATTERN = re.compile(r"^[^%]|[^\W_]{3}|[^\W_]{2}$")
# What can be resolved; every other field of Query has to be at rest.
RESOLVED_FIELDS = {
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

# Tags by name or id, with their statistics.
TAGS_BY = """
SELECT t.id, t.name, coalesce(u.links, 0), coalesce(u.heavy, false)
FROM tags_tag t LEFT JOIN search_setsize u ON u.set = t.id WHERE {condition}
"""
BY_NAME, BY_ID = Fragment("t.name = ANY(%(names)s)"), Fragment("t.id = %(tag_id)s")

# By a pattern of its own each, since PostgreSQL's planner looks at what it says.
TAGS_LIKE = "SELECT {place} AS place, t.id FROM tags_tag t WHERE {name} LIKE {pattern}"
# Only tags that some image has: the index knows them, unless they are new to it.
TAGS_MATCHING = """
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
    """Any of some tags: ids of those with bitmaps (dense) and of the others (sparse), how many
    links all of them have, and how many of these are the sparse ones', as of the last merge."""

    dense: tuple[int, ...] = ()
    sparse: tuple[int, ...] = ()
    link_count: int = 0
    sparse_link_count: int = 0

    @property
    def tag_ids(self) -> list[int]:
        return [*self.dense, *self.sparse]


@dataclass(frozen=True)
class ResolvedQuery:
    """What the index is asked for whom; `clauses` start with the one of the fewest links."""

    viewer: Viewer
    clauses: tuple[Clause, ...] = ()
    absent: Clause = Clause()
    untagged: bool = False
    uploaded_only: bool = False
    # Only what has no end, not even one that lies ahead.
    unended: bool = False
    created_from: datetime | None = None
    created_before: datetime | None = None
    # The term of the viewer's project, where it is one.
    project_term: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing can match: a name that nobody has, a tag on what has none."""
        return any(not clause.tag_ids for clause in self.clauses) or (
            self.untagged and bool(self.clauses)
        )

    @property
    def has_window(self) -> bool:
        return bool(self.created_from or self.created_before)

    @property
    def dense_tags(self) -> list[int]:
        """All tags that are taken to have bitmaps."""
        return [tag for clause in (*self.clauses, self.absent) for tag in clause.dense]


@dataclass
class _KnownTags:
    """Tags by name and by id, each as a clause of its own."""

    by_name: dict[str, Clause] = field(default_factory=dict)
    by_id: dict[int, Clause] = field(default_factory=dict)


def resolve(
    query: Query, viewer: Viewer, *, unended: bool = False, thresholds: Thresholds = DEFAULT
) -> ResolvedQuery | None:
    """The query as the index can answer it; None where it cannot.

    One statement, one more for patterns and one for a project. With `unended`, only of images that
    have no end at all.
    """
    if not _can_be_resolved(query):
        return None
    project_term = term_of(viewer.project) if viewer.project is not None else None
    if project_term is None and viewer.project is not None:
        return None
    every = distinct([*query.exact_tags, *_names(query.with_all)])
    groups = [_names(group) for group in query.with_any]
    # Not to have all of one is to have none of it.
    none = _names(query.without_any + query.without_all)
    known = _look_up([*every, *(name for group in groups for name in group), *none], query.tag_id)
    clauses = [known.by_name.get(name, Clause()) for name in every]
    if query.tag_id is not None:
        clauses.append(known.by_id.get(query.tag_id, Clause()))
    clauses += [_any_of(known.by_name.get(name, Clause()) for name in group) for group in groups]
    matching = _matching(query.match_tags, thresholds.pattern_tags_max)
    if matching is None:
        return None
    clauses += matching
    return ResolvedQuery(
        viewer=viewer,
        project_term=project_term,
        clauses=tuple(sorted(set(clauses), key=lambda clause: clause.link_count)),
        absent=_any_of(known.by_name.get(name, Clause()) for name in none),
        untagged=query.untagged,
        uploaded_only=query.uploaded_only,
        unended=unended,
        created_from=query.created_from,
        created_before=query.created_before,
    )


def _can_be_resolved(query: Query) -> bool:
    groups = (query.with_all, query.without_all, query.without_any, *query.with_any)
    if any(tag.values for group in groups for tag in group) or len(query.without_all) > 1:
        return False
    return all(
        getattr(query, field.name) == field.default
        for field in fields(query)
        if field.name not in RESOLVED_FIELDS
    )


def _names(tags: tuple[TagValues, ...]) -> list[str]:
    return [tag.name for tag in tags]


def _look_up(names: list[str], tag_id: int | None) -> _KnownTags:
    known = _KnownTags()
    conditions = [*([BY_NAME] if names else []), *([BY_ID] if tag_id is not None else [])]
    if conditions:
        asked = statement(TAGS_BY, condition=join(" OR ", conditions))
        with read_connection().cursor() as cursor:
            execute_prepared(cursor, asked.text, {"names": names, "tag_id": tag_id})
            for tag, name, links, is_dense in cursor.fetchall():
                one = (tag,)
                clause = Clause(one, (), links, 0) if is_dense else Clause((), one, links, links)
                known.by_name[name] = known.by_id[tag] = clause
    return known


def _matching(patterns: tuple[str, ...], most: int) -> list[Clause] | None:
    """A clause for each pattern as clients write it; None where there are too many tags to list."""
    wanted = distinct([like_pattern(pattern) for pattern in patterns])
    if not wanted:
        return []
    asked = statement(
        TAGS_MATCHING,
        matching=join(" UNION ALL ", [_one_pattern(*numbered) for numbered in enumerate(wanted)]),
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
    """SQL selecting (place, id) of the tags that match one pattern of LIKE.

    The index of parts, asked for letters that stand alone, reads all of itself and all tags: the
    name is then written in a form that has no index.
    """
    name = "t.folded" if SELECTIVE_PATTERN.search(pattern) else "t.folded || ''"
    parameter = f"pattern_{place}"
    return compose(
        TAGS_LIKE,
        place=Fragment(str(place)),
        name=Fragment(name),
        pattern=Fragment(f"%({parameter})s", {parameter: pattern}),
    )


def _any_of(clauses: Iterable[Clause]) -> Clause:
    """One clause that is met where any of some clauses is."""
    each = set(clauses)
    return Clause(
        tuple(tag for clause in each for tag in clause.dense),
        tuple(tag for clause in each for tag in clause.sparse),
        sum(clause.link_count for clause in each),
        sum(clause.sparse_link_count for clause in each),
    )
