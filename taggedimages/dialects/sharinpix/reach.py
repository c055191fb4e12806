"""How far a caller reaches, as querysets: every read and write of this API starts here."""

import uuid
from collections.abc import Callable

from django.db.models import F, Prefetch, Q, QuerySet
from rest_framework.exceptions import NotFound, PermissionDenied

from images.models import Image
from images.querysets import ImageQuerySet
from images.visibility import Viewer
from taggedimages.dialects.sharinpix import query_language
from taggedimages.dialects.sharinpix.caller import LINKS_RIGHT, READ_RIGHT, Caller
from tags import spelling
from tags.models import ImageTag, Tag, TagQuerySet
from tags.shown import IsShown


def images(caller: Caller, right: str = READ_RIGHT) -> ImageQuerySet:
    """The current images for which a caller has a right, with what their bodies show."""
    return _within(caller, Image.objects.current(), right)


def listed(caller: Caller, right: str = READ_RIGHT) -> ImageQuerySet:
    """The same to be listed, rather than looked up one by one."""
    return _within(caller, Image.objects.current(), right, query_language.listed)


def trashed(caller: Caller, right: str = "trash") -> ImageQuerySet:
    """The images in the trash for which a caller has a right."""
    return _within(caller, Image.objects.restorable(), right)


def claimable(caller: Caller, right: str = "image_upload") -> ImageQuerySet:
    """The announced files, and current images, for which a caller has a right."""
    return _within(caller, Image.objects.claimable(), right)


def links(caller: Caller) -> QuerySet[ImageTag]:
    """The tag links that a caller may see, oldest first, with what their bodies show."""
    return described(ImageTag.objects.filter(image__in=listed(caller, LINKS_RIGHT).values("pk")))


def tags(caller: Caller) -> TagQuerySet:
    """The tags that a caller is shown: as the organisation's staff is to its admin, as the user is
    to a session that was not narrowed; else those in reach, named by the token, or everybody's."""
    if caller.unrestricted:
        return Tag.objects.shown_to(Viewer.of(caller.user, for_project=caller.admin))
    everybodys = IsShown(F("pk"), Viewer.of(None))
    linked = ImageTag.objects.filter(image__in=listed(caller).values("pk")).values("tag")
    named = Q(name__in=spelling.names([*caller.named_tags, *caller.auto_tags]))
    return Tag.objects.filter(everybodys | named | Q(pk__in=linked))


def described(links: QuerySet[ImageTag]) -> QuerySet[ImageTag]:
    """Links in the order of this API, with what their bodies show."""
    # Fetched apart, so that the links of one image share it and its URLs are signed once.
    images = Prefetch("image", Image.objects.select_related("facts"))
    return links.select_related("tag", "user").prefetch_related(images).order_by("created_at", "id")


def one(held: ImageQuerySet, readable: ImageQuerySet, id: uuid.UUID | None) -> Image:
    """The image with this id among those for which the right is held.

    Raises PermissionDenied if it can only be read, NotFound if not even that.
    """
    if id is None:
        raise NotFound
    image = held.filter(uuid=id).first()
    if image is None:
        raise PermissionDenied if readable.filter(uuid=id).exists() else NotFound
    return image


def _within(
    caller: Caller,
    scope: ImageQuerySet,
    right: str,
    matching: Callable[[str], Q] = query_language.matching,
) -> ImageQuerySet:
    scope = scope.of_project(caller.project_id).select_related("facts")
    if caller.session:
        scope = scope.open_to(caller.user)
    if caller.unrestricted:
        return scope
    albums = caller.albums or {}
    granted = Q(album_id__in=[key for key, album in albums.items() if album.allows(right)])
    if caller.query is not None and caller.query_allows(right):
        granted |= matching(caller.query)
    return scope.filter(granted)
