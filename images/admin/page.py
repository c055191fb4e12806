"""The page of one image: its picture, what is known of it, its tags and what happened to them."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import F
from django.http import HttpRequest
from django.urls import reverse

from images.admin import alike, deeds, facts, history, picture, steps
from images.models import Image
from images.querysets import ImageQuerySet
from images.visibility import Viewer
from taggedimages.changes.admin import permissions
from taggedimages.http.fields import MAX_INT64, WHOLE_NUMBER
from taggedimages.identity.admin import viewer_of_staff
from tags.admin.typed import written
from tags.implied import implied
from tags.models import ImageTag

# What a card of another image shows of its tags.
TAGS_OF_CARD = 12


@dataclass(frozen=True)
class Held:
    """A tag that an image has; the target, where the link is under an alias of the name `under`."""

    id: int
    link_tag_id: int
    name: str
    value: str
    color: str
    under: str

    @property
    def typed(self) -> str:
        """The name as one would type it."""
        return written([self.name])


def found(images: ImageQuerySet, id: str) -> Image | None:
    """The image with this id, with all that the page says of the record, in one statement; None of
    what is no id of one."""
    known = images.select_related("facts", "created_by", "project")
    number = _id_in(id)
    return None if number is None else known.filter(pk=number).first()


def context(request: HttpRequest, image: Image) -> dict[str, Any]:
    """What the template of the page shows besides Django's form of the record.

    As many statements however many tags, lines of history and similar images there are.
    """
    user, viewer = permissions.user_of(request), viewer_of_staff(request)
    others = alike.others(image, Image.objects.shown_to(viewer))
    tags = held_by([image, *others.images])
    own = tags[image.pk]
    is_over = facts.is_over(image)
    lines = history.page(
        image,
        {tag.link_tag_id: tag.value for tag in own},
        permissions.seen_by(user),
        before=_id_in(request.GET.get("before", "")),
    )
    return {
        "title": image.filename,
        "subtitle": "",
        "picture": picture.picture_of(image),
        "crop": picture.crop_of(image),
        "states": facts.states_of(image),
        "facts": facts.facts_of(image),
        "tables": facts.tables_of(image),
        "tags": own,
        "implied": _implied(own, viewer),
        "history": lines,
        "same": _cards(others.same, tags),
        "similar": _cards(others.similar, tags),
        "has_more_alike": others.has_more,
        "is_over": is_over,
        "may_tag": not is_over and permissions.may_do(user, "tag"),
        "may_restore": facts.is_restorable(image) and deeds.may_restore(user),
        "steps": steps.steps(request, image.pk),
        "here": request.get_full_path(),
        "newest": _at_line(request, None) if "before" in request.GET else "",
        "older": _at_line(request, lines.older) if lines.older else "",
        "retag": reverse("admin:images_image_retag"),
        "suggest": reverse("admin:tags_tag_changelist") + "suggest/",
    }


def held_by(images: Iterable[Image]) -> dict[int, list[Held]]:
    """The tags of some images by their ids, oldest links first. One statement."""
    ids = [image.pk for image in images]
    links = (
        ImageTag.objects.filter(image__in=ids)
        .order_by("id")
        .annotate(target=F("tag__alias_of"))
        .values_list(
            "image_id",
            "tag_id",
            "value",
            "tag__name",
            "tag__color",
            "target",
            "tag__alias_of__name",
            "tag__alias_of__color",
        )
    )
    held: dict[int, list[Held]] = defaultdict(list)
    for image, tag, value, name, color, target, target_name, target_color in links:
        if target is None:
            held[image].append(Held(tag, tag, name, value, color, ""))
        else:
            held[image].append(Held(target, tag, str(target_name), value, str(target_color), name))
    return held


def _implied(own: list[Held], viewer: Viewer) -> list[dict[str, Any]]:
    """What the tags of an image imply, each with the names of those that do."""
    names = {tag.id: tag.name for tag in own}
    [found] = implied([list(names)], viewer)
    return [
        {"name": tag["name"], "because": ", ".join(names[one] for one in tag["because"])}
        for tag in found
    ]


def _cards(found: list[alike.Alike], tags: dict[int, list[Held]]) -> list[dict[str, Any]]:
    return [
        {
            "id": one.image.pk,
            "filename": one.image.filename,
            "why": one.why,
            "preview": one.preview,
            "tags": tags[one.image.pk][:TAGS_OF_CARD],
            "more": max(len(tags[one.image.pk]) - TAGS_OF_CARD, 0),
        }
        for one in found
    ]


def _at_line(request: HttpRequest, before: int | None) -> str:
    """The address of the page with the lines of history before one; the newest, without one."""
    asked = request.GET.copy()
    asked.pop("before", None)
    if before is not None:
        asked["before"] = str(before)
    return f"{request.path}?{asked.urlencode()}"


def _id_in(text: str) -> int | None:
    """The id that a parameter has; what is none says nothing."""
    return int(text) if WHOLE_NUMBER.match(text) and 0 <= int(text) <= MAX_INT64 else None
