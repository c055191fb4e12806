"""Pictures of a change: its sample with tags before and after, and pages of its images."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

import orjson

from images import previews
from images.inspection.sizes import SIZES
from images.models import Image
from images.visibility import Viewer
from search.results import Record

SIDE, _ = SIZES["mini"]
SHOWN_TO = {"public": "for everybody", "project": "for its project", "private": "hidden"}


class Chip(NamedTuple):
    """A tag on a picture, and what becomes of it: `added`, `removed`, `changed`, or nothing."""

    name: str
    value: str = ""
    mark: str = ""

    @property
    def sign(self) -> str:
        """What tells so without colour."""
        return {"added": "+", "removed": "\N{MINUS SIGN}", "changed": "\N{NOT EQUAL TO}"}.get(
            self.mark, ""
        )


class Card(NamedTuple):
    """An image with its preview (None: it has none) and its tags, or those before and after."""

    id: int
    filename: str
    preview: str | None
    before: list[Chip]
    after: list[Chip] | None = None


def of_plan(sample: Sequence[dict[str, Any]], viewer: Viewer) -> list[Card]:
    """The images of a plan's sample that are a viewer's to see, ended or not. One statement."""
    pictures = _pictures([one["id"] for one in sample], viewer)
    return [
        Card(picture.pk, picture.filename, _preview(picture), *_before_and_after(one))
        for one in sample
        if (picture := pictures.get(one["id"]))
    ]


def of_records(records: Sequence[Record], viewer: Viewer) -> list[Card]:
    """The images of a page. One statement."""
    pictures = _pictures([record.id for record in records], viewer)
    return [
        Card(record.id, record.filename, _preview(picture), _given(record))
        for record in records
        if (picture := pictures.get(record.id))
    ]


def _pictures(ids: Collection[int], viewer: Viewer) -> dict[int, Image]:
    if not ids:
        return {}
    shown = Image.objects.filter(viewer.image_q(), pk__in=ids, deleted_at=None)
    return {image.pk: image for image in shown.select_related("facts")}


def _preview(image: Image) -> str | None:
    urls = previews.urls(image)
    return urls["mini"] if urls else None


def _given(record: Record) -> list[Chip]:
    return [Chip(tag["name"], tag.get("value") or "") for tag in orjson.loads(record.tags)]


def _before_and_after(one: dict[str, Any]) -> tuple[list[Chip], list[Chip]]:
    if "record_before" in one:
        # Tags are not what it is about, and stay as they are.
        one = {"before": _said(one["record_before"]), "after": _said(one["record_after"])}
    before, after = one["before"], one["after"]
    values = one.get("values_before", {}), one.get("values_after", {})
    return (
        _chips(before, values[0], dict.fromkeys(set(before) - set(after), "removed")),
        _chips(after, values[1], _marks(before, after, *values)),
    )


def _said(record: dict[str, Any]) -> list[str]:
    """Who is shown a record, and whether it has ended."""
    if record["trashed"]:
        return [SHOWN_TO[record["visibility"]], "in the trash"]
    return [SHOWN_TO[record["visibility"]], *(["ended"] if record["ended"] else [])]


def _marks(
    before: Iterable[str], after: Iterable[str], old: dict[str, str], new: dict[str, str]
) -> dict[str, str]:
    there = set(before)
    return {
        name: "changed" if name in there else "added"
        for name in after
        if name not in there or old.get(name) != new.get(name)
    }


def _chips(names: Iterable[str], values: dict[str, str], marks: dict[str, str]) -> list[Chip]:
    return [Chip(name, values.get(name, ""), marks.get(name, "")) for name in names]
