"""What may be done to many tags of the list at once. Each shows a plan first."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from taggedimages.changes import lifecycle, operations
from taggedimages.identity.admin import viewer_of_staff
from taggedimages.identity.authentication import author_of
from taggedimages.identity.authors import ADMIN, Author
from tags import colours, curation, rights
from tags.admin.plans import CONFIRMED, Plan, answer, named, number_of
from tags.admin.typed_tags import TagField, tag_named
from tags.models import Tag

# At once.
MOST_TAGS = 1_000
STATUS_WORDS = {
    Tag.Status.ACTIVE: (
        "Activate",
        "They may be put on images freely again.",
        "Activated",
    ),
    Tag.Status.DEPRECATED: (
        "Deprecate",
        "Images that have them keep them. No further image gets them, and nobody is offered them "
        "who types.",
        "Deprecated",
    ),
    Tag.Status.LOCKED: (
        "Lock",
        "Images that have them keep them. Staff alone may put them on images, take them off and "
        "change them.",
        "Locked",
    ),
}

MakePlan = Callable[[HttpRequest, Sequence[Tag], Author], Plan]


class IntoForm(forms.Form):
    """The tag that others are merged into."""

    into = TagField(label="Merge into")


class ClassifyForm(forms.Form):
    """A category and a colour; what is left empty stays."""

    category = forms.CharField(
        required=False, max_length=64, help_text="Left empty, each keeps its own."
    )
    no_category = forms.BooleanField(required=False, label="Take the category away")
    color = forms.CharField(
        required=False,
        label="Colour",
        validators=[colours.validate],
        help_text="# and six hexadecimal digits, such as #2196F3. Left empty, each keeps its own.",
    )

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        if given.get("category") and given.get("no_category"):
            raise forms.ValidationError("Either give a category or take it away.")
        if not self.errors and not any(given.values()):
            raise forms.ValidationError("Say what is to be changed.")
        return given


def merge(request: HttpRequest, tags: Sequence[Tag], by: Author) -> Plan:
    """To make some tags one, by a change that shows its own plan."""
    form = _filled(request, IntoForm)
    viewer = viewer_of_staff(request)
    plan = Plan(
        f"Merge {named(tags)}",
        number_of(tags, viewer),
        ["The next page shows what a merge would do to these images. Nothing happens before."],
        "Show the plan",
        tags=tags,
        form=form,
        form_confirms=True,
    )
    if form.is_valid():
        into = tag_named(form.cleaned_data["into"], viewer)
        plan.does = partial(propose, [tag for tag in tags if tag.pk != into.pk], into, by)
    return plan


def propose(sources: Sequence[Tag], into: Tag, by: Author) -> tuple[str, str]:
    """A merge as a change; nothing to say, and the address of its plan."""
    operation = operations.merging(sources, into)
    change = lifecycle.propose(operation, None, by)
    return "", reverse("admin:changes_change_change", args=[change.pk])


def set_status(status: Tag.Status, request: HttpRequest, tags: Sequence[Tag], by: Author) -> Plan:
    """To say how some tags may be used."""
    verb, says, done = STATUS_WORDS[status]
    if status == Tag.Status.LOCKED:
        rights.check_lock(by)
    before = sorted({str(tag.get_status_display()).lower() for tag in tags})

    @transaction.atomic
    def does() -> tuple[str, str]:
        for tag in tags:
            curation.classify(tag, status=status)
        _log(request, tags, CHANGE, f"{done}.")
        was = f" They were {' or '.join(before)}; choose that to take it back."
        return f"{done} {named(tags)}.{was}", ""

    return Plan(
        f"{verb} {named(tags)}", number_of(tags, viewer_of_staff(request)), [says], verb, does, tags
    )


def classify(request: HttpRequest, tags: Sequence[Tag], by: Author) -> Plan:
    """To give some tags a category and a colour."""
    form = _filled(request, ClassifyForm)
    plan = Plan(
        f"Category and colour of {named(tags)}",
        number_of(tags, viewer_of_staff(request)),
        ["Their images show them in the new colour. Nothing else changes on images."],
        "Change them",
        tags=tags,
        form=form,
        form_confirms=True,
    )
    if form.is_valid():
        given = form.cleaned_data
        category = given["category"] or ("" if given["no_category"] else None)

        @transaction.atomic
        def does() -> tuple[str, str]:
            for tag in tags:
                curation.classify(tag, category=category, color=given["color"] or None)
            _log(request, tags, CHANGE, "Changed category or colour.")
            return f"Changed {named(tags)}.", ""

        plan.does = does
    return plan


def delete(request: HttpRequest, tags: Sequence[Tag], by: Author, then: str = "") -> Plan:
    """To remove some tags from all images and from the vocabulary; `then` is the page after it."""
    targets = [tag.pk for tag in tags if tag.alias_of_id is None]
    aliases = Tag.objects.filter(alias_of__in=targets).exclude(pk__in=[tag.pk for tag in tags])
    going = aliases.count()

    @transaction.atomic
    def does() -> tuple[str, str]:
        words = named(tags)
        _log(request, tags, DELETION, "")
        for tag in tags:
            curation.delete(tag, by)
        return f"Deleted {words}.", then

    says = [
        "They are taken off all of these images, which stay as they are otherwise.",
        "This cannot be taken back. To keep the images' tags and have no further image get them, "
        "deprecate them; to have them called something else, merge them.",
    ]
    if going:
        says.insert(1, f"{'An alias goes' if going == 1 else f'{going:,} aliases go'} with them.")
    number = number_of(tags, viewer_of_staff(request))
    return Plan(f"Delete {named(tags)}", number, says, "Delete", does, tags, takes_away=True)


def _run(make: MakePlan, modeladmin: Any, request: HttpRequest, chosen: Any) -> HttpResponse | None:
    """The answer to an action of the list."""
    tags = list(chosen.order_by("folded", "name")[: MOST_TAGS + 1])
    if len(tags) > MOST_TAGS:
        messages.error(request, f"At most {MOST_TAGS:,} tags at once.")
        return None
    by = author_of(request, ADMIN)
    refused = rights.refused_changes(tags, by)
    if refused and CONFIRMED in request.POST:
        raise PermissionDenied
    own = [tag for tag in tags if tag.pk not in refused]
    if not own:
        messages.error(request, next(iter(refused.values()), "There is no such tag any more."))
        return None

    def made() -> Plan:
        plan = make(request, own, by)
        if refused:
            left = [tag for tag in tags if tag.pk in refused]
            plan.says.append(f"Not yours to change, and left alone: {named(left)}.")
        return plan

    return answer(request, made, request.get_full_path(), selected=[tag.pk for tag in own])


def action(name: str, words: str, make: MakePlan, permission: str = "change") -> Any:
    """An action of the list."""

    def run(modeladmin: Any, request: HttpRequest, queryset: Any) -> HttpResponse | None:
        return _run(make, modeladmin, request, queryset)

    run.__name__ = name
    return admin.action(description=words, permissions=[permission])(run)


ACTIONS = [
    action("merge", "Merge into…", merge),
    action("deprecate", "Deprecate…", partial(set_status, Tag.Status.DEPRECATED)),
    action("activate", "Activate…", partial(set_status, Tag.Status.ACTIVE)),
    action("lock", "Lock…", partial(set_status, Tag.Status.LOCKED)),
    action("classify", "Category and colour…", classify),
    action("delete_selected", "Delete…", delete, "delete"),
]


def _filled(request: HttpRequest, form: type[forms.Form]) -> forms.Form:
    """The form as it was sent; empty where its page has not been shown yet."""
    return form(request.POST if CONFIRMED in request.POST else None)


def _log(request: HttpRequest, tags: Sequence[Tag], flag: int, message: str) -> None:
    user: Any = request.user
    LogEntry.objects.log_actions(
        user.pk, Tag.objects.filter(pk__in=[tag.pk for tag in tags]), flag, message
    )
