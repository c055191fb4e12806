"""Changes of records: images that are hidden, shown, ended or put into the trash, not tagged.

What a record was before, and what it was made, is kept of each (`models.RecordState`), so that an
undo gives back the one where it still finds the other (`reverting`).
"""

from typing import Any

from django.db import connection

from images.models import Image
from images.visibility import Visibility
from search.executor import whole
from search.executor.blocks import Blocks
from taggedimages.changes import judging, plans, samples
from taggedimages.changes.effects import Effects
from taggedimages.changes.holdings import FEW
from taggedimages.changes.models import Change, Outcome
from taggedimages.changes.record_edits import Action, RecordEdit
from taggedimages.identity.authors import Author
from taggedimages.postgresql.bulk import array

# The caller has locked the images, so that ids of states are in the order in which they came true.
SET_VISIBILITY = """
WITH kept AS (
    INSERT INTO changes_state (change_id, image_id, visibility_before, visibility_after)
    SELECT %(change)s, id, visibility, %(visibility)s FROM images_image
    WHERE id = ANY(%(images)s::bigint[]) ORDER BY id
)
UPDATE images_image SET visibility = %(visibility)s, updated_at = statement_timestamp()
WHERE id = ANY(%(images)s::bigint[])
"""
SET_END = """
WITH kept AS (
    INSERT INTO changes_state
        (change_id, image_id, ended_before, ended_after, trashed_before, trashed_after)
    SELECT %(change)s, id, ended_at, statement_timestamp(), trashed_at,
           CASE WHEN %(trash)s THEN statement_timestamp() ELSE trashed_at END
    FROM images_image WHERE id = ANY(%(images)s::bigint[]) ORDER BY id
)
UPDATE images_image SET
    ended_at = statement_timestamp(),
    trashed_at = CASE WHEN %(trash)s THEN statement_timestamp() ELSE trashed_at END,
    updated_at = statement_timestamp()
WHERE id = ANY(%(images)s::bigint[])
"""


def numbers(edit: RecordEdit, images: Blocks, forbidden: int) -> dict[str, Any]:
    """What a plan counts, with a sample of it, in one state of the database."""
    touched = images - _already(edit, images)
    counted = plans.numbers(images, forbidden, Effects(touched))
    return counted | plans.of_records(len(touched)) | {"sample": _sample(edit, touched)}


def carry_out(
    change: Change, edit: RecordEdit, by: Author, images: list[int]
) -> dict[int, Outcome]:
    """Do it to the images of a batch, which are locked; what has become of each."""
    judged = judging.judged(change, by, images)
    of_them = Image.objects.filter(pk__in=judged.fit)
    done = set(of_them.filter(edit.already).values_list("pk", flat=True))
    to_do = [image for image in judged.fit if image not in done]
    _write(change.pk, edit, to_do)
    return {
        **judged.unfit,
        **dict.fromkeys(done, Outcome.ALREADY),
        **dict.fromkeys(to_do, Outcome.CHANGED),
    }


def as_shown(visibility: int, *, ended: bool = False, trashed: bool = False) -> dict[str, Any]:
    """A record in the sample of a plan."""
    return {"visibility": Visibility(visibility).label, "ended": ended, "trashed": trashed}


def _write(change_id: int, edit: RecordEdit, images: list[int]) -> None:
    asked: dict[str, Any] = {"change": change_id, "images": array(images)}
    with connection.cursor() as cursor:
        if edit.visibility is not None:
            cursor.execute(SET_VISIBILITY, asked | {"visibility": int(edit.visibility)})
        else:
            cursor.execute(SET_END, asked | {"trash": edit.action == Action.TRASH})


def _already(edit: RecordEdit, images: Blocks) -> Blocks:
    already = Image.objects.filter(edit.already)
    if edit.visibility is None:
        return Blocks()
    if len(images) <= FEW:
        already = already.filter(pk__in=list(images))
    return whole.of_queryset(already) & images


def _sample(edit: RecordEdit, touched: Blocks) -> list[dict[str, Any]]:
    chosen = samples.chosen(touched)
    seen = dict(Image.objects.filter(pk__in=chosen).values_list("pk", "visibility"))
    ends, trashed = edit.visibility is None, edit.action == Action.TRASH
    return [
        samples.shown_as(image, tags, tags)
        | {
            "record_before": as_shown(seen[image]),
            "record_after": as_shown(
                seen[image] if edit.visibility is None else edit.visibility,
                ended=ends,
                trashed=trashed,
            ),
        }
        for image, tags in samples.tags_of(chosen).items()
    ]
