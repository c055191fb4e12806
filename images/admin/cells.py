"""What a page of many images shows of each: its preview, its tags, and why there is no preview."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from images import previews
from images.models import Image
from tags import chips
from tags.chips import Chip

# The side of a preview on the page, in pixels.
SIDE = 100
DETAILS = (
    "pk",
    "uuid",
    "filename",
    "uploaded_at",
    "upload_error",
    "processed_at",
    "facts__has_previews",
    "facts__thumbhash",
    "facts__color",
    "facts__problem",
)


@dataclass(frozen=True)
class Cell:
    """An image on a page; `preview` is a URL, or empty where `lacks` says why."""

    id: int
    filename: str
    preview: str
    lacks: str
    thumbhash: str
    color: str
    chips: list[Chip]
    has_more: bool
    # By what the list is ordered, where it was asked for.
    sort_key: Any = None


def cells(ids: Sequence[int], key: Any = None) -> dict[int, Cell]:
    """What is shown of images, by their ids, without those that are gone; with the value of `key`
    of each, an expression. One statement, however many they are."""
    if not ids:
        return {}
    images = Image.objects.filter(pk__in=ids, deleted_at=None)
    extra = {"tags_of_row": chips.of_row()} | ({} if key is None else {"sort_key": key})
    rows = images.annotate(**extra).values(*DETAILS, *extra)
    return {row["pk"]: _cell(row) for row in rows}


def _cell(row: dict[str, Any]) -> Cell:
    tags = chips.read(row["tags_of_row"])
    return Cell(
        id=row["pk"],
        filename=row["filename"],
        preview=previews.url(row["uuid"], "mini") if row["facts__has_previews"] else "",
        lacks="" if row["facts__has_previews"] else _lacks(row),
        thumbhash=row["facts__thumbhash"] or "",
        color=row["facts__color"] or "",
        chips=tags.shown,
        has_more=tags.more,
        sort_key=row.get("sort_key"),
    )


def _lacks(row: dict[str, Any]) -> str:
    """Why there is nothing to be seen."""
    if reason := row["upload_error"] or row["facts__problem"]:
        return f"failed: {reason}"
    if row["uploaded_at"] is None:
        return "file not there yet"
    return "no preview" if row["processed_at"] else "being looked at"
