"""Who may change an image through /v1 (docs/security.md)."""

from django.conf import settings
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from images.models import Image
from images.querysets import ImageQuerySet


def editable(request: Request) -> ImageQuerySet:
    """The images that the caller is shown and may change.

    Under `open` everybody changes everything. Otherwise whoever made it does, the staff and editors
    of its project, and as TAGGEDIMAGES_PROJECT_EDITS says its members.
    """
    shown = Image.objects.visible_to(request.user)
    if settings.ANONYMOUS == "open":
        return shown
    return shown.editable_by(request.user, members=settings.PROJECT_EDITS == "members")


def check_editable(request: Request, image: Image) -> None:
    """Raise PermissionDenied where the caller is shown an image and no more."""
    if not editable(request).filter(pk=image.pk).exists():
        raise PermissionDenied("The image is not yours to change.")
