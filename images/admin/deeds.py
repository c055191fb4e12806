"""What is done on the page of one image besides its tags and its record: a line of its history is
taken back, its tags are given to others, and it is restored."""

from collections.abc import Callable

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST

from images import deletion
from images.admin.retagging import Refused, View, answering
from images.models import Image
from taggedimages.changes import copying, immediate, taking_back
from taggedimages.changes.admin import permissions
from taggedimages.changes.models import Change
from taggedimages.http.fields import MAX_INT64, WHOLE_NUMBER
from taggedimages.http.returning import page_before
from taggedimages.identity.admin import viewer_of_staff
from taggedimages.identity.authentication import author_of
from taggedimages.identity.authors import ADMIN
from taggedimages.identity.models import User
from tags import history


def urls(view: Callable[[View], View]) -> list[URLPattern]:
    """The addresses of these, each as the admin's `view` has it."""
    return [
        path("same-tags/", view(same_tags), name="images_image_same_tags"),
        path("<int:image_id>/take-back/", view(take_back), name="images_image_take_back"),
        path("<int:image_id>/restore/", view(restore), name="images_image_restore"),
    ]


@answering
def take_back(request: HttpRequest, image_id: int) -> Change:
    """Take back one line of an image's history (POST `line`, its id), as an edit of its own."""
    _check_may_tag(request)
    line = history.of_image(_seen(request, image_id)).filter(pk=_id(request, "line")).first()
    if line is None:
        raise Refused("There is no such line in the history of this image.", 404)
    try:
        return taking_back.take_back(line, author_of(request, ADMIN))
    except taking_back.MovedOn as error:
        raise Refused(str(error), 409) from error


@answering
def same_tags(request: HttpRequest) -> Change:
    """Give the tags of one image and their values to others, at most 60 (POST `source`, `ids`)."""
    _check_may_tag(request)
    source = _seen(request, _id(request, "source"))
    ids = request.POST.getlist("ids")
    if not ids or not all(map(_is_id, ids)):
        raise Refused("Say which images get these tags.")
    operation = copying.same_tags(source)
    note = f"The tags of image {source}"
    return immediate.at_once(operation, list(map(int, ids)), author_of(request, ADMIN), note=note)


@require_POST
def restore(request: HttpRequest, image_id: int) -> HttpResponse:
    """Bring an image back that has ended or is in the trash, with all its tags."""
    user = permissions.user_of(request)
    if not may_restore(user):
        raise PermissionDenied
    own = Image.objects.restorable().filter(viewer_of_staff(request).image_q())
    image = get_object_or_404(own, pk=image_id)
    if deletion.restore(image):
        LogEntry.objects.log_actions(
            user.pk, [image], CHANGE, change_message="Restored.", single_object=True
        )
        messages.success(request, f"{image.filename} is restored, with all its tags.")
    page = reverse("admin:images_image_change", args=[image.pk])
    return HttpResponseRedirect(page_before(request, page))


def may_restore(user: User) -> bool:
    """Whether somebody may bring images back: whoever may end them, or put them into the trash."""
    return permissions.may_do(user, "end") or permissions.may_do(user, "trash")


def _check_may_tag(request: HttpRequest) -> None:
    if not permissions.may_do(permissions.user_of(request), "tag"):
        raise PermissionDenied


def _seen(request: HttpRequest, id: int) -> int:
    """The id of an image that somebody in the admin is shown now. Raises Http404."""
    shown = Image.objects.shown_to(viewer_of_staff(request))
    if id > MAX_INT64 or not shown.filter(pk=id).exists():
        raise Http404("There is no such image.")
    return id


def _id(request: HttpRequest, field: str) -> int:
    given = request.POST.get(field, "")
    if not _is_id(given):
        raise Refused(f"The field {field} has no id.")
    return int(given)


def _is_id(text: str) -> bool:
    return bool(WHOLE_NUMBER.match(text)) and 0 <= int(text) <= MAX_INT64
