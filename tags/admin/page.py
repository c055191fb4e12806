"""The page of one tag: what it is on, what stands around it, and what happened to it."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from images.admin.cells import cells
from search.query import Query
from search.results import SearchResults, TagCount
from taggedimages.changes.admin import permissions, words
from taggedimages.identity.admin import viewer_of_staff
from tags import names
from tags.admin import history
from tags.admin.plans import images
from tags.models import Tag
from tags.relatives import relatives

# Each with the action of the list that sets it.
STATUSES = (
    (Tag.Status.ACTIVE, "activate", "Activate"),
    (Tag.Status.DEPRECATED, "deprecate", "Deprecate"),
    (Tag.Status.LOCKED, "lock", "Lock"),
)
EXAMPLES = 12
# Of each kind, the others are told as a number.
MOST_RELATIVES = 100
MOST_TOGETHER = 20


@dataclass(frozen=True)
class Related:
    """Tags of one kind that stand beside one, and what may be done about them."""

    kind: str
    title: str
    says: str
    tags: list[Any]
    more: int
    add: str
    remove: str
    label: str


def about(request: HttpRequest, tag: Tag) -> dict[str, Any]:
    """What the page shows besides the form. Five to eight statements."""
    viewer = viewer_of_staff(request)
    found = SearchResults(Query(tag_id=tag.pk, aliased=True), viewer).page(EXAMPLES)
    shown = cells([record.id for record in found.records])
    return {
        "tag": tag,
        "images": found.total,
        "images_said": images(found.total),
        "of_all": viewer.project is None,
        "here": request.get_full_path(),
        # In words, all but the one that it has.
        "statuses": [(action, words) for status, action, words in STATUSES if status != tag.status],
        "examples": [shown[one.id] for one in found.records if one.id in shown],
        "images_url": images_url(tag),
        "target": tag.alias_of,
        "related": [] if tag.alias_of_id else _related(tag, viewer),
        "known": getattr(tag, "statistics", None),
        "maker": _maker(tag, viewer),
        "history": history.lines_of(tag, viewer),
        "together": reverse("admin:tags_tag_together", args=[tag.pk]),
    }


def together(request: HttpRequest, tag: Tag) -> dict[str, Any]:
    """What takes longer than a page may: the tags that its images have besides, and changes that
    named it."""
    viewer = viewer_of_staff(request)
    found = SearchResults(Query(tag_id=tag.pk, aliased=True), viewer).facets()
    user = permissions.user_of(request)
    others = [one for one in found if one["id"] != tag.pk][:MOST_TOGETHER]
    return {
        "tag": tag,
        "others": [(one, _both(tag, one)) for one in others],
        "changes": [
            (change, words.what(change), words.who(change))
            for change in history.changes_naming(tag, permissions.seen_by(user))
        ],
    }


def images_url(*tags: Tag | TagCount) -> str:
    """The list of the images that have some tags."""
    given = [tag.name if isinstance(tag, Tag) else tag["name"] for tag in tags]
    asked = urlencode({"exact_tags": names.joined(given)})
    return f"{reverse('admin:images_image_changelist')}?{urlencode({'q': asked})}"


def _both(tag: Tag, other: TagCount) -> str:
    return images_url(tag, other)


def _related(tag: Tag, viewer: Any) -> list[Related]:
    around = relatives(tag, viewer)
    kinds = (
        ("aliases", "Aliases", "Other names that mean this tag.", "unalias"),
        ("parents", "Parents", "What it implies: images with it count there.", "unparent"),
        ("children", "Children", "What implies it: their images count here.", "unchild"),
    )
    return [
        Related(
            kind,
            title,
            says,
            getattr(around, kind)[:MOST_RELATIVES],
            max(len(getattr(around, kind)) - MOST_RELATIVES, 0),
            reverse(f"admin:tags_tag_{kind}", args=[tag.pk]),
            reverse(f"admin:tags_tag_{remove}", args=[tag.pk]),
            f"Add {title.lower()}",
        )
        for kind, title, says, remove in kinds
    ]


def _maker(tag: Tag, viewer: Any) -> str:
    known = tag.user and viewer.project in (None, tag.user.project_id)
    return tag.user.username if known and tag.user else ""
