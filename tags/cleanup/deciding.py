"""What somebody decides about a row of the clean-up list, apart from changes of images.

Merges and taking tags off images are changes (`taggedimages.changes`), with a plan and an undo.
"""

from collections.abc import Iterable

from taggedimages.identity.authors import Author
from taggedimages.transactions import retried
from tags import curation, rights
from tags.cleanup.models import Finding, Kind, SetAside
from tags.models import ImageTag, Tag


class UsedMeanwhile(Exception):
    """More images have the tag than was said when it was to be deleted."""


def set_aside(rows: Iterable[Finding], by: Author) -> list[SetAside]:
    """Have rows, and others of the same tags in the same family, never come again."""
    made = []
    for row in rows:
        low, high = sorted((row.tag_id, row.other_id or 0))
        made.append(
            SetAside.objects.get_or_create(
                family=Kind(row.kind).family,
                low_id=low or high,
                high_id=high if low else None,
                defaults={"user_name": by.name},
            )[0]
        )
    return made


def take_back(aside: Iterable[SetAside]) -> None:
    """Have them be problems again: they are shown at once if the last sweep had found them."""
    SetAside.objects.filter(pk__in=[one.pk for one in aside]).delete()


@retried
def delete_rare(row: Finding, by: Author) -> bool:
    """Delete a tag that no image has, or only one, as the row says; False when it was gone already.

    Raises UsedMeanwhile, rights.OnImagesOfOthers, restriction.Restricted.
    """
    most = {Kind.NEVER.value: 0, Kind.ONCE.value: 1}[row.kind]
    curation.lock_images(row.tag_id)
    # Nobody else puts it on an image from here on.
    tag = Tag.objects.select_for_update().filter(pk=row.tag_id).first()
    if tag is None:
        return False
    rights.check_change(tag, by)
    if ImageTag.objects.filter(tag=tag)[: most + 1].count() > most:
        raise UsedMeanwhile(f"{tag.name} is used meanwhile, and was not deleted.")
    return curation.delete(tag, by)
