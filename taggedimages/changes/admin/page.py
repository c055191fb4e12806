"""The page of a change: its plan, its progress, and what became of its images."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from taggedimages.changes.admin import conditions, permissions, words
from taggedimages.changes.models import Change


@require_safe
def show(request: HttpRequest, id: str) -> HttpResponse:
    """The page of a change that somebody sees. Raises Http404."""
    change = permissions.seen(request, id)
    context = admin.site.each_context(request) | about(change)
    return TemplateResponse(request, "admin/changes/change/change_form.html", context)


def about(change: Change) -> dict[str, Any]:
    """What every page of a change says of it."""
    return {
        "title": f"Change {change.pk}",
        "change": change,
        "opts": Change._meta,
        "state": words.state(change),
        "number": words.number(change.images),
        "operation": words.operation(change),
        "conditions": conditions.of(change),
        "who": words.who(change),
    }
