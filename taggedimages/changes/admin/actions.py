"""What the buttons of a change do. Each is a POST, which leads back to the change, and says there
why nothing was done where nothing was."""

import re
from collections.abc import Callable
from functools import wraps

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from taggedimages.changes import lifecycle, refusals, worker
from taggedimages.changes.admin import members, page, permissions, words
from taggedimages.changes.models import Change, State
from taggedimages.http.rate_limits import limit
from taggedimages.identity.authentication import author_of
from taggedimages.identity.authors import ADMIN
from taggedimages.identity.rate_limits import Kind

Handler = Callable[[HttpRequest, Change], Change | None]
View = Callable[[HttpRequest, str], HttpResponse]

REFUSALS = (
    *worker.REFUSALS,
    refusals.BadOperation,
    refusals.OtherDigest,
    refusals.Drifted,
    refusals.TooManyPlanned,
    refusals.TooManyExcluded,
    refusals.NeedsSomebodyElse,
)
# What divides the digits of a number that somebody types.
DIVIDERS = re.compile(r"[\s,.'_\N{RIGHT SINGLE QUOTATION MARK}]")
# Undone, or about to be.
GOING_ON = [State.PLANNING, State.PLANNED]


def acting(handler: Handler) -> View:
    """The view of something that is done to a change; it leads to the change that the handler
    returns, or back to where it came from."""

    @require_POST
    @wraps(handler)
    def view(request: HttpRequest, id: str) -> HttpResponse:
        change = permissions.seen(request, id)
        if not permissions.may_have_done(permissions.user_of(request), change):
            raise PermissionDenied
        try:
            there = handler(request, change)
        except REFUSALS as refusal:
            messages.error(request, str(refusal))
            there = None
        if there is None:
            return redirect(_back(request, change))
        return redirect("admin:changes_change_change", there.pk)

    return view


@acting
def apply(request: HttpRequest, change: Change) -> Change | None:
    """Apply a plan as it was looked at: by its digest, and many images by their number, typed."""
    digest = request.POST.get("digest", "")
    if change.state in page.BEGUN and digest == change.digest:
        # Sent twice.
        return change
    if change.state == State.PLANNED and digest != change.digest:
        messages.warning(
            request, "The plan is another by now. Nothing was changed: look at it once more."
        )
        return change
    typed = request.POST.get("typed", "")
    if change.images > page.TYPED_FROM and DIVIDERS.sub("", typed) != str(change.images):
        said = f"You typed “{typed[:30]}”" if typed else "You typed no number"
        messages.error(
            request, f"{said}; the plan is of {words.images(change.images)}. Nothing was changed."
        )
        return change
    limit(request, Kind.SEARCHES)
    lifecycle.apply(change.pk, digest, author_of(request, ADMIN))
    return change


@acting
def discard(request: HttpRequest, change: Change) -> Change | None:
    """End a plan; nothing was changed."""
    if change.state != State.DISCARDED:
        lifecycle.discard(change.pk)
    return change


@acting
def stop(request: HttpRequest, change: Change) -> Change | None:
    """Have nobody go on with it."""
    if change.state != State.STOPPED:
        lifecycle.stop(change.pk)
    return change


@acting
def resume(request: HttpRequest, change: Change) -> Change | None:
    """Go on with what was stopped, or failed."""
    if change.state not in page.MOVING:
        lifecycle.resume(change.pk)
    return change


@acting
def undo(request: HttpRequest, change: Change) -> Change | None:
    """Plan to take it back; a plan of one's own for that which waits already is shown once more."""
    author = author_of(request, ADMIN)
    waiting = Change.objects.filter(of=change, author=author.user, state__in=GOING_ON)
    if there := waiting.order_by("-id").first():
        return there
    limit(request, Kind.SEARCHES)
    return lifecycle.undo(change, author)


@acting
def exclude(request: HttpRequest, change: Change) -> Change | None:
    """Take the ticked images out of the plan."""
    _planned_again(request, change, lifecycle.exclude, "taken out")
    return None


@acting
def include(request: HttpRequest, change: Change) -> Change | None:
    """Put the ticked images back into the plan."""
    _planned_again(request, change, lifecycle.include, "put back")
    return None


def _planned_again(
    request: HttpRequest, change: Change, do: Callable[..., Change], done: str
) -> None:
    ticked = {members.after(text) for text in request.POST.getlist("image")} - {-1}
    if not ticked:
        messages.warning(request, f"No image was ticked, so none was {done}.")
        return
    limit(request, Kind.SEARCHES)
    before = len(change.excluded)
    now = do(change.pk, ticked, author_of(request, ADMIN))
    moved = words.images(abs(len(now.excluded) - before))
    is_made = now.state != State.PLANNING
    then = f"is of {words.images(now.images)} now" if is_made else "is being made anew"
    messages.success(request, f"{moved} {done}. The plan {then}.")


def _back(request: HttpRequest, change: Change) -> str:
    """The page that a form names if it is one of ours, otherwise that of the change."""
    there = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(there, {request.get_host()}, request.is_secure()):
        return there
    return reverse("admin:changes_change_change", args=[change.pk])
