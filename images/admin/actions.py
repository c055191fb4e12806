"""What is done to many images at once: each is a change, of which the plan is shown first.

It is proposed for the images that are selected, or for a search as such, and then never by ids: by
the very conditions that the list is of. Where these cannot say what is listed, that is refused.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from rest_framework.exceptions import ValidationError

from images.admin import selection
from images.admin.asking import as_json, asked
from images.models import Image
from images.querysets import ImageQuerySet
from images.visibility import CLOCK_TOLERANCE, Viewer
from search.query import Query
from taggedimages.changes import lifecycle, operations, refusals
from taggedimages.changes.admin.permissions import may_do, user_of
from taggedimages.changes.models import Change
from taggedimages.changes.operations import Operation
from taggedimages.changes.record_edits import Action
from taggedimages.http.errors import problem_of
from taggedimages.http.rate_limits import limit
from taggedimages.identity.admin import viewer_of_staff
from taggedimages.identity.authentication import author_of
from taggedimages.identity.authors import ADMIN
from taggedimages.identity.rate_limits import Kind
from tags import names, restriction, rights
from tags.admin.typed import typed_names, typed_value

REFUSED = (
    ValidationError,
    OperationalError,
    selection.TooManySelected,
    names.BadName,
    refusals.BadOperation,
    refusals.TooManyPlanned,
    refusals.NeedsSomebodyElse,
    restriction.Deprecated,
    restriction.Restricted,
    rights.OnImagesOfOthers,
)
NO_NAMES = "Type the names of tags first."


class Doing(NamedTuple):
    """Something that may be done to many images: in words, as an operation of a change, and
    whether tags are typed for it."""

    words: str
    operation: Callable[[QueryDict, Viewer], Operation]
    has_tags: bool = True


@dataclass(frozen=True)
class Listed:
    """What the page that was sent lists: a search by its text, or what is selected; `images` is
    the list itself where more than that decides what is in it."""

    text: str
    is_selection: bool = False
    images: ImageQuerySet | None = None
    is_filtered: bool = False


def _names(sent: QueryDict) -> list[str]:
    return typed_names("\n".join(sent.getlist("tags")))


def _some_names(sent: QueryDict) -> list[str]:
    if not (typed := _names(sent)):
        raise refusals.BadOperation(NO_NAMES)
    return typed


def _tagging(sent: QueryDict, viewer: Viewer) -> Operation:
    return operations.proposed({"add": _some_names(sent)}, viewer)


def _untagging(sent: QueryDict, viewer: Viewer) -> Operation:
    return operations.proposed({"remove": _some_names(sent)}, viewer)


def _replacing(sent: QueryDict, viewer: Viewer) -> Operation:
    typed = _names(sent)
    if not typed and not sent.get("none"):
        raise refusals.BadOperation(
            "Replacing by no tags takes all tags away: tick the box that says so, or type names."
        )
    return operations.proposed({"replace": typed}, viewer)


def _valuing(sent: QueryDict, viewer: Viewer) -> Operation:
    value = typed_value(sent.get("value", ""))
    return operations.proposed({"values": dict.fromkeys(_some_names(sent), value)}, viewer)


def _of_records(action: Action, words: str) -> Doing:
    """What is done to images themselves."""
    return Doing(words, lambda _, viewer: operations.proposed({"images": action}, viewer), False)


ACTIONS = {
    "tag": Doing("Add tags", _tagging),
    "untag": Doing("Remove tags", _untagging),
    "replace": Doing("Replace all tags by", _replacing),
    "value": Doing("Set the value of tags", _valuing),
    Action.HIDE.value: _of_records(Action.HIDE, "Hide: make private"),
    Action.SHOW.value: _of_records(Action.SHOW, "Show again"),
    Action.END.value: _of_records(Action.END, "End"),
    Action.TRASH.value: _of_records(Action.TRASH, "Move to the trash"),
}
# What Django calls its own, which every other list has.
OTHER_NAMES = {"delete_selected": Action.TRASH.value}


def offered(request: HttpRequest) -> list[tuple[str, str, bool]]:
    """The actions that somebody may have done: name, words, and whether tags are typed for it."""
    user = user_of(request)
    return [
        (name, doing.words, doing.has_tags) for name, doing in ACTIONS.items() if may_do(user, name)
    ]


def done(request: HttpRequest, listed: Listed, here: str) -> HttpResponse | None:
    """The answer to what a page of images at `here` sends: at best that a plan is next.

    None where it was refused, which a message says: then the page is to be shown again, with what
    was typed. Raises PermissionDenied, RateExceeded.
    """
    sent, back = request.POST, HttpResponseRedirect(here)
    if sent.get("clear"):
        selection.clear(request)
        messages.info(request, "Nothing is selected any more.")
        return back
    try:
        ids = selection.sent(request, listed_images(request))
        if sent.get("keep"):
            messages.info(request, f"{len(ids)} selected, whatever is shown.")
            return back
        change = _proposed(request, listed, ids)
    except REFUSED as error:
        told = problem_of(error)
        messages.error(request, told.message if told else str(error))
        return None
    return HttpResponseRedirect(reverse("admin:changes_change_change", args=[change.pk]))


def _proposed(request: HttpRequest, listed: Listed, ids: list[int]) -> Change:
    """The change that is asked for. Raises PermissionDenied, and what REFUSED has."""
    name = request.POST.get("action", "")
    name = OTHER_NAMES.get(name, name)
    if name not in ACTIONS:
        raise refusals.BadOperation("Choose what is to be done.")
    if not may_do(user_of(request), name):
        raise PermissionDenied
    viewer, by = viewer_of_staff(request), author_of(request, ADMIN)
    if request.POST.get("select_across") == "1" and not listed.is_selection:
        query, conditions = _all_listed(listed, viewer)
    else:
        query, conditions = _of_selected(request, ids, viewer)
    limit(request, Kind.SEARCHES)
    operation = ACTIONS[name].operation(request.POST, viewer)
    return lifecycle.propose(operation, query, by, asked=conditions)


def _all_listed(listed: Listed, viewer: Viewer) -> tuple[Query, dict[str, Any]]:
    """The search that a list is of, as a question of a change. Raises BadOperation where the list
    has other images than that finds."""
    if listed.is_filtered:
        raise refusals.BadOperation(
            "A change of all that is found cannot go by the filters at the side: take them away, "
            "or select images."
        )
    query, _ = asked(listed.text, viewer)
    if listed.images is not None and _has_others(listed.images):
        raise refusals.BadOperation(
            "Some of these images have ended or begin later, and a change is of current ones "
            "alone: filter by “current”, or use the grid."
        )
    return query, as_json(listed.text)


def _has_others(images: ImageQuerySet) -> bool:
    """Whether some images are not current; each half has an index."""
    every = images.order_by()
    ended, ahead = every.filter(ended_at__lte=Now()), Now() + CLOCK_TOLERANCE
    return ended.exists() or every.filter(created_at__gt=ahead).exists()


def _of_selected(
    request: HttpRequest, ids: list[int], viewer: Viewer
) -> tuple[Query, dict[str, Any]]:
    """The images that are selected, as a question of a change. Raises BadOperation."""
    if not ids:
        raise refusals.BadOperation("Select images first. Nothing was done.")
    current = set(Image.objects.shown_to(viewer).filter(pk__in=ids).values_list("pk", flat=True))
    kept = [image for image in ids if image in current]
    if not kept:
        raise refusals.BadOperation("The images that are selected have all ended, or are gone.")
    if left := len(ids) - len(kept):
        messages.warning(request, f"{left} of those selected have ended or are gone: left out.")
    return Query(ids=tuple(kept)), {"ids": kept}


def listed_images(request: HttpRequest) -> ImageQuerySet:
    """All images that somebody has to do with here, ended ones too."""
    viewer = viewer_of_staff(request)
    return Image.objects.filter(viewer.image_q(), deleted_at=None)
