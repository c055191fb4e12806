"""Conditions on one image or link, as pieces of SQL; every other way of answering agrees with them.

No condition here ever adds rows that the viewer may not see: each narrows what `visibility` gives.
"""

from collections.abc import Iterable
from datetime import datetime

from images.visibility import LATEST_CREATED_SQL
from search.ordering import KeysetPosition
from search.planner.paths import AccessPath
from search.planner.resolution import Clause, ResolvedQuery
from taggedimages.postgresql.fragments import Fragment, bigint, bigints, column, compose, join

# OFFSET keeps a probe from becoming a join.
LINKED = "EXISTS (SELECT FROM tags_imagetag x WHERE x.image_id = {image} AND {which} OFFSET 0)"
UPLOADED = "(SELECT u.uploaded_at IS NOT NULL FROM images_image u WHERE u.id = {image})"
UNTAGGED = "NOT EXISTS (SELECT FROM tags_imagetag x WHERE x.image_id = {image} OFFSET 0)"
# All tags of the image are looked up in a table of these, made once a statement, instead of each of
# these among the image's. IS TRUE keeps it from becoming a join.
IN_TABLE = "(x.tag_id IN (SELECT unnest({tags}))) IS TRUE"

STARTED = "{created} <= " + LATEST_CREATED_SQL
RECORD_ID, RECORD_CREATED = column("i", "id"), column("i", "created_at")
LINK_IMAGE, LINK_CREATED = column("l", "image_id"), column("l", "image_created_at")
UNENDED = Fragment("i.ended_at IS NULL", needs=frozenset({"i"}))
ENDING = Fragment("i.ended_at > statement_timestamp()", needs=frozenset({"i"}))

AND = " AND "


def has_any_tag(image: Fragment, clause: Clause, probed_tags_max: int) -> Fragment:
    """Whether an image, which a piece of SQL names, has one of the tags of a clause.

    Up to `probed_tags_max` tags are looked up one by one.
    """
    tags = clause.tag_ids
    if len(tags) == 1:
        which = compose("x.tag_id = {tag}", tag=bigint(tags[0]))
    else:
        asked = "x.tag_id = ANY({tags})" if len(tags) <= probed_tags_max else IN_TABLE
        which = compose(asked, tags=bigints(tags))
    return compose(LINKED, image=image, which=which)


def all_but_driving(path: AccessPath, image: Fragment, clauses: Iterable[Clause]) -> list[Fragment]:
    """What is asked of one image at a time: some clauses, and all but window and visibility."""
    resolved, most = path.resolved, path.thresholds.probed_tags_max
    asked = [has_any_tag(image, clause, most) for clause in clauses]
    if resolved.absent.tag_ids:
        absent = has_any_tag(image, resolved.absent, most)
        asked.append(compose("NOT {linked}", linked=absent))
    if resolved.untagged:
        asked.append(compose(UNTAGGED, image=image))
    if resolved.uploaded_only:
        asked.append(compose(UPLOADED, image=image))
    return asked


def created_within(
    created: Fragment, start: datetime | None, before: datetime | None
) -> list[Fragment]:
    """The bounds of the creation time."""
    bounds = []
    if start:
        from_then = Fragment("%(created_from)s", {"created_from": start})
        bounds.append(compose("{at} >= {bound}", at=created, bound=from_then))
    if before:
        until = Fragment("%(created_before)s", {"created_before": before})
        bounds.append(compose("{at} < {bound}", at=created, bound=until))
    return bounds


def window(resolved: ResolvedQuery, created: Fragment) -> list[Fragment]:
    """The bounds of the creation time that a query asks for."""
    return created_within(created, resolved.created_from, resolved.created_before)


def after(position: KeysetPosition | None, created: Fragment, image: Fragment) -> list[Fragment]:
    """Beyond where a keyset position stands, in the order newest first."""
    if position is None:
        return []
    place = Fragment(
        "(%(after_at)s, %(after_id)s)", {"after_at": position.key, "after_id": position.image}
    )
    return [compose("({at}, {image}) < {place}", at=created, image=image, place=place)]


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


def matches(path: AccessPath) -> Fragment:
    """Everything that a query asks, visibility included, of the record `i` itself; needs `i`."""
    resolved = path.resolved
    return join(
        AND,
        [
            resolved.viewer.image_predicate(),
            *([UNENDED] if resolved.unended else []),
            *window(resolved, RECORD_CREATED),
            *all_but_driving(path, RECORD_ID, resolved.clauses),
        ],
    )
