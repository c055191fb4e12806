"""Who is shown which image: one rule, and every form in which it is asked.

An image is shown while it is current (created, and not ended at this moment) to everybody if it is
public, to the user who made it, and to staff. A project, where one looks as such, is shown all of
its own images and no others. The forms:

1. conditions of querysets: `CURRENT` and `Viewer.image_q` of images, which `ImageQuerySet` puts
   together, and `Viewer.unended_link_q` of links, for `ImageTagQuerySet`;
2. SQL on a record: `Viewer.image_predicate`;
3. SQL on a link: `Viewer.link_predicate`, and `Viewer.current_link_predicate`, which asks the time;
4. numbers: `Viewer.audiences`, from which the terms of the tag index are made;
5. `images_audience`, a function of the database (migration images/0002) that gives a record its
   number. Triggers (docs/triggers.md) keep it on each link, and the index takes it into bitmaps.

An *audience*, such a number, says all but the time: EVERYBODY, the id of the user whose private
image it is, or STAFF_ONLY. It is null for an image that has an end, even one that lies ahead,
because an end is judged at the moment of each request. `tests/test_visibility.py` holds all forms
against the rule, for every kind of viewer and every state of an image.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q
from django.db.models.functions import Now

from taggedimages.identity.models import User
from taggedimages.postgresql.fragments import Fragment, bigint, bigints, compose

# Audiences that are not the id of a user, as `images_audience` has them.
EVERYBODY, STAFF_ONLY = 0, -1

# Clocks of several web hosts differ a little; a new image is seen at once all the same.
CLOCK_TOLERANCE = timedelta(minutes=1)

# The latest creation time that is shown.
LATEST_CREATED_SQL = f"statement_timestamp() + interval '{CLOCK_TOLERANCE.total_seconds():.0f} s'"

# Created, and not ended at this moment: of a record in a queryset, and of a record `i`.
CURRENT = Q(
    Q(ended_at=None) | Q(ended_at__gt=Now()),
    created_at__lte=Now() + CLOCK_TOLERANCE,
)
CURRENT_SQL = (
    "(i.ended_at IS NULL OR i.ended_at > statement_timestamp())"
    f" AND i.created_at <= {LATEST_CREATED_SQL}"
)

LINK_OF_PROJECT = """{link}.audience IS NOT NULL
AND (SELECT u.project_id FROM images_image u WHERE u.id = {link}.image_id) = %(project)s"""

CURRENT_LINK = """({unended} AND {link}.image_created_at <= {latest}
 OR {link}.audience IS NULL AND {link}.image_id IN (
    SELECT i.id FROM images_image i WHERE i.ended_at > statement_timestamp() AND {image}))"""


@dataclass(frozen=True)
class Viewer:
    """Somebody who looks: a caller, or a project as such.

    `audiences` are those that the viewer belongs to, EVERYBODY first, or None: all of them, as for
    staff. A `project`, given by its id and with `audiences=None`, is shown its own images alone.
    """

    audiences: tuple[int, ...] | None
    project: str | None = None

    @classmethod
    def of(cls, user: User | AnonymousUser | None) -> "Viewer":
        """A caller as a viewer; None and AnonymousUser are shown what everybody is."""
        if not isinstance(user, User):
            return cls((EVERYBODY,))
        return cls(None if user.is_staff else (EVERYBODY, user.pk))

    @property
    def owner(self) -> int | None:
        """The id of the user whose private images are shown beside the public ones."""
        return self.audiences[1] if self.audiences and len(self.audiences) > 1 else None

    def image_q(self) -> Q:
        """Whether an image is for the viewer, current or not: condition of an ImageQuerySet."""
        if self.project is not None:
            return Q(project=self.project)
        if self.audiences is None:
            return Q()
        public = Q(private=False)
        return public if self.owner is None else public | Q(created_by=self.owner)

    def image_predicate(self) -> Fragment:
        """SQL, a conjunction: whether the record `i` is current and shown to the viewer.

        Needs the alias `i`; carries the parameter `project` where the viewer is one.
        """
        needs = frozenset({"i"})
        if self.project is not None:
            own = f"{CURRENT_SQL} AND i.project_id = %(project)s"
            return Fragment(own, {"project": self.project}, needs)
        if self.audiences is None:
            return Fragment(CURRENT_SQL, needs=needs)
        own = "" if self.owner is None else f" OR i.created_by_id = {bigint(self.owner).text}"
        return Fragment(f"{CURRENT_SQL} AND (NOT i.private{own})", needs=needs)

    def indexed_image_predicates(self) -> list[Fragment]:
        """SQL: who is shown the record `i` without an end, cut into parts of which each has an
        index in the order newest first; no image is in two. Need `i`."""
        needs = frozenset({"i"})
        if self.project is not None:
            return [Fragment("i.project_id = %(project)s", {"project": self.project}, needs)]
        if self.audiences is None:
            return [Fragment("(i.ended_at IS NULL) = true", needs=needs)]
        public = [Fragment("NOT i.private", needs=needs)]
        if self.owner is None:
            return public
        own = "i.private AND i.created_by_id = {owner}"
        return [*public, compose(own, needs=needs, owner=bigint(self.owner))]

    def unended_link_q(self) -> Q:
        """Condition of an ImageTagQuerySet that says what `link_predicate` says."""
        if self.project is not None:
            return Q(audience__isnull=False, image__project=self.project)
        if self.audiences is None:
            return Q(audience__isnull=False)
        return Q(audience__in=self.audiences)

    def link_predicate(self, link: str = "l") -> Fragment:
        """SQL, a conjunction: whether a link is of an image without an end for the viewer.

        Needs `link`, the alias of `tags_imagetag`; carries `project` as `image_predicate` does.
        Says nothing of the time: the statement has to bound `image_created_at` by
        LATEST_CREATED_SQL or by less.
        """
        needs = frozenset({link})
        if self.project is not None:
            values = {"project": self.project}
            return compose(LINK_OF_PROJECT, link=Fragment(link), needs=needs, parameters=values)
        if self.audiences is None:
            return Fragment(f"{link}.audience IS NOT NULL", needs=needs)
        if len(self.audiences) == 1:
            return Fragment(f"{link}.audience = {bigint(self.audiences[0]).text}", needs=needs)
        return Fragment(f"{link}.audience = ANY({bigints(self.audiences).text})", needs=needs)

    def current_link_predicate(self, link: str = "l") -> Fragment:
        """SQL, in parentheses: whether a link is of an image that the viewer is shown now.

        The link itself tells where the image has no end; the few others are looked up. Needs the
        alias `link`; carries `project` as `image_predicate` does.
        """
        return compose(
            CURRENT_LINK,
            link=Fragment(link),
            unended=self.link_predicate(link),
            latest=Fragment(LATEST_CREATED_SQL),
            image=self.image_predicate(),
            provides={"i"},
            needs=frozenset({link}),
        )


def open_to_project(project_id: str) -> Q:
    """Whether an image is public or of a project, current or not: what its members may name."""
    return Q(project=project_id) | Q(private=False)
