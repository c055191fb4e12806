"""Who may change an image through /v1 (docs/security.md)."""

from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from images.models import Image
from images.querysets import ImageQuerySet


def editable(request: Request) -> ImageQuerySet:
    """The images that the caller is shown and may change."""
    return Image.objects.changeable_by(request.user)


def check_editable(request: Request, image: Image) -> None:
    """Raise PermissionDenied where the caller is shown an image and no more."""
    if not editable(request).filter(pk=image.pk).exists():
        raise PermissionDenied("The image is not yours to change.")
