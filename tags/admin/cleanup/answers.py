"""What the buttons of the clean-up list do: one of a row has its id, one of several rows goes by
what is ticked."""

from collections.abc import Sequence

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode

from taggedimages.http.rate_limits import limit
from taggedimages.identity.rate_limits import Kind as Limited
from tags.admin.cleanup import deeds, pages
from tags.cleanup import asking, deciding, present
from tags.cleanup.models import Finding, Kind

# What may be done to several rows at once, and who may.
ACTIONS = {
    "merge": (deeds.merge, "tags.change_tag"),
    "delete": (deeds.delete, "tags.delete_tag"),
    "aside": (deeds.set_aside, "tags.change_tag"),
}


def answer(request: HttpRequest) -> HttpResponse:
    """The answer to a form. Raises PermissionDenied, RateExceeded."""
    sent = request.POST
    limit(request, Limited.SEARCHES)
    if "ask" in sent:
        done = _ask(request)
    elif "back" in sent:
        done = _take_back(request)
    elif "untag" in sent:
        done = _untag(request)
    elif "merge" in sent and "into" in sent:
        rows = _chosen(request, [sent["merge"]])
        done = deeds.merge_typed(request, rows[0]) if rows else _gone(request)
    else:
        single = next((name for name in ACTIONS if name in sent), None)
        name = single or sent.get("action", "")
        done = _several(request, name, [sent[name]] if single else sent.getlist("row"))
    return done or HttpResponseRedirect(_list(sent.get("kind", "")))


def _ask(request: HttpRequest) -> HttpResponse | None:
    _check(request, "tags.change_tag")
    asking.ask()
    messages.info(request, "A worker looks through the vocabulary now: come back in a moment.")
    return None


def _take_back(request: HttpRequest) -> HttpResponse | None:
    _check(request, "tags.change_tag")
    wanted = pages.ids(request.POST["back"].split("-"))
    deciding.take_back(pages.aside(request).filter(pk__in=wanted))
    messages.success(request, "Taken back: what is a problem after all is shown again.")
    return None


def _untag(request: HttpRequest) -> HttpResponse | None:
    number, _, tag = request.POST["untag"].partition("-")
    for row in _chosen(request, [number]):
        for side in (row.tag, row.other):
            if side and str(side.pk) == tag and row.kind == Kind.CONTRADICTION:
                return deeds.untag(request, row, side)
    return _gone(request)


def _several(request: HttpRequest, name: str, ids: Sequence[str]) -> HttpResponse | None:
    if name not in ACTIONS:
        messages.warning(request, "Choose what is to be done.")
        return None
    do, permission = ACTIONS[name]
    _check(request, permission)
    if not ids:
        messages.warning(request, "No row was ticked. Nothing was done.")
        return None
    if not (rows := _chosen(request, ids)):
        return _gone(request)
    if name == "delete" and request.POST.get("sure") != "1":
        return pages.delete_page(request, rows)
    return do(request, rows)


def _chosen(request: HttpRequest, ids: Sequence[str]) -> list[Finding]:
    """The rows with these ids that are still there for whoever asks."""
    found = pages.findings(request).filter(pk__in=pages.ids(ids))
    return list(present.in_order(found))


def _gone(request: HttpRequest) -> HttpResponse | None:
    messages.warning(request, "That is not in the list any more. Nothing was done.")
    return None


def _check(request: HttpRequest, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise PermissionDenied


def _list(kind: str) -> str:
    page = reverse("admin:tags_finding_changelist")
    return f"{page}?{urlencode({'kind': kind})}" if kind else page
