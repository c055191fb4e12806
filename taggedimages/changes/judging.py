"""Which of some frozen images a change may still touch, judged anew under their locks."""

from dataclasses import dataclass

from django.db import connection
from django.db.models.expressions import RawSQL

from images.models import Image
from images.querysets import ImageQuerySet
from taggedimages.changes import questions, rights
from taggedimages.changes.models import Change, Outcome
from taggedimages.identity.authors import Author
from taggedimages.postgresql.bulk import array

# In the order of their ids, so that two that change the same images wait for each other in turn.
LOCK_IMAGES = """
SELECT id FROM images_image WHERE id = ANY(%s::bigint[]) ORDER BY id FOR NO KEY UPDATE
"""
# Whoever deletes one of them waits for the links that are about to be made.
HOLD_TAGS = "SELECT id FROM tags_tag WHERE id = ANY(%s::bigint[]) ORDER BY id FOR KEY SHARE"


@dataclass(frozen=True)
class Judged:
    """The images that may be touched, and what has become of the others."""

    fit: list[int]
    unfit: dict[int, Outcome]


def lock(images: list[int]) -> None:
    """Have nobody else change the tags of these images before the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK_IMAGES, [array(images)])


def held(tags: set[int]) -> set[int]:
    """Those of some tags that are there, which they are until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(HOLD_TAGS, [array(tags)])
        return {tag for (tag,) in cursor.fetchall()}


def judged(change: Change, by: Author, images: list[int]) -> Judged:
    """Which are out of the author's sight, not the author's to edit, or found no longer."""
    # As one parameter: thousands would take longer to read than to look up.
    some = Image.objects.filter(pk__in=RawSQL("SELECT unnest(%s::bigint[])", [array(images)]))
    shown = _ids(some.shown_to(rights.viewer_of(by)))
    editable = shown if rights.edits_all_shown(by) else _ids(some & rights.editable(by))
    found = _ids(questions.found(change, some))
    unfit = {}
    for image in images:
        if image not in shown:
            unfit[image] = Outcome.GONE
        elif image not in editable:
            unfit[image] = Outcome.FORBIDDEN
        elif image not in found:
            unfit[image] = Outcome.CHANGED_SINCE
    return Judged([image for image in images if image not in unfit], unfit)


def refused(by: Author) -> set[int]:
    """The ids of the tags that are not the author's to put on images or to take off."""
    return set(rights.refused_tags(by).values_list("pk", flat=True))


def _ids(images: ImageQuerySet) -> set[int]:
    return set(images.values_list("pk", flat=True))
