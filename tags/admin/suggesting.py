"""Tags that somebody in the admin may mean who types: what the tag boxes ask."""

from typing import Any

from django.http import HttpRequest, JsonResponse

from images.visibility import Viewer
from search.results import count_by_tag
from taggedimages.http.rate_limits import limit
from taggedimages.identity.admin import viewer_of_staff
from taggedimages.identity.rate_limits import Kind
from tags.models import Tag
from tags.names import MAX_LENGTH
from tags.statistics_models import TagStatistics
from tags.suggesting import Suggestion, suggestions

MOST, USUALLY = 50, 10
# Among so many of the tags that were used last, those that somebody is shown are looked for.
LAST_USED = 2_000


def suggest(request: HttpRequest) -> JsonResponse:
    """`{"tags": [{"id", "name", "alias", "color", "images"}]}` for `?q=` and `?limit=`.

    `alias` is the alias that was met, null where the tag's own name was; `images` is how many links
    there are, and null for staff of one project. Without a text, the tags that were used last. What
    cannot be meant finds nothing. At most five statements.
    """
    text = request.GET.get("q", "").replace("\0", "").lstrip()[:MAX_LENGTH]
    most, viewer = _most(request.GET.get("limit", "")), viewer_of_staff(request)
    limit(request, Kind.SEARCHES)
    found = suggestions(viewer, text, most) if text else _last_used(viewer, most)
    return JsonResponse({"tags": _told(found, viewer)})


def _last_used(viewer: Viewer, most: int) -> list[Suggestion]:
    newest = TagStatistics.objects.filter(last_used_at__isnull=False).order_by("-last_used_at")
    ids = list(newest.values_list("tag_id", flat=True)[:LAST_USED])
    offered = Tag.objects.filter(pk__in=ids, alias_of=None).exclude(status=Tag.Status.DEPRECATED)
    place = {tag: at for at, tag in enumerate(ids)}
    shown = offered.shown_to(viewer).values_list("pk", "name")
    found = sorted(shown, key=lambda one: place[one[0]])[:most]
    return [Suggestion(tag, name, None) for tag, name in found]


def _most(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else USUALLY
    return max(1, min(number, MOST))


def _told(found: list[Suggestion], viewer: Viewer) -> list[dict[str, Any]]:
    ids = [one.id for one in found]
    colours = dict(Tag.objects.filter(pk__in=ids).values_list("pk", "color"))
    links = count_by_tag(ids, viewer) if viewer.project is None else {}
    return [
        one._asdict() | {"color": colours[one.id], "images": links.get(one.id)}
        for one in found
        # One may have been deleted since.
        if one.id in colours
    ]
