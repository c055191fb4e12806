"""What happened to a tag, in words: the lines of the vocabulary's ledger, and changes of many
images that named it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet

from images.visibility import Viewer
from taggedimages.changes.models import Change
from taggedimages.identity.models import User
from tags.ledger import REDACTED
from tags.models import Tag, VocabularyChange

LINES = 30
# Among so many of the newest changes those that name a tag are looked for.
NEWEST_CHANGES = 2_000
NAMES_IT = """
changes_change.id IN (
    SELECT id FROM (SELECT id, operation FROM changes_change ORDER BY id DESC LIMIT %s) newest
    WHERE jsonb_path_exists(operation, '$.**.id ? (@ == $tag)',
                               jsonb_build_object('tag', %s::bigint)))
"""
WORDS = {
    "created": "Made",
    "deleted": "Deleted",
    "renamed": "Renamed from “{old}” to “{name}”",
    "aliased": "Became an alias of “{other}”",
    "unaliased": "Was no longer an alias of “{other}”",
    "implied": "Began to imply “{other}”",
    "unimplied": "Implied “{other}” no longer",
}


class Line(NamedTuple):
    """What happened when, by whom; `change` is the number of the change that it was a part of."""

    at: datetime
    says: str
    who: str
    through: str
    change: int | None


def lines_of(tag: Tag, viewer: Viewer) -> list[Line]:
    """The newest lines, names of tags and users as far as the viewer may see them. Up to three
    statements."""
    rows = list(VocabularyChange.objects.filter(tag_id=tag.pk).order_by("-id")[:LINES])
    others = _names(rows, viewer)
    strangers = _strangers(rows, viewer)
    return [
        Line(
            row.at,
            WORDS.get(row.kind, row.kind).format(
                name=row.name or REDACTED,
                old=row.old_name or REDACTED,
                other=others.get(row.other_id, "another tag"),
            ),
            "somebody" if row.user_id in strangers else row.user_name or "somebody",
            row.through,
            row.bulk,
        )
        for row in rows
    ]


def changes_naming(tag: Tag, seen: QuerySet[Change]) -> list[Change]:
    """Of the changes that somebody sees, the newest that named a tag. One statement."""
    named = seen.extra(where=[NAMES_IT], params=[NEWEST_CHANGES, tag.pk])  # noqa: S610
    return list(named.select_related("author").order_by("-pk")[:LINES])


def _names(rows: Sequence[VocabularyChange], viewer: Viewer) -> dict[Any, str]:
    ids = {row.other_id for row in rows if row.other_id}
    if not ids:
        return {}
    return dict(Tag.objects.shown_to(viewer).filter(pk__in=ids).values_list("pk", "name"))


def _strangers(rows: Sequence[VocabularyChange], viewer: Viewer) -> set[int]:
    """The ids of users of other projects than the viewer's."""
    ids = {row.user_id for row in rows if row.user_id}
    if viewer.project is None or not ids:
        return set()
    known = User.objects.filter(Q(project=viewer.project), pk__in=ids)
    return ids - set(known.values_list("pk", flat=True))
