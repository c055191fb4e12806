"""Who may change what, and changing an image with its tags in one go."""

from django.db import transaction
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request

from images import editing
from images.models import Image
from taggedimages.identity.authentication import author_of
from taggedimages.transactions import retried
from tags import restriction, tagging

SOURCE = "atmosphere"


def check_editable(image: Image, request: Request) -> None:
    """Raises PermissionDenied where the caller may see an image and no more."""
    if not Image.objects.editable_by(request.user).filter(pk=image.pk).exists():
        raise PermissionDenied


def check_allowed(names: set[str], request: Request) -> None:
    """Raises PermissionDenied where a tag is staff's to put on and take off."""
    for name in sorted(names):
        if not restriction.may_use(name, request.user):
            raise PermissionDenied(f"Only staff may add or remove the tag {name!r}.")


@retried
@transaction.atomic
def save(image: Image, changes: editing.Changes, tags: list[str] | None, request: Request) -> None:
    """Edit an image and its tags in one transaction. Raises NotFound, PermissionDenied."""
    # Locks the record, so that the tags compared below are those that are replaced.
    if not editing.edit(image, changes):
        raise NotFound
    if tags is not None:
        present = set(image.tags.values_list("name", flat=True))
        check_allowed(present ^ set(tags), request)
        tagging.retag(image, tags, author_of(request, SOURCE))
