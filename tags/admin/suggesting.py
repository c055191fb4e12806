"""Tags that somebody in the admin may mean who types: what the tag boxes ask."""

from typing import Any

from django.http import HttpRequest, JsonResponse

from search.models import TermStats
from taggedimages.http.rate_limits import limit
from taggedimages.identity.admin import project_of_staff, viewer_of_staff
from taggedimages.identity.rate_limits import Kind
from tags.models import Tag
from tags.names import MAX_LENGTH
from tags.suggesting import Suggestion, suggestions

MOST, USUALLY = 50, 10


def suggest(request: HttpRequest) -> JsonResponse:
    """`{"tags": [{"id", "name", "alias", "color", "images"}]}` for `?q=` and `?limit=`.

    `alias` is the alias that was met, null where the tag's own name was; `images` counts links as
    of the last merge into the tag index, and is null for staff of one project. What cannot be meant
    finds nothing. At most five statements.
    """
    text = request.GET.get("q", "").replace("\0", "").lstrip()[:MAX_LENGTH]
    most = _most(request.GET.get("limit", ""))
    limit(request, Kind.SEARCHES)
    found = suggestions(viewer_of_staff(request), text, most) if text else []
    return JsonResponse({"tags": _told(found, counted=project_of_staff(request) is None)})


def _most(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else USUALLY
    return max(1, min(number, MOST))


def _told(found: list[Suggestion], *, counted: bool) -> list[dict[str, Any]]:
    ids = [one.id for one in found]
    colours = dict(Tag.objects.filter(pk__in=ids).values_list("pk", "color"))
    counts: dict[int, int] = {}
    if counted:
        stats = TermStats.objects.filter(term__in=ids)
        counts = dict(stats.values_list("term", "link_count"))
    return [
        one._asdict()
        | {"color": colours[one.id], "images": counts.get(one.id, 0) if counted else None}
        for one in found
        # One may have been deleted since.
        if one.id in colours
    ]
