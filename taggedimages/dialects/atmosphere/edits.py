"""Who may change what, and changing an image with its tags in one go."""

from django.db import transaction
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request

from images import editing
from images.models import Image
from taggedimages.identity.authentication import author_of
from taggedimages.transactions import retried
from tags import tagging

SOURCE = "atmosphere"


def check_editable(image: Image, request: Request) -> None:
    """Raises PermissionDenied where the caller may see an image and no more."""
    if not Image.objects.editable_by(request.user).filter(pk=image.pk).exists():
        raise PermissionDenied


@retried
@transaction.atomic
def save(image: Image, changes: editing.Changes, tags: list[str] | None, request: Request) -> None:
    """Edit an image and its tags in one transaction. Raises NotFound, Restricted."""
    if not editing.edit(image, changes):
        raise NotFound
    if tags is not None:
        tagging.retag(image, tags, author_of(request, SOURCE))
