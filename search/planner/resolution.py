"""A Query with its names looked up: clauses of tag ids, with how many links each tag has.

A query is a conjunction of clauses, each of them met by any of its tags, and of tags that must be
absent. What asks for anything else cannot be resolved, and is answered by `search.lookups`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import NamedTuple

from images.visibility import Viewer
from search.index.fields import VALUE_LENGTH_MAX
from search.index.project_terms import term_of
from search.index.thresholds import DEFAULT, Thresholds
from search.planner.fields import (
    FieldRange,
    FieldValues,
    character_of,
    created_of,
    is_whole,
    ranges_of,
    values_of,
)
from search.planner.named_tags import NO_TAGS, Clause, clause_of, look_up, matching
from search.planner.then import look_up_then, matching_then
from search.planner.windows import WindowSize, window_size
from search.query import Query, TagValues, conditions
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
    "uploaded_from",
    "uploaded_before",
    "uploaded_only",
    "formats",
    "modalities",
    "body_parts",
    "filename_contains",
    *(f"{end}_{of}" for end in ("min", "max") for of in ("width", "height", "size")),
    "aliased",
    "implied",
    "failing",
    "project",
}


class AskedTags(NamedTuple):
    """What a query asks of tags: each clause, that of the fewest links first, and no absent one."""

    clauses: tuple[Clause, ...]
    absent: Clause


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
    # What fields of the record and of its file have to be, and what its filename has to have.
    values: tuple[FieldValues, ...] = ()
    ranges: tuple[FieldRange, ...] = ()
    characters: tuple[str, ...] = ()
    # What is known of the window, where bitmaps can tell what is in it.
    window: WindowSize | None = None
    # The term of the viewer's project, where it is one.
    project_term: int | None = None
    # The project that is asked for, by its id, and its term.
    of_project: str | None = None
    of_project_term: int | None = None
    # Only of these images, by block (search.executor.blocks), which fulfilled a condition of
    # `search.query.conditions` a moment ago.
    given: Mapping[int, int] | None = None
    # Tags are asked for as they were then (search.executor.since).
    as_of: datetime | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing can match: a name that nobody has, a tag on what has none."""
        return (
            any(not clause.tag_ids for clause in self.clauses)
            or (self.untagged and bool(self.clauses))
            or self.given == {}
            or any(asked.is_empty for asked in (*self.ranges, *self.created))
        )

    @property
    def asks_for_all(self) -> bool:
        """Whether all is found that the viewer is shown."""
        return not (
            self.clauses
            or self.absent.tag_ids
            or self.untagged
            or self.uploaded_only
            or self.field_count
            or self.window
            or self.of_project
            or self.given is not None
        )

    def among(self, images: Mapping[int, int]) -> "ResolvedQuery":
        """The same of some images alone, by block."""
        if self.given is None:
            return replace(self, given=images)
        both = self.given.keys() & images.keys()
        return replace(self, given={block: self.given[block] & images[block] for block in both})

    @property
    def is_in_bitmaps(self) -> bool:
        """Whether bitmaps know all that is asked: of a window, whole seconds."""
        return is_whole(self.created_from, self.created_before)

    @property
    def created(self) -> tuple[FieldRange, ...]:
        """The window as a range, where there is one that bitmaps know."""
        if not self.is_in_bitmaps:
            return ()
        return created_of(self.created_from, self.created_before)

    @property
    def field_count(self) -> int:
        """How many conditions there are on fields, but the window."""
        return len(self.values) + len(self.ranges) + len(self.characters)

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
    projects = {viewer.project, query.project}
    project_terms = {project: term_of(project) for project in projects if project is not None}
    if None in project_terms.values():
        return None
    asked = asked_tags(query, thresholds)
    if asked is None:
        return None
    fulfilling = conditions.fulfilling(query)
    character = character_of(query.filename_contains)
    return ResolvedQuery(
        viewer=viewer,
        project_term=project_terms.get(viewer.project or ""),
        of_project=query.project,
        of_project_term=project_terms.get(query.project or ""),
        clauses=asked.clauses,
        absent=asked.absent,
        untagged=query.untagged,
        uploaded_only=query.uploaded_only,
        unended=unended,
        created_from=query.created_from,
        created_before=query.created_before,
        values=values_of(query),
        ranges=ranges_of(query),
        characters=() if character is None else (character,),
        window=window_size(query.created_from, query.created_before),
        given=None if fulfilling is None else fulfilling.bits,
    )


def asked_tags(query: Query, thresholds: Thresholds = DEFAULT) -> AskedTags | None:
    """What a query asks of tags; None where its patterns stand for too many.

    It can ask for no values and for no tags that are not there all at once.
    """
    rules, at = query.rules, query.names_at
    every = distinct([*query.exact_tags, *_names(query.with_all)])
    groups = [_names(group) for group in query.with_any]
    # Not to have all of one is to have none of it.
    none = _names(query.without_any + query.without_all)
    named = [*every, *(name for group in groups for name in group), *none]
    if at is None:
        known = look_up(named, query.tag_id, rules)
    else:
        known = look_up_then(named, query.tag_id, rules, at)
    clauses = [known.any_of([name]) for name in every]
    if query.tag_id is not None:
        clauses.append(clause_of(known.by_id.get(query.tag_id, ())))
    clauses += map(known.any_of, groups)
    by_patterns = _matching(query, thresholds.pattern_tags_max)
    if by_patterns is None:
        return None
    clauses += by_patterns
    in_order = tuple(sorted(set(clauses), key=lambda clause: clause.link_count))
    return AskedTags(in_order, known.any_of(none))


def _matching(query: Query, most: int) -> list[Clause] | None:
    if query.names_at is not None:
        return matching_then(query.match_tags, most, query.rules, query.names_at)
    # Of the past, tags that no image has any more are asked for as well.
    return matching(query.match_tags, most, query.rules, unused=query.as_of is not None)


def _can_be_resolved(query: Query) -> bool:
    groups = (query.with_all, query.without_all, query.without_any, *query.with_any)
    if any(tag.values for group in groups for tag in group) or len(query.without_all) > 1:
        return False
    if query.filename_contains and character_of(query.filename_contains) is None:
        return False
    values = [value for asked in values_of(query) for value in asked.values]
    # The index knows no others, and whole seconds of uploads.
    if not all(1 <= len(value) <= VALUE_LENGTH_MAX for value in values):
        return False
    if not is_whole(query.uploaded_from, query.uploaded_before):
        return False
    return all(
        getattr(query, field.name) == field.default
        for field in fields(query)
        if field.name not in RESOLVED_FIELDS
    )


def _names(tags: tuple[TagValues, ...]) -> list[str]:
    return [tag.name for tag in tags]
