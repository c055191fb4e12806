"""Whom an image is shown to, as one number: what `ImageQuerySet.visible_to` says, for indexes.

The database works the number out (`images_audience`, migration 0002) and keeps it on every link:
EVERYBODY, the id of the user whose private image it is, NOBODY'S where only staff may see it, and
null for an image with an end, which each request judges by `VISIBLE`. A test holds all this
against `visible_to`.
"""

from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser

from images.querysets import CLOCK_TOLERANCE
from taggedimages.identity.models import User
from taggedimages.postgresql.fragments import Fragment, bigint, bigints, compose
from taggedimages.postgresql.prepared import number

EVERYBODY, NOBODYS = 0, -1
# The latest creation time that is shown (ImageQuerySet.current).
LATEST = f"statement_timestamp() + interval '{CLOCK_TOLERANCE.total_seconds():.0f} s'"


@dataclass(frozen=True)
class Viewer:
    """Somebody who looks; `audiences` are those that they belong to, None for staff: all.

    A `project` is shown its own images, and all of them.
    """

    audiences: tuple[int, ...] | None
    project: str | None = None

    @classmethod
    def of(cls, user: User | AnonymousUser | None) -> "Viewer":
        """A caller as a viewer."""
        if not isinstance(user, User):
            return cls((EVERYBODY,))
        return cls(None if user.is_staff else (EVERYBODY, user.pk))

    @property
    def visible(self) -> str:
        """SQL: whether the image `i` is shown to the viewer, whatever its state.

        A project's own is a parameter named `project`.
        """
        ended = "(i.ended_at IS NULL OR i.ended_at > statement_timestamp())"
        current = f"{ended} AND i.created_at <= {LATEST}"
        if self.project is not None:
            return f"{current} AND i.project_id = %(project)s"
        if self.audiences is None:
            return current
        owners = self.audiences[1:]
        own = f" OR i.created_by_id = {number(owners[0])}" if owners else ""
        return f"{current} AND (NOT i.private{own})"

    def image_predicate(self) -> Fragment:
        values = {} if self.project is None else {"project": self.project}
        return Fragment(self.visible, values, frozenset({"i"}))

    def link_predicate(self, link: str = "l") -> Fragment:
        needs = frozenset({link})
        column = f"{link}.audience"
        if self.project is not None:
            owner = f"SELECT u.project_id FROM images_image u WHERE u.id = {link}.image_id"
            return Fragment(
                f"{column} IS NOT NULL AND ({owner}) = %(project)s",
                {"project": self.project},
                needs,
            )
        if self.audiences is None:
            return Fragment(f"{column} IS NOT NULL", needs=needs)
        if len(self.audiences) == 1:
            return Fragment(f"{column} = {number(self.audiences[0])}", needs=needs)
        return Fragment(f"{column} = ANY({bigints(self.audiences).text})", needs=needs)

    def indexed_image_predicates(self) -> list[Fragment]:
        """Who sees an image `i` without an end, cut into parts that each have an index in the
        order newest first; no image is in two."""
        needs = frozenset({"i"})
        if self.project is not None:
            return [Fragment("i.project_id = %(project)s", {"project": self.project}, needs)]
        if self.audiences is None:
            return [Fragment("(i.ended_at IS NULL) = true", needs=needs)]
        own = "i.private AND i.created_by_id = {owner}"
        owned = [compose(own, needs=["i"], owner=bigint(owner)) for owner in self.audiences[1:]]
        return [Fragment("NOT i.private", needs=needs), *owned]
