"""Tags of the images in sight, given and taken at once, and taken back: what keys and chips post.

Each is a change like any other (`taggedimages.changes.immediate`), in the ledger and with undo. A
script is answered in JSON, a form is sent back to its page with a message.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from images.admin import selection
from images.admin.actions import listed_images
from images.admin.outcomes import changed_by, says
from images.models import Image
from taggedimages.changes import immediate, lifecycle, operations, sets, undone
from taggedimages.changes.admin import permissions
from taggedimages.changes.models import Change, Kind
from taggedimages.changes.refusals import (
    AuthorGone,
    BadOperation,
    NeedsSomebodyElse,
    TooManyPlanned,
    WrongState,
)
from taggedimages.http.fields import MAX_INT64, WHOLE_NUMBER
from taggedimages.http.returning import page_before
from taggedimages.identity.admin import viewer_of_staff
from taggedimages.identity.authentication import author_of
from taggedimages.identity.authors import ADMIN
from tags import chips, names, restriction, tag_sets
from tags.admin.typed import typed_names, typed_value

# What is wrong with what was sent, and what does not go just now or not for this user.
BAD = (BadOperation, names.BadName)
NOT_NOW = (
    WrongState,
    NeedsSomebodyElse,
    TooManyPlanned,
    AuthorGone,
    selection.TooManySelected,
    restriction.Deprecated,
)
# Changes that are undone without a look at the plan of it, if they are of few images.
AT_ONCE = {Kind.RETAG, Kind.RECORDS}


class Refused(Exception):
    """Why a request is not done, in a sentence; with the page that can do it, if there is one."""

    def __init__(self, why: str, status: int = 400, page: str = "") -> None:
        super().__init__(why)
        self.status, self.page = status, page


View = Callable[..., HttpResponse]


def urls(view: Callable[[View], View]) -> list[URLPattern]:
    """The addresses of both, each as the admin's `view` has it."""
    return [
        path("retag/", view(retag), name="images_image_retag"),
        path("undo/<int:change_id>/", view(undo), name="images_image_undo"),
    ]


def answering(make: Callable[..., Change]) -> View:
    """A view of what makes a change: for a script in JSON, for a form back at its page."""

    @require_POST
    @wraps(make)
    def view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            change = make(request, *args, **kwargs)
        except (Refused, *BAD, *NOT_NOW) as error:
            return _refused(request, error)
        return _done(request, change)

    return view


@answering
def retag(request: HttpRequest) -> Change:
    """Give tags to at most 60 images, and take others off (POST `ids`, or boxes that are ticked;
    `add`, `remove`; `set`, the number of a set; `value`, with one name that is added)."""
    if not permissions.may_do(permissions.user_of(request), "tag"):
        raise PermissionDenied
    ids = _ids(request)
    added, removed = _typed(request, "add") + _set(request), _typed(request, "remove")
    if not added and not removed:
        raise Refused("Say which tags.")
    asked: dict[str, Any] = {"add": added, "remove": removed}
    # The form of a page of many has a field for it, which is not for sets.
    if "value" in request.POST and "set" not in request.POST:
        if len(added) != 1:
            raise BadOperation("A value is that of one tag.")
        asked = {"values": {added[0]: typed_value(request.POST["value"])}, "remove": removed}
    if selection.ON_PAGE in request.POST:
        selection.sent(request, listed_images(request))
    operation = operations.proposed(asked, viewer_of_staff(request))
    return immediate.at_once(operation, ids, author_of(request, ADMIN))


@answering
def undo(request: HttpRequest, change_id: int) -> Change:
    """Take back what a change of at most 60 images has done; of more, a plan of it is made."""
    if change_id > MAX_INT64:
        raise Http404
    change = get_object_or_404(permissions.seen_by(permissions.user_of(request)), pk=change_id)
    if not permissions.may_have_done(permissions.user_of(request), change):
        raise PermissionDenied
    by = author_of(request, ADMIN)
    origin, _ = undone.originally(change)
    if origin.kind in AT_ONCE and change.images <= immediate.MOST_IMAGES:
        return immediate.undo_at_once(change, by)
    plan = lifecycle.undo(change, by)
    page = reverse("admin:changes_change_change", args=[plan.pk])
    raise Refused("That is undone by a plan: look at it, and apply it.", 409, page)


def _ids(request: HttpRequest) -> list[int]:
    given = request.POST.getlist("ids") or request.POST.getlist("_selected_action")
    if not given:
        raise Refused("Select images first.")
    if len(given) > immediate.MOST_IMAGES:
        raise Refused(f"At most {immediate.MOST_IMAGES} images are tagged at once.")
    if not all(WHOLE_NUMBER.match(one) and 0 < int(one) <= MAX_INT64 for one in given):
        raise Refused("These are no ids of images.")
    return [int(one) for one in given]


def _typed(request: HttpRequest, field: str) -> list[str]:
    return typed_names("\n".join(request.POST.getlist(field)))


def _set(request: HttpRequest) -> list[str]:
    number = request.POST.get("set")
    if number is None:
        return []
    own = tag_sets.of(permissions.user_of(request))
    if not (number.isdecimal() and len(number) == 1 and int(number) in own):
        raise Refused("There is no such set.")
    return own[int(number)]


def _done(request: HttpRequest, change: Change) -> HttpResponse:
    if not _wants_json(request):
        page = reverse("admin:changes_change_change", args=[change.pk])
        link = format_html('{} <a href="{}">Change {}</a>', says(change), page, change.pk)
        messages.success(request, link)
        return HttpResponseRedirect(_back(request))
    undo = reverse("admin:images_image_undo", args=[change.pk]) if changed_by(change) else None
    answer = {"change": change.pk, "state": change.state, "says": says(change), "undo": undo}
    return JsonResponse(answer | {"images": _tags_of(change)})


def _refused(request: HttpRequest, error: Exception) -> HttpResponse:
    status = error.status if isinstance(error, Refused) else 400 if isinstance(error, BAD) else 409
    page = error.page if isinstance(error, Refused) else ""
    if _wants_json(request):
        return JsonResponse({"says": str(error)} | ({"page": page} if page else {}), status=status)
    messages.error(request, str(error))
    return HttpResponseRedirect(page or _back(request))


def _tags_of(change: Change) -> dict[int, list[dict[str, Any]]]:
    """The tags that the images of a change have now, as far as the grid shows them."""
    images = sets.ids_after(change.pk, 0, immediate.MOST_IMAGES)
    held = Image.objects.filter(pk__in=images, deleted_at=None).annotate(held=chips.of_row())
    return {
        pk: [chip._asdict() for chip in chips.read(tags).shown]
        for pk, tags in held.values_list("pk", "held")
    }


def _wants_json(request: HttpRequest) -> bool:
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def _back(request: HttpRequest) -> str:
    return page_before(request, reverse("admin:images_image_changelist"))
