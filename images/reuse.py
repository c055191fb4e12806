"""Answering an upload with a record that has the same bytes already (REUSE_DUPLICATES)."""

from django.conf import settings

from images import storage
from images.models import Image
from images.querysets import ImageQuerySet
from images.visibility import Visibility
from taggedimages.identity.authors import Author

# Of many with the same bytes, so many are looked at.
CANDIDATES = 3


def existing(
    sha256: bytes,
    size: int | None,
    by: Author,
    editable: ImageQuerySet,
    visibility: Visibility | None = None,
) -> Image | None:
    """The oldest image with these bytes in the author's own project, of those that are `editable`:
    tags are added to it. With `visibility`, one that is shown to just those.

    None where the setting is off, and for files that are not inspected yet. The store is asked
    whether it still has just these bytes: nobody is told to keep theirs to themselves otherwise.
    Raises storage.StorageUnavailable.
    """
    if not settings.REUSE_DUPLICATES:
        return None
    told = {"size": size, "visibility": visibility}
    asked = {name: value for name, value in told.items() if value is not None}
    own = editable.of_project(by.project_id).uploaded()
    same = own.filter(facts__sha256=sha256, **asked)
    oldest = same.select_related("facts").order_by("pk")[:CANDIDATES]
    return next((image for image in oldest if _is_intact(image)), None)


def _is_intact(image: Image) -> bool:
    stored = storage.head(image.key)
    if stored is None or stored.size != image.size:
        return False
    # What an upload URL still reaches may have been replaced since it was inspected.
    return image.is_archived or stored.md5 == image.facts.md5_hex
