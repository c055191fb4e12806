"""The page of a change: its plan, its progress, and what became of its images."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from images.visibility import Viewer
from taggedimages.changes import lifecycle, rights, undone
from taggedimages.changes.admin import conditions, permissions, samples, words
from taggedimages.changes.models import Change, Kind, State
from taggedimages.changes.refusals import NeedsSomebodyElse
from taggedimages.changes.v1 import showing
from taggedimages.identity.admin import viewer_of_staff
from taggedimages.identity.authentication import author_of
from taggedimages.identity.authors import ADMIN
from tags.models import Tag

# Images above which applying wants the number typed.
TYPED_FROM = 1_000
# Tags of a plan that are shown before one asks for the others.
FIRST_TAGS = 20
# What moves by itself, and is looked at again.
MOVING = {State.PLANNING, State.APPLYING}
# What has been applied, or begun to be.
BEGUN = {State.APPLYING, *lifecycle.ENDED}


@require_safe
def show(request: HttpRequest, id: str) -> HttpResponse:
    """The page of a change that somebody sees. Raises Http404."""
    change = permissions.seen(request, id)
    context = admin.site.each_context(request) | about(request, change)
    if change.plan:
        context |= _plan(request, change, change.plan)
    return TemplateResponse(request, "admin/changes/change/change_form.html", context)


@require_safe
def progress(request: HttpRequest, id: str) -> HttpResponse:
    """How far a change is, as JSON for progress.js. Raises Http404."""
    change = permissions.seen(request, id)
    return JsonResponse(
        {
            "state": change.state,
            "says": words.state(change),
            "done": change.done,
            "of": change.images,
            "progress": words.progress(change),
            "moves": change.state in MOVING,
        }
    )


def about(request: HttpRequest, change: Change) -> dict[str, Any]:
    """What the pages of a change say of it."""
    may = permissions.may_have_done(permissions.user_of(request), change)
    state = State(change.state)
    origin, _ = undone.originally(change)
    return {
        "title": f"Change {change.pk}",
        "subtitle": None,
        "change": change,
        "opts": Change._meta,
        "state": words.state(change),
        "label": state.label,
        "badge": words.BADGES.get(state, ""),
        # A name is no image's.
        "images": None if origin.kind == Kind.RENAME else words.images(change.images),
        # Names and aliases are changed even where no image is.
        "does_nothing": not change.images and origin.kind not in (Kind.RENAME, Kind.MERGE),
        "operation": words.operation(change),
        "conditions": conditions.of(change),
        "who": words.who(change),
        "moves": state in MOVING,
        "progress": words.progress(change),
        "outcomes": _outcomes(change),
        "drift": words.drift(change),
        "may_apply": may and state == State.PLANNED,
        "may_stop": may and state == State.APPLYING,
        "may_resume": may and state in (State.STOPPED, State.FAILED) and change.kind != Kind.IMPORT,
        "may_undo": may and state in lifecycle.ENDED and has_begun(change),
    }


def has_begun(change: Change) -> bool:
    """Whether there may be something to undo: a plan that failed has done nothing."""
    return change.plan is not None or change.kind in (Kind.IMPORT, Kind.RENAME)


def _plan(request: HttpRequest, change: Change, plan: dict[str, Any]) -> dict[str, Any]:
    viewer = viewer_of_staff(request)
    tags = _tags(change, plan, viewer)
    cards = samples.of_plan(plan.get("sample", []), viewer)
    return {
        "numbers": words.numbers(plan, takes=change.state in (State.PLANNED, State.APPLYING)),
        "left_alone": words.left_alone(plan),
        "tags": tags[:FIRST_TAGS],
        "more_tags": tags[FIRST_TAGS:],
        "cards": cards,
        "side": samples.SIDE,
        "excluded": len(change.excluded),
        "typed": words.number(change.images) if change.images > TYPED_FROM else None,
        "refusal": _refusal(request, change),
    }


def _tags(change: Change, plan: dict[str, Any], viewer: Viewer) -> list[dict[str, Any]]:
    """What comes and goes of each tag that whoever proposed it named, or that the viewer is shown.
    One statement at most."""
    tags, known = plan.get("tags", []), showing.tags_named(change)
    if others := {tag["id"] for tag in tags} - known:
        shown = Tag.objects.shown_to(viewer).filter(pk__in=others)
        known |= set(shown.values_list("pk", flat=True))
    return [
        tag | {key: words.number(tag[key]) if tag[key] else "" for key in ("added", "removed")}
        for tag in tags
        if tag["id"] in known
    ]


def _refusal(request: HttpRequest, change: Change) -> str:
    """Why whoever looks has to leave applying to somebody else; nothing where not."""
    try:
        rights.check_may_apply(change, author_of(request, ADMIN))
    except NeedsSomebodyElse as refusal:
        return str(refusal)
    return ""


def _outcomes(change: Change) -> list[dict[str, Any]]:
    """What has become of images, each with the page that lists them."""
    url = reverse("admin:changes_change_images", args=[change.pk])
    return [
        {
            "label": outcome.label,
            "images": words.images(count),
            "says": words.OUTCOMES[outcome],
            "url": f"{url}?outcome={outcome.label}",
        }
        for outcome in words.OUTCOMES
        if (count := change.outcomes.get(outcome.label, 0))
    ]
