"""The images that somebody has selected, kept in the session: paging, searching and the back button
lose none of them."""

from collections.abc import Iterable

from django.http import HttpRequest, HttpResponse, JsonResponse

from images.querysets import ImageQuerySet
from taggedimages.http.fields import MAX_INT64, WHOLE_NUMBER

# In the session, and so with each request; of more, a search is acted on.
SELECTED_MAX = 10_000
KEY = "images.selected"
BOXES, ON_PAGE = "_selected_action", "on_page"

TOO_MANY = (
    f"At most {SELECTED_MAX:,} images are selected one by one; search for more, and act on all "
    "that is found."
)


class TooManySelected(ValueError):
    """More images than a selection holds; the message says it to who selects."""


def selected(request: HttpRequest) -> list[int]:
    """The ids of the images that are selected, in the order in which they came."""
    return list(request.session.get(KEY, []))


def change(request: HttpRequest, add: Iterable[int] = (), remove: Iterable[int] = ()) -> list[int]:
    """Select images, and others no more; returns all that are selected now.

    Raises TooManySelected, and changes nothing.
    """
    before = selected(request)
    ids = dict.fromkeys(before)
    for image in remove:
        ids.pop(image, None)
    ids |= dict.fromkeys(add)
    if len(ids) > SELECTED_MAX:
        raise TooManySelected(TOO_MANY)
    now = list(ids)
    if now != before:
        request.session[KEY] = now
    return now


def clear(request: HttpRequest) -> None:
    """Select nothing."""
    request.session.pop(KEY, None)


def sent(request: HttpRequest, images: ImageQuerySet) -> list[int]:
    """Select what a page of images was sent with, and say all that is selected now: of the images
    that the page had, those that are ticked, whatever was selected of them before.

    Only of some images, those that whoever selects is shown. Raises TooManySelected.
    """
    ticked = ids_of(request.POST.getlist(BOXES))
    return change(
        request, of_them(images, ticked), remove=ids_of(request.POST.getlist(ON_PAGE)[:1])
    )


def of_them(images: ImageQuerySet, ids: list[int]) -> list[int]:
    """Those ids that some images have. One statement at most. Raises TooManySelected."""
    if len(ids) > SELECTED_MAX:
        raise TooManySelected(TOO_MANY)
    known = set(images.filter(pk__in=ids).values_list("pk", flat=True)) if ids else set()
    return [image for image in ids if image in known]


def ids_of(texts: Iterable[str]) -> list[int]:
    """The ids among some texts, each of which may list several with commas; nothing else is one."""
    words = (word.strip() for text in texts for word in text.split(","))
    found = (int(word) for word in words if WHOLE_NUMBER.match(word))
    return list(dict.fromkeys(one for one in found if 0 < one <= MAX_INT64))


def view(request: HttpRequest, images: ImageQuerySet) -> HttpResponse:
    """What is selected, `{"count": 2, "ids": [17, 18]}`: of all, or of the images named by `id`.

    A POST selects the images of `add`, and of `remove` no more, or with `clear` none at all.
    """
    if request.method == "POST":
        try:
            if request.POST.get("clear"):
                clear(request)
            added = of_them(images, ids_of(request.POST.getlist("add")))
            change(request, added, ids_of(request.POST.getlist("remove")))
        except TooManySelected as error:
            return JsonResponse({"says": str(error), "count": len(selected(request))}, status=409)
    elif request.method not in ("GET", "HEAD"):
        return JsonResponse({"says": "Only GET and POST."}, status=405)
    now = selected(request)
    wanted = set(ids_of(request.GET.getlist("id")))
    ids = [image for image in now if image in wanted] if "id" in request.GET else now
    return JsonResponse({"count": len(now), "ids": ids})
