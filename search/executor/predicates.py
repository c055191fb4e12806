"""Conditions on one image or link, as pieces of SQL; every other way of answering agrees with them.

No condition here ever adds rows that the viewer may not see: each narrows what `visibility` gives.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from images.visibility import LATEST_CREATED_SQL
from search.executor import given, since
from search.index import fields
from search.ordering import KeysetPosition
from search.planner.named_tags import Clause
from search.planner.paths import AccessPath
from search.planner.resolution import ResolvedQuery
from taggedimages.postgresql.bulk import array
from taggedimages.postgresql.fragments import (
    EMPTY,
    Fragment,
    bigint,
    bigints,
    column,
    compose,
    join,
)

# OFFSET keeps a probe from becoming a join.
HAS_TAG = """EXISTS (SELECT FROM tags_imagetag x
WHERE x.image_id = {image} AND x.tag_id = {tag} OFFSET 0)"""
HAS_ANY_TAG = """EXISTS (SELECT FROM tags_imagetag x
WHERE x.image_id = {image} AND x.tag_id = ANY({tags}) OFFSET 0)"""
# All tags of the image are looked up in a table of these, made once a statement, instead of each of
# these among the image's. IS TRUE keeps it from becoming a join.
HAS_ANY_OF_MANY_TAGS = """EXISTS (SELECT FROM tags_imagetag x
WHERE x.image_id = {image} AND (x.tag_id IN (SELECT unnest({tags}))) IS TRUE OFFSET 0)"""
HAS_FILE = "(SELECT u.uploaded_at IS NOT NULL FROM images_image u WHERE u.id = {image})"
HAS_NO_TAG = "NOT EXISTS (SELECT FROM tags_imagetag x WHERE x.image_id = {image} OFFSET 0)"

# A field of the record, of a record that is not at hand, and of the facts of its file.
OF_RECORD = "(SELECT {asked} FROM images_image i WHERE i.id = {image})"
IS_OF_PROJECT = "i.project_id = %(of_project)s"
OF_FACTS = "EXISTS (SELECT FROM images_facts f WHERE f.image_id = {image} AND {asked} {alone})"
ALONE = Fragment("OFFSET 0")
HAS_CHARACTER = "strpos(text_folded(i.filename), %({parameter})s::text) > 0"

STARTED = "{created} <= " + LATEST_CREATED_SQL
RECORD_ID, RECORD_CREATED = column("i", "id"), column("i", "created_at")
LINK_IMAGE, LINK_CREATED = column("l", "image_id"), column("l", "image_created_at")
IS_UNENDED = Fragment("i.ended_at IS NULL", needs=frozenset({"i"}))
ENDING = Fragment("i.ended_at > statement_timestamp()", needs=frozenset({"i"}))

# By an index each.
ENDING_OR_CHANGED = """i.id IN (
SELECT id FROM images_image WHERE ended_at > statement_timestamp() {or_changed})"""

AND = " AND "


def has_any_tag(image: Fragment, clause: Clause, probed_tags_max: int) -> Fragment:
    """Whether an image, which a piece of SQL names, has one of the tags of a clause.

    Up to `probed_tags_max` tags are looked up one by one.
    """
    tags = clause.tag_ids
    if len(tags) == 1:
        return compose(HAS_TAG, image=image, tag=bigint(tags[0]))
    return compose(
        HAS_ANY_TAG if len(tags) <= probed_tags_max else HAS_ANY_OF_MANY_TAGS,
        image=image,
        tags=bigints(tags),
    )


def all_but_driving(
    path: AccessPath,
    image: Fragment,
    clauses: Iterable[Clause],
    *,
    then: bool = False,
    of_all: bool = False,
) -> list[Fragment]:
    """What is asked of one image at a time: some clauses, and all but window and visibility.

    With `then`, of tags as of the query's instant, if it has one; else of today's. With `of_all`,
    in a form in which the facts of all images may be joined.
    """
    resolved, most = path.resolved, path.thresholds.probed_tags_max

    def has_any(clause: Clause) -> Fragment:
        if then and resolved.as_of is not None:
            return since.had_any_tag(image, clause)
        return has_any_tag(image, clause, most)

    asked = [has_any(clause) for clause in clauses]
    if resolved.absent.tag_ids:
        asked.append(compose("NOT {linked}", linked=has_any(resolved.absent)))
    if resolved.untagged:
        asked.append(compose(HAS_NO_TAG, image=image))
    if resolved.uploaded_only:
        asked.append(compose(HAS_FILE, image=image))
    if resolved.of_project is not None:
        own = Fragment(IS_OF_PROJECT, {"of_project": resolved.of_project})
        asked.append(own if image is RECORD_ID else compose(OF_RECORD, image=image, asked=own))
    if resolved.given is not None:
        asked.append(given.has(resolved.given, image))
    return [*asked, *_fields(resolved, image, EMPTY if of_all else ALONE)]


def _fields(resolved: ResolvedQuery, image: Fragment, alone: Fragment) -> Iterator[Fragment]:
    """What is asked of the fields of an image, which a piece of SQL names, but its window."""

    def of_field(asked: Fragment, *, of_facts: bool) -> Fragment:
        if of_facts:
            return compose(OF_FACTS, image=image, asked=asked, alone=alone)
        return asked if image is RECORD_ID else compose(OF_RECORD, image=image, asked=asked)

    for values in resolved.values:
        parameter = f"{values.field}_values"
        text = f"{fields.VALUES[values.field].sql} = ANY(%({parameter})s::text[])"
        asked = Fragment(text, {parameter: array(values.values)})
        yield of_field(asked, of_facts=True)
    for within in resolved.ranges:
        field = fields.NUMBERS[within.field]
        bounds = [compose(f"{field.sql} >= {{least}}", least=bigint(within.at_least))]
        if within.at_most is not None:
            bounds.append(compose(f"{field.sql} <= {{most}}", most=bigint(within.at_most)))
        yield of_field(join(AND, bounds), of_facts=within.field in fields.OF_FACTS)
    for at, character in enumerate(resolved.characters):
        parameter = f"character_{at}"
        asked = Fragment(HAS_CHARACTER.format(parameter=parameter), {parameter: character})
        yield of_field(asked, of_facts=False)


def created_within(
    created: Fragment, start: datetime | None, before: datetime | None
) -> list[Fragment]:
    """The bounds of the creation time."""
    bounds, needs = [], created.needs
    if start:
        text = f"{created.text} >= %(created_from)s"
        bounds.append(Fragment(text, {"created_from": start}, needs))
    if before:
        text = f"{created.text} < %(created_before)s"
        bounds.append(Fragment(text, {"created_before": before}, needs))
    return bounds


def window(resolved: ResolvedQuery, created: Fragment) -> list[Fragment]:
    """The bounds of the creation time that a query asks for."""
    return created_within(created, resolved.created_from, resolved.created_before)


def after(position: KeysetPosition | None, created: Fragment, image: Fragment) -> list[Fragment]:
    """Beyond where a keyset position stands, in the order newest first."""
    if position is None:
        return []
    place = {"after_at": position.key, "after_id": position.image}
    text = f"({created.text}, {image.text}) < (%(after_at)s, %(after_id)s)"
    return [Fragment(text, place, created.needs | image.needs)]


def scanned_range(
    resolved: ResolvedQuery, position: KeysetPosition | None, created: Fragment, image: Fragment
) -> list[Fragment]:
    """Where a scan, newest first, begins and ends.

    It is told one place to begin: given a bound beside a position, PostgreSQL would begin there.
    """
    if position is None:
        started = compose(STARTED, created=created)
        return [started, *window(resolved, created)]
    if resolved.created_before and resolved.created_before <= position.key:
        return window(resolved, created)
    start = created_within(created, resolved.created_from, None)
    return [*start, *after(position, created, image)]


def is_judged(resolved: ResolvedQuery) -> Fragment:
    """Whether no scan meets the record `i`, which has to be judged by itself; needs `i`, and of an
    instant `changed`."""
    if resolved.as_of is None:
        return ENDING
    return compose(ENDING_OR_CHANGED, or_changed=since.OR_CHANGED, needs=frozenset({"i"}))


def matches(path: AccessPath) -> Fragment:
    """Everything that a query asks, visibility included, of the record `i` itself; needs `i`, and
    of an instant the CTEs of `search.executor.since`."""
    resolved = path.resolved
    return join(
        AND,
        [
            resolved.viewer.image_predicate(),
            *([IS_UNENDED] if resolved.unended else []),
            *window(resolved, RECORD_CREATED),
            *since.was_registered(resolved),
            *all_but_driving(path, RECORD_ID, resolved.clauses, then=True),
        ],
    )
