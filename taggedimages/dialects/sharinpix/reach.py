"""How far a caller reaches, as querysets and searches: every read and write of this API starts
here."""

import uuid
from dataclasses import replace

from django.db.models import Exists, F, OuterRef, Prefetch, Q, QuerySet
from rest_framework.exceptions import NotFound, PermissionDenied

from images.models import Image
from images.querysets import ImageQuerySet
from images.visibility import Viewer
from search.query import NOTHING, AnyOf, Query
from search.results import SearchResults
from taggedimages.dialects.sharinpix import query_language
from taggedimages.dialects.sharinpix.caller import LINKS_RIGHT, READ_RIGHT, Caller
from tags import spelling
from tags.models import ImageTag, Tag, TagQuerySet
from tags.shown import IsShown


def images(caller: Caller, right: str = READ_RIGHT) -> ImageQuerySet:
    """The current images for which a caller has a right, with what their bodies show."""
    return _within(caller, Image.objects.current(), right)


def found(caller: Caller, right: str = READ_RIGHT, words: str = "") -> SearchResults:
    """The same, newest first, to be listed rather than looked up one by one; those that `words`
    ask for, if there are any."""
    return _found(caller, Image.objects.current(), right, words)


def trashed(caller: Caller, right: str = "trash") -> ImageQuerySet:
    """The images in the trash for which a caller has a right."""
    return _within(caller, Image.objects.restorable(), right)


def claimable(caller: Caller, right: str = "image_upload") -> ImageQuerySet:
    """The announced files, and current images, for which a caller has a right."""
    return _within(caller, Image.objects.claimable(), right)


def links(caller: Caller, *, few: bool = False) -> QuerySet[ImageTag]:
    """The tag links that a caller may see, oldest first, with what their bodies show. With `few`,
    they are asked for by images or ids of their own."""
    if few:
        return described(
            ImageTag.objects.filter(image__in=images(caller, LINKS_RIGHT).values("pk"))
        )
    return described(found(caller, LINKS_RIGHT).links())


def tags(caller: Caller) -> TagQuerySet:
    """The tags that a caller is shown: as the organisation's staff is to its admin, as the user is
    to a session that was not narrowed; else those in reach, named by the token, or everybody's."""
    if caller.unrestricted:
        return Tag.objects.shown_to(Viewer.of(caller.user, for_project=caller.admin))
    everybodys = IsShown(F("pk"), Viewer.of(None))
    linked = found(caller).links().filter(tag=OuterRef("pk"))
    named = Q(name__in=spelling.names([*caller.named_tags, *caller.auto_tags]))
    return Tag.objects.filter(everybodys | named | Exists(linked))


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


def _within(caller: Caller, scope: ImageQuerySet, right: str) -> ImageQuerySet:
    return _found(caller, scope, right).images.order_by()


def _found(caller: Caller, scope: ImageQuerySet, right: str, words: str = "") -> SearchResults:
    """Those of some images for which a caller has a right, and which `words` ask for."""
    asked = [] if caller.unrestricted else [_granted(caller, right)]
    if words:
        asked.append(query_language.read(words))
    query = Query(any_of=tuple(one for one in asked if one is not None))
    own = Viewer(audiences=None, project=caller.project_id)
    scope = scope.of_project(caller.project_id).select_related("facts")
    if caller.session:
        own, query = Viewer.of(caller.user), replace(query, project=caller.project_id)
        scope = scope.open_to(caller.user)
    return SearchResults(NOTHING if AnyOf() in query.any_of else query, own, images=scope)


def _granted(caller: Caller, right: str) -> AnyOf | None:
    """What of its scope a token grants a right for; None where that is everything."""
    albums = caller.albums or {}
    own = AnyOf(tuple(key for key, album in albums.items() if album.allows(right)))
    if caller.query is None or not caller.query_allows(right):
        return own
    asked = query_language.read(caller.query)
    return None if asked is None else asked._replace(albums=own.albums)
