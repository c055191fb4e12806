"""Reads of images: those that a caller may see (`images.visibility`), edit or restore."""

import uuid
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import F, Max, Min, Q
from django.db.models.functions import Now

from images.visibility import CURRENT, Viewer, open_to_project
from taggedimages.identity.models import User

if TYPE_CHECKING:
    from images.models import Image

# A file that was announced and not claimed yet: ended as it began, so that no door shows it.
UNCLAIMED = Q(trashed_at__isnull=False, trashed_at=F("created_at"))
# How far an upload has come; each image is in one of these.
UPLOAD_STATES = {
    "arrived": Q(uploaded_at__isnull=False),
    "awaited": Q(uploaded_at=None, upload_error=""),
    "failed": Q(uploaded_at=None) & ~Q(upload_error=""),
}


class ImageQuerySet(models.QuerySet["Image"]):
    """Images, narrowed to what a caller may see, edit or restore."""

    def current(self) -> Self:
        """Started, and not ended at this moment: ends are judged at request time."""
        return self.filter(CURRENT)

    def visible_to(self, user: User | AnonymousUser | None) -> Self:
        """Current images that the user is shown (images.visibility)."""
        return self.current().open_to(user)

    def shown_to(self, viewer: Viewer) -> Self:
        """Current images that a viewer is shown, who may be a project."""
        return self.current().filter(viewer.image_q())

    def open_to(self, user: User | AnonymousUser | None) -> Self:
        """What the user is shown, whether current or not."""
        return self.filter(Viewer.of(user).image_q())

    def of_project(self, project_id: str) -> Self:
        """A project's own, private ones too: it owns them as a whole."""
        return self.filter(project=project_id)

    def restorable(self) -> Self:
        """Ended but restorable: not deleted for good, and not a file that was never claimed."""
        return self.filter(ended_at__lte=Now(), deleted_at=None).exclude(UNCLAIMED)

    def claimable(self) -> Self:
        """Announced files that nobody has claimed yet, and what is current."""
        return self.filter(UNCLAIMED, deleted_at=None) | self.current()

    def are_all_of(self, project_id: str) -> bool:
        """Whether these are of this project, and none of another."""
        # The ends of an index.
        projects = self.aggregate(first=Min("project"), last=Max("project"))
        return set(projects.values()) == {project_id}

    def visible_from(self, project_id: str) -> Self:
        """Current images of a project, and the public ones of every other."""
        return self.current().filter(open_to_project(project_id))

    def with_uuid(self, text: str) -> Self:
        """The one with this uuid; text that is none has no image."""
        try:
            return self.filter(uuid=uuid.UUID(text))
        except ValueError:
            return self.none()

    def uploaded(self) -> Self:
        """Those whose file is really in the store."""
        return self.exclude(uploaded_at=None)

    def include_ended(self, user: User | AnonymousUser | None) -> Self:
        """What `visible_to` shows, and what has ended, but not for good: one's own, staff's all."""
        if not isinstance(user, User):
            return self.visible_to(user)
        ended = self.restorable()
        if user.is_superuser:
            return self.visible_to(user) | ended
        own = Q(created_by=user)
        if user.is_staff:
            own |= Q(project=user.project_id)
        return self.visible_to(user) | ended.filter(own)

    def editable_by(self, user: User | AnonymousUser | None, *, members: bool = False) -> Self:
        """Those that a user may edit once they see them: their own; a project's to its staff and
        editors, and with `members` to all who belong to it; all to superusers."""
        if not isinstance(user, User):
            return self.none()
        if user.is_superuser:
            return self
        own = Q(created_by=user)
        if members or user.is_staff or user.groups.filter(name=settings.EDITOR_GROUP).exists():
            return self.filter(own | Q(project=user.project_id))
        return self.filter(own)

    def changeable_by(self, user: User | AnonymousUser | None) -> Self:
        """Those that a user is shown and may change through /v1 and by bulk changes.

        Under `open` everybody changes everything. Otherwise whoever made it does, the staff and
        editors of its project, and as TAGGEDIMAGES_PROJECT_EDITS says its members.
        """
        shown = self.visible_to(user)
        if settings.ANONYMOUS == "open":
            return shown
        return shown.editable_by(user, members=settings.PROJECT_EDITS == "members")

    def newest_first(self) -> Self:
        """By creation time, ties broken by id, so that pages never overlap."""
        return self.order_by("-created_at", "-id")

    def older_than(self, image: "Image") -> Self:
        """Those that come after an image in `newest_first`."""
        # The first condition is where the walk of an index begins.
        return self.filter(
            Q(created_at__lt=image.created_at) | Q(pk__lt=image.pk),
            created_at__lte=image.created_at,
        )
