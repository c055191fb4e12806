"""Who may change an image through /v1 (docs/security.md)."""

from django.conf import settings
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from images.models import Image


def check_editable(request: Request, image: Image) -> None:
    """Raise PermissionDenied where the caller is shown an image and no more.

    Under `open` everybody changes everything. Otherwise whoever made it does, the staff and editors
    of its project, and as TAGGEDIMAGES_PROJECT_EDITS says its members.
    """
    if settings.ANONYMOUS == "open":
        return
    members = settings.PROJECT_EDITS == "members"
    editable = Image.objects.editable_by(request.user, members=members)
    if not editable.filter(pk=image.pk).exists():
        raise PermissionDenied("The image is not yours to change.")
