"""What needs a look, as the admin's first page has it: each matter with how much there is of it.

Staff of a project are told of their own images and changes, and of rows about tags that they see.
All is counted in one statement, and nothing beyond what is told.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from images.admin.uploads import STATES
from images.models import Image
from taggedimages.changes.admin import permissions
from taggedimages.changes.models import State
from taggedimages.identity.admin import project_of_staff
from taggedimages.postgresql.counting import counted
from tags.admin.cleanup import pages as cleanup

# Each row of the clean-up list is asked whether it is still a problem.
MOST, MOST_ROWS = 10_000, 1_000
UNDER_WAY = (State.PLANNING, State.APPLYING)
HALTED = (State.STOPPED, State.FAILED)


@dataclass(frozen=True)
class Matter:
    """Something that may need a look: its words, the list that shows it, and what is in that."""

    words: str
    url: str
    rows: QuerySet[Any, Any]
    # Whether something is wrong, rather than on its way.
    is_wrong: bool = False
    most: int = MOST


@dataclass(frozen=True)
class Found:
    """A matter that there is something of."""

    matter: Matter
    count: int

    @property
    def number(self) -> str:
        """How much, such as `1,234` or `10,000 or more`."""
        told = f"{self.count:,}"
        return f"{told} or more" if self.count >= self.matter.most else told


def found(request: HttpRequest) -> list[Found]:
    """What there is to be looked at, for somebody in the admin; one statement."""
    matters = [*_of_images(request), *_of_changes(request), *_of_tags(request)]
    counts = counted([(matter.rows, matter.most) for matter in matters])
    return [Found(*pair) for pair in zip(matters, counts, strict=True) if pair[1]]


def _of_images(request: HttpRequest) -> Iterator[Matter]:
    user = permissions.user_of(request)
    if not (user.has_perm("images.view_image") or user.has_perm("images.change_image")):
        return
    project = project_of_staff(request)
    images = Image.objects.filter(deleted_at=None)
    images = images if project is None else images.of_project(project)
    words = {
        "waiting": "uploads whose file has not come",
        "unread": "files that were not looked at yet",
        "refused": "uploads that were refused",
        "unreadable": "files that cannot be read",
    }
    for state, said in words.items():
        url = _list("images_image", upload=state)
        is_wrong = state in ("refused", "unreadable")
        yield Matter(said, url, images.filter(STATES[state]), is_wrong)


def _of_changes(request: HttpRequest) -> Iterator[Matter]:
    user = permissions.user_of(request)
    if not permissions.may_see(user):
        return
    changes = permissions.seen_by(user)
    for said, states in {
        "changes under way": UNDER_WAY,
        "changes planned, to be applied or discarded": (State.PLANNED,),
        "changes that failed or were stopped": HALTED,
    }.items():
        url = _list("changes_change", state__in=",".join(states))
        yield Matter(said, url, changes.filter(state__in=states), states == HALTED)


def _of_tags(request: HttpRequest) -> Iterator[Matter]:
    if cleanup.may_see(request):
        url, rows = _list("tags_finding"), cleanup.findings(request)
        yield Matter("rows of the clean-up list", url, rows, most=MOST_ROWS)


def _list(model: str, **narrowed: str) -> str:
    url = reverse(f"admin:{model}_changelist")
    return f"{url}?{urlencode(narrowed)}" if narrowed else url
