"""What tests of changes begin with, and what must hold of the database at any moment."""

from collections.abc import Iterable
from typing import Any

from django.utils import timezone

from images.models import Image
from search.executor.blocks import Blocks
from taggedimages.changes import outcomes, sets, worker
from taggedimages.changes.models import Change, Kind, Outcome, State
from taggedimages.identity.models import Project, User, default_project_id
from tags import resolving
from tags.models import ImageTag, TagChange

Links = dict[tuple[int, int], str]


def refs(*names: str) -> list[dict[str, Any]]:
    """Tags as an operation has them, made where absent."""
    return [{"id": tag.pk, "name": tag.name} for tag in resolving.resolve(names)]


def make_change(
    operation: dict[str, Any],
    images: Iterable[Any],
    by: User | None = None,
    kind: str = Kind.RETAG,
    **fields: Any,
) -> Change:
    """A change of frozen images (or their ids) that waits for the worker; an operator's unless it
    is a user's."""
    project = str(by.project_id) if by else default_project_id()
    frozen = Blocks.of(getattr(image, "pk", image) for image in images)
    values = {
        "kind": kind,
        "state": State.APPLYING,
        "operation": operation,
        "author": by,
        "author_name": by.username if by else "operator",
        "is_operator": by is None,
        "through": "tests",
        "project": Project.objects.get_or_create(id=project)[0],
        "plan": {},
        "images": len(frozen),
        "queued_at": timezone.now(),
    }
    change = Change.objects.create(**values | fields)
    sets.freeze(change.pk, frozen)
    return change


def applied(change: Change) -> Change:
    """The change after the worker has done all that it does about it."""
    while worker.sweep():
        pass
    change.refresh_from_db()
    return change


def of_outcome(change: Change, outcome: Outcome) -> list[int]:
    return list(sets.of(change.pk, outcome))


def present() -> Links:
    return {(link.image_id, link.tag_id): link.value for link in ImageTag.objects.all()}


def identities() -> set[tuple[Any, ...]]:
    """All links with all that is theirs."""
    columns = ("id", "uuid", "image_id", "tag_id", "value", "user_id", "created_at")
    return set(ImageTag.objects.values_list(*columns))


def record_states() -> dict[int, tuple[Any, ...]]:
    """Of each image by its id: whom it is shown to, and all of its ends."""
    columns = ("visibility", "ended_at", "trashed_at", "deleted_at")
    return {row[0]: row[1:] for row in Image.objects.values_list("id", *columns)}


def replayed() -> Links:
    """What links there must be by the ledger; each line must fit what the lines before it made."""
    links: Links = {}
    for line in TagChange.objects.order_by("id"):
        link = (line.image_id, line.tag_id)
        assert links.pop(link, None) == line.old_value
        if line.new_value is not None:
            links[link] = line.new_value
    return links


def assert_adds_up(change: Change) -> None:
    """Each frozen image has one outcome, and the counts say so."""
    change.refresh_from_db()
    counts = outcomes.by_bitmap(change.pk)
    assert counts.pop(Outcome.TARGET, 0) == change.images == change.done == sum(counts.values())
    assert {Outcome(outcome).label: images for outcome, images in counts.items()} == {
        label: images for label, images in change.outcomes.items() if images
    }
    assert replayed() == present()
