"""A Query with its names looked up: clauses of tag ids, with how many links each tag has.

A query is a conjunction of clauses, each of them met by any of its tags, and of tags that must be
absent. What asks for anything else cannot be resolved, and is answered by `search.lookups`.
"""

from dataclasses import dataclass, fields
from datetime import datetime

from images.visibility import Viewer
from search.index.project_terms import term_of
from search.index.thresholds import DEFAULT, Thresholds
from search.planner.named_tags import NO_TAGS, Clause, clause_of, look_up, matching
from search.query import Query, TagValues
from tags.names import distinct

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
    "aliased",
    "implied",
}


@dataclass(frozen=True)
class ResolvedQuery:
    """What the index is asked for whom; `clauses` start with the one of the fewest links."""

    viewer: Viewer
    clauses: tuple[Clause, ...] = ()
    absent: Clause = NO_TAGS
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


def resolve(
    query: Query, viewer: Viewer, *, unended: bool = False, thresholds: Thresholds = DEFAULT
) -> ResolvedQuery | None:
    """The query as the index can answer it; None where it cannot.

    One statement, one more where there are rules about a tag, one for patterns and one for a
    project. With `unended`, only of images that have no end at all.
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
    rules = query.rules
    named = [*every, *(name for group in groups for name in group), *none]
    known = look_up(named, query.tag_id, rules)
    clauses = [known.any_of([name]) for name in every]
    if query.tag_id is not None:
        clauses.append(clause_of(known.by_id.get(query.tag_id, ())))
    clauses += map(known.any_of, groups)
    by_patterns = matching(query.match_tags, thresholds.pattern_tags_max, rules)
    if by_patterns is None:
        return None
    clauses += by_patterns
    return ResolvedQuery(
        viewer=viewer,
        project_term=project_term,
        clauses=tuple(sorted(set(clauses), key=lambda clause: clause.link_count)),
        absent=known.any_of(none),
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
