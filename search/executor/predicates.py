"""Conditions on one image or link, as pieces of SQL; every other way of answering agrees with them.

No condition here ever adds rows that the viewer may not see: each narrows what `visibility` gives.
"""

from collections.abc import Iterable
from datetime import datetime

from images.visibility import LATEST_CREATED_SQL
from search.ordering import KeysetPosition
from search.planner.named_tags import Clause
from search.planner.paths import AccessPath
from search.planner.resolution import ResolvedQuery
from taggedimages.postgresql.fragments import Fragment, bigint, bigints, column, compose, join

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

STARTED = "{created} <= " + LATEST_CREATED_SQL
RECORD_ID, RECORD_CREATED = column("i", "id"), column("i", "created_at")
LINK_IMAGE, LINK_CREATED = column("l", "image_id"), column("l", "image_created_at")
IS_UNENDED = Fragment("i.ended_at IS NULL", needs=frozenset({"i"}))
ENDING = Fragment("i.ended_at > statement_timestamp()", needs=frozenset({"i"}))

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


def all_but_driving(path: AccessPath, image: Fragment, clauses: Iterable[Clause]) -> list[Fragment]:
    """What is asked of one image at a time: some clauses, and all but window and visibility."""
    resolved, most = path.resolved, path.thresholds.probed_tags_max
    asked = [has_any_tag(image, clause, most) for clause in clauses]
    if resolved.absent.tag_ids:
        absent = has_any_tag(image, resolved.absent, most)
        asked.append(compose("NOT {linked}", linked=absent))
    if resolved.untagged:
        asked.append(compose(HAS_NO_TAG, image=image))
    if resolved.uploaded_only:
        asked.append(compose(HAS_FILE, image=image))
    return asked


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


def matches(path: AccessPath) -> Fragment:
    """Everything that a query asks, visibility included, of the record `i` itself; needs `i`."""
    resolved = path.resolved
    return join(
        AND,
        [
            resolved.viewer.image_predicate(),
            *([IS_UNENDED] if resolved.unended else []),
            *window(resolved, RECORD_CREATED),
            *all_but_driving(path, RECORD_ID, resolved.clauses),
        ],
    )
