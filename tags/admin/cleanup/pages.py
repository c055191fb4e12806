"""Pages of the clean-up list: one kind of rows at a time, a row by itself, what is set aside."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse

from taggedimages.http.fields import MAX_INT64, WHOLE_NUMBER
from taggedimages.identity.admin import viewer_of_staff
from taggedimages.postgresql.counting import counted
from tags.admin.cleanup.deeds import RARE
from tags.admin.cleanup.rows import SIDE, shown
from tags.cleanup import asking, present
from tags.cleanup.models import CleanupSweep, Finding, Kind, SetAside
from tags.cleanup.telling import EXPLAINED
from tags.cleanup.writing import MOST_OF_KIND
from tags.models import Tag

PER_PAGE, ASIDE_PER_PAGE = 30, 100
# Of kinds that are not shown; each row is asked whether it is still a problem.
COUNTED_MOST = 200
ASIDE = "aside"
# Either lets one see the list.
TO_SEE = ("tags.view_tag", "tags.change_tag")


def may_see(request: HttpRequest) -> bool:
    """Whether somebody is shown the list at all."""
    return any(map(request.user.has_perm, TO_SEE))


def findings(request: HttpRequest) -> QuerySet[Finding]:
    """The rows that somebody is shown."""
    return present.rows(viewer_of_staff(request))


def aside(request: HttpRequest) -> QuerySet[SetAside]:
    """What is set aside of tags that somebody is shown."""
    viewer = viewer_of_staff(request)
    every = SetAside.objects.select_related("low", "high")
    if viewer.sees_all:
        return every
    tags = Tag.objects.shown_to(viewer).values("pk")
    return every.filter(Q(low__in=tags) & (Q(high=None) | Q(high__in=tags)))


def ids(texts: Sequence[str]) -> list[int]:
    """Those of some texts that are ids, a page of them at most."""
    numbers = [int(text) for text in texts[:ASIDE_PER_PAGE] if WHOLE_NUMBER.match(text)]
    return [number for number in numbers if 0 < number <= MAX_INT64]


def list_page(request: HttpRequest) -> TemplateResponse:
    """The rows of the kind that is asked for, or of the first that has any."""
    found = findings(request)
    numbers = counted([(found.filter(kind=kind.value), COUNTED_MOST) for kind in Kind])
    counts = {kind: number for kind, number in zip(Kind, numbers, strict=True) if number}
    wanted = request.GET.get("kind", "")
    if wanted == ASIDE:
        return _aside_page(request, counts)
    kind = next((one for one in Kind if one.value == wanted), next(iter(counts), Kind.CASE))
    rows, number = found.filter(kind=kind.value), counts.get(kind, 0)
    pages = Paginator(present.in_order(rows), PER_PAGE)
    pages.count = number if number < COUNTED_MOST else rows.count()
    page = pages.get_page(request.GET.get("p", "1")[:9])
    context = _context(request, kind.value) | {
        "title": "Clean-up list",
        "counts": _told(counts | ({kind: pages.count} if number else {}), kind),
        "kind": kind,
        "explained": EXPLAINED[kind],
        "page": page,
        "rows": shown(list(page.object_list), viewer_of_staff(request)),
    }
    return TemplateResponse(request, "admin/tags/finding/change_list.html", context)


def _told(counts: dict[Kind, int], exactly: Kind | None = None) -> dict[Kind, str]:
    """Numbers of rows; those that were not counted to their end say so."""
    return {
        kind: f"{number:,}" if number < COUNTED_MOST or kind == exactly else f"{number:,}+"
        for kind, number in counts.items()
    }


def row_page(request: HttpRequest, id: str) -> TemplateResponse:
    """A row by itself, where its tag can be merged into any other. Raises Http404."""
    found = present.in_order(findings(request).filter(pk__in=ids([id])))
    if not (rows := shown(list(found), viewer_of_staff(request))):
        raise Http404("There is no such row.")
    (row,) = rows
    context = _context(request, row.kind.value) | {
        "title": str(row.finding),
        "kind": row.kind,
        "row": row,
        "explained": EXPLAINED[row.kind],
        "suggest": reverse("admin:tags_tag_suggest"),
    }
    return TemplateResponse(request, "admin/tags/finding/change_form.html", context)


def delete_page(request: HttpRequest, rows: Sequence[Finding]) -> TemplateResponse:
    """What would be deleted, to be confirmed."""
    rare = [row for row in rows if row.kind in RARE]
    context = _context(request, request.POST.get("kind", "")) | {
        "title": "Delete tags",
        "rows": shown(rare, viewer_of_staff(request)),
        "left": len(rows) - len(rare),
    }
    return TemplateResponse(request, "admin/tags/finding/delete.html", context)


def _aside_page(request: HttpRequest, counts: dict[Kind, int]) -> TemplateResponse:
    pages = Paginator(aside(request).order_by("-id"), ASIDE_PER_PAGE)
    context = _context(request, ASIDE) | {
        "title": "Not a problem",
        "counts": _told(counts),
        "page": pages.get_page(request.GET.get("p", "1")[:9]),
    }
    return TemplateResponse(request, "admin/tags/finding/aside.html", context)


def _context(request: HttpRequest, at: str) -> dict[str, Any]:
    """What all pages have; `at` is the kind that they are of, or ASIDE."""
    state, user = CleanupSweep.objects.first(), request.user
    every = viewer_of_staff(request).sees_all
    found = state.found.get(at, 0) if state and every else 0
    return {
        **admin.site.each_context(request),
        "opts": Finding._meta,
        "here": request.get_full_path(),
        "at": at,
        "sweep": state,
        "is_asked": bool(state and asking.is_waiting(state)),
        # Found besides those that are kept.
        "beyond": found if found > MOST_OF_KIND else 0,
        "most": MOST_OF_KIND,
        "side": SIDE,
        "may_merge": user.has_perm("tags.change_tag"),
        "may_untag": user.has_perm("images.change_image"),
        "may_delete": user.has_perm("tags.delete_tag"),
        "undo": "-".join(map(str, ids(request.GET.get("undo", "").split("-")))),
    }
