"""The images of a change, of an outcome of it, or those taken out of its plan, in pages."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from taggedimages.changes.admin import page, permissions, samples, words
from taggedimages.changes.members import Members
from taggedimages.changes.models import Change, Outcome
from taggedimages.http.fields import MAX_INT64, WHOLE_NUMBER
from taggedimages.identity.admin import viewer_of_staff

PAGE_IMAGES = 60
# In the place of an outcome: what was taken out of the plan.
EXCLUDED = "excluded"
OUTCOMES = {outcome.label: outcome for outcome in Outcome}


@require_safe
def show(request: HttpRequest, id: str) -> HttpResponse:
    """A page of the images that whoever looks is shown; all of the plan where nothing else is
    asked for. Raises Http404."""
    change = permissions.seen(request, id)
    label = request.GET.get("outcome", "")
    if label != EXCLUDED and label not in OUTCOMES:
        label = Outcome.TARGET.label
    viewer = viewer_of_staff(request)
    members = Members(change, None if label == EXCLUDED else OUTCOMES[label], viewer, ended=True)
    found = members.page(PAGE_IMAGES, 0, after(request.GET.get("after", "")))
    about = page.about(request, change)
    context = admin.site.each_context(request) | about
    context |= {
        "title": f"Change {change.pk}: {words.images(found.total)}",
        "says": _says(label),
        "label": label,
        "cards": samples.of_records(found.records, viewer),
        "side": samples.SIDE,
        "next": _next(change, label, found.last),
        "here": request.get_full_path(),
        "takes_out": about["may_apply"] and label == Outcome.TARGET.label,
        "puts_back": about["may_apply"] and label == EXCLUDED,
    }
    return TemplateResponse(request, "admin/changes/change/images.html", context)


def after(text: str) -> int:
    """The id beyond which a page begins; what is none begins with the first."""
    is_id = WHOLE_NUMBER.match(text) and 0 <= int(text) <= MAX_INT64
    return int(text) if is_id else -1


def _says(label: str) -> str:
    if label == EXCLUDED:
        return "taken out of the plan"
    outcome = OUTCOMES[label]
    return words.OUTCOMES.get(outcome, "all that it is for")


def _next(change: Change, label: str, last: int | None) -> str | None:
    if last is None:
        return None
    asked: dict[str, Any] = {"outcome": label, "after": last}
    return f"{reverse('admin:changes_change_images', args=[change.pk])}?{urlencode(asked)}"
