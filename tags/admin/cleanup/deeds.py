"""What is done about rows of the clean-up list: plans are made, tags deleted, rows set aside.

Each returns the page that is next, None for the list again; what was refused, a message says.
"""

from collections.abc import Callable, Sequence

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode

from images.admin.asking import as_json, asked
from taggedimages.changes import lifecycle, operations, refusals
from taggedimages.changes.admin.permissions import may_do, user_of
from taggedimages.changes.models import Change, State
from taggedimages.changes.models import Kind as ChangeKind
from taggedimages.changes.operations import Operation
from taggedimages.identity.admin import viewer_of_staff
from taggedimages.identity.authentication import author_of
from taggedimages.identity.authors import ADMIN
from tags import names, restriction, rights, vocabulary
from tags.admin.cleanup.rows import asked_for
from tags.admin.typed import typed_names
from tags.cleanup import deciding, telling
from tags.cleanup.models import TWINS, Finding, Kind
from tags.models import Tag

Next = HttpResponse | None

REFUSED = (
    OperationalError,
    names.BadName,
    refusals.BadOperation,
    refusals.TooManyPlanned,
    refusals.NeedsSomebodyElse,
    restriction.Deprecated,
    restriction.Restricted,
    rights.OnImagesOfOthers,
    vocabulary.Cycle,
    Tag.DoesNotExist,
    deciding.UsedMeanwhile,
)
MERGED = (*(kind.value for kind in TWINS), Kind.LEFT_OVER.value)
RARE = (Kind.NEVER.value, Kind.ONCE.value)


def merge(request: HttpRequest, rows: Sequence[Finding]) -> Next:
    """Plan the merges of some rows, those into one tag as one."""
    if not may_do(user_of(request), ChangeKind.MERGE.value):
        raise PermissionDenied
    pairs = [_chosen(request, row) for row in rows if row.kind in MERGED and row.other]
    if left := len(rows) - len(pairs):
        messages.warning(
            request, f"{telling.count(left, 'row has', 'rows have')} nothing to merge."
        )
    wanted: dict[Tag, list[Tag]] = {}
    for target, source in _towards(pairs):
        wanted.setdefault(target, []).append(source)
    plans = [
        plan
        for into, sources in wanted.items()
        if (plan := _planned(request, lambda: _merge(request, sources, into)))  # noqa: B023
    ]
    return _to_plans(request, plans)


def merge_typed(request: HttpRequest, row: Finding) -> Next:
    """Plan the merge of the tag of a row into one that was typed."""
    if not may_do(user_of(request), ChangeKind.MERGE.value):
        raise PermissionDenied

    def plan() -> Change:
        typed = typed_names(request.POST.get("into", ""))
        if len(typed) != 1:
            raise refusals.BadOperation("Type the name of one tag to merge it into.")
        given = {"from": [row.tag.name], "into": typed[0]}
        operation = operations.proposed({"merge": given}, viewer_of_staff(request))
        return _proposed(request, operation)

    made = _planned(request, plan)
    return _to_plans(request, [made] if made else [])


def untag(request: HttpRequest, row: Finding, tag: Tag) -> Next:
    """Plan to take a tag of a contradiction off the images that have it, or both."""
    if not may_do(user_of(request), "untag"):
        raise PermissionDenied
    text = asked_for([one.name for one in (row.tag, row.other) if one])

    def plan() -> Change:
        viewer = viewer_of_staff(request)
        operation = operations.proposed({"remove": [tag.name]}, viewer)
        query, _ = asked(text, viewer)
        by = author_of(request, ADMIN)
        return lifecycle.propose(operation, query, by, asked=as_json(text))

    made = _planned(request, plan)
    return _to_plans(request, [made] if made else [])


def delete(request: HttpRequest, rows: Sequence[Finding]) -> Next:
    """Delete the tags of some rows for good."""
    by, gone = author_of(request, ADMIN), []
    for row in rows:
        if row.kind not in RARE:
            continue
        try:
            if deciding.delete_rare(row, by):
                gone.append(row.tag.name)
        except REFUSED as refusal:
            messages.error(request, f"{row.tag.name}: {refusal}")
    if gone:
        messages.success(request, f"{telling.count(len(gone), 'tag', 'tags')} deleted.")
    return None


def set_aside(request: HttpRequest, rows: Sequence[Finding]) -> Next:
    """Have rows never come again; the list says so, with a button that takes it back."""
    aside = deciding.set_aside(rows, author_of(request, ADMIN))
    ids = "-".join(str(one.pk) for one in aside)
    kind = request.POST.get("kind", "")
    query = urlencode({"kind": kind, "undo": ids})
    return HttpResponseRedirect(f"{reverse('admin:tags_finding_changelist')}?{query}")


def _chosen(request: HttpRequest, row: Finding) -> tuple[Tag, Tag]:
    """The tag that stays and the one that goes, as somebody chose."""
    assert row.other
    if row.kind in MERGED[:-1] and request.POST.get(f"stays-{row.pk}") == str(row.tag_id):
        return row.tag, row.other
    return row.other, row.tag


def _towards(pairs: Sequence[tuple[Tag, Tag]]) -> list[tuple[Tag, Tag]]:
    """The same with the tag that each comes to in the end, where one that stays goes elsewhere."""
    goes = {source: target for target, source in pairs}
    found = []
    for target, source in pairs:
        seen = {source}
        while target in goes and target not in seen:
            seen.add(target)
            target = goes[target]
        if target != source:
            found.append((target, source))
    return found


def _merge(request: HttpRequest, sources: Sequence[Tag], into: Tag) -> Change:
    return _proposed(request, operations.merging(sources, into))


def _proposed(request: HttpRequest, operation: Operation) -> Change:
    """A plan; one that the same user was shown before, where it waits still."""
    by = author_of(request, ADMIN)
    waiting = Change.objects.filter(
        author=by.user,
        kind=ChangeKind.MERGE,
        state__in=(State.PLANNING, State.PLANNED),
        operation=operation.to_json(),
    )
    if there := waiting.order_by("-id").first():
        return there
    return lifecycle.propose(operation, None, by)


def _planned(request: HttpRequest, plan: Callable[[], Change]) -> Change | None:
    try:
        return plan()
    except REFUSED as refusal:
        messages.error(request, str(refusal))
        return None


def _to_plans(request: HttpRequest, plans: Sequence[Change]) -> Next:
    if not plans:
        return None
    if len(plans) == 1:
        return HttpResponseRedirect(reverse("admin:changes_change_change", args=[plans[0].pk]))
    messages.success(request, f"{len(plans)} plans are made. Nothing has been changed yet.")
    states = ",".join((State.PLANNING.value, State.PLANNED.value))
    query = urlencode({"state__in": states})
    return HttpResponseRedirect(f"{reverse('admin:changes_change_changelist')}?{query}")
