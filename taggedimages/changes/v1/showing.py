"""Changes as whoever asks is shown them: a plan names no image and no tag that they may not see."""

from collections.abc import Sequence
from typing import Any

from images.models import Image
from images.visibility import Viewer
from taggedimages.changes.models import Change
from taggedimages.changes.operations import Operation
from taggedimages.changes.v1.serializers import ChangeSerializer
from taggedimages.http.page_size import fit
from tags.models import Tag


def shown(changes: Sequence[Change], viewer: Viewer) -> list[dict[str, Any]]:
    """Some changes, whole. Up to two statements.

    What a change counts, it counts for its author, whoever looks.
    """
    rows = [dict(ChangeSerializer(change).data) for change in changes]
    plans = [(row["plan"], tags_named(change)) for row, change in zip(rows, changes, strict=True)]
    images = {one["id"] for plan, _ in plans if plan for one in plan["sample"]}
    tags = {one["id"] for plan, named in plans if plan for one in plan["tags"]}
    tags -= {tag for _, named in plans for tag in named}
    seen = _ids(Image.objects.shown_to(viewer), images)
    known = _ids(Tag.objects.shown_to(viewer), tags - {None})
    for plan, named in plans:
        if plan:
            plan["sample"] = [one for one in plan["sample"] if one["id"] in seen]
            plan["tags"] = [one for one in plan["tags"] if one["id"] in known | named]
    return rows


def page(changes: Sequence[Change], viewer: Viewer) -> list[dict[str, Any]]:
    """Some changes, with what they list cut where it would be too long for a page."""
    rows = shown(changes, viewer)
    plans = [row["plan"] for row in rows if row["plan"]]
    nested = [(plan, name) for plan in plans for name in ("tags", "sample")]
    for row in rows:
        if row["query"] and row["query"].get("ids"):
            nested.append((row["query"], "ids"))
        said = row["operation"]
        nested += [(said, name) for name in said if isinstance(said[name], list)]
    fit(rows, nested, [(row, "note") for row in rows])
    return rows


def tags_named(change: Change) -> set[int | None]:
    """The ids of the tags that whoever proposed it named; None of those that it will make."""
    return {None, *(tag.id for tag in Operation.from_json(change.operation).named)}


def _ids(records: Any, ids: set[Any]) -> set[int]:
    return set(records.filter(pk__in=ids).values_list("pk", flat=True)) if ids else set()
