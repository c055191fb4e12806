"""Who is shown which image: one rule, and every form in which it is asked.

An image is shown while it is current (created, and not ended at this moment): a *public* one to
everybody, one of its *project* to the members of that, a *private* one to the user who made it. The
staff of a project are shown all images of it, superusers all that there are. A project, where one
looks as such, is shown all of its own images and no others. The forms:

1. conditions of querysets: `CURRENT` and `Viewer.image_q` of images, which `ImageQuerySet` puts
   together, and `Viewer.unended_link_q` of links, for `ImageTagQuerySet`;
2. SQL on a record: `Viewer.image_predicate`;
3. SQL on a link: `Viewer.link_predicate`, and `Viewer.current_link_predicate`, which asks the time;
4. numbers: `Viewer.audiences`, from which the terms of the tag index are made;
5. `images_audience`, a function of the database (migration images/0009) that gives a record its
   number. Triggers (docs/triggers.md) keep it on each link, and the index takes it into bitmaps.

An *audience*, such a number, says all but the time; each image has one at most. It is EVERYBODY, or
made of the number of the project: `audience_of_members`, or `audience_of_creator` for a private
image. It is null for an image that has an end, even one that lies ahead, because an end is judged
at the moment of each request. `tests/test_visibility.py` holds all forms against the rule, for
every kind of viewer and every state of an image.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from taggedimages.identity.models import Project, User
from taggedimages.postgresql.fragments import Fragment, bigint, bigints, compose, join
from taggedimages.postgresql.prepared import execute_prepared
from taggedimages.postgresql.routing import read_connection


class Visibility(models.IntegerChoices):
    """Who is shown an image, in the words of the settings and of /v1."""

    PUBLIC = 0, "public"
    PROJECT = 1, "project"
    PRIVATE = 2, "private"


# The audience of a public image, as `images_audience` has it.
EVERYBODY = 0
# An audience of a project is its number times this, and who of it.
OF_PROJECT = 2**32
# In the place of a user's id: a private image that nobody made.
NOBODY = OF_PROJECT - 1

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
PUBLIC_SQL, OF_MEMBERS_SQL, PRIVATE_SQL = (f"i.visibility = {step}" for step in Visibility)

# Whose private images without an end a project has: the next creator is looked for in the index.
CREATORS_OF_PRIVATE = """
WITH RECURSIVE creators AS (
    (SELECT created_by_id AS creator FROM images_image
     WHERE project_id = %(project)s AND visibility = 2 AND ended_at IS NULL
     ORDER BY created_by_id LIMIT 1)
    UNION ALL
    SELECT (SELECT created_by_id FROM images_image
            WHERE project_id = %(project)s AND visibility = 2 AND ended_at IS NULL
              AND created_by_id > creator
            ORDER BY created_by_id LIMIT 1)
    FROM creators WHERE creator IS NOT NULL
)
SELECT creator FROM creators WHERE creator IS NOT NULL
"""

LINK_OF_PROJECT = """{link}.audience IS NOT NULL
AND (SELECT u.project_id FROM images_image u WHERE u.id = {link}.image_id) = %(project)s"""

CURRENT_LINK = """({unended} AND {link}.image_created_at <= {latest}
 OR {link}.audience IS NULL AND {link}.image_id IN (
    SELECT i.id FROM images_image i WHERE i.ended_at > statement_timestamp() AND {image}))"""


@dataclass(frozen=True)
class Viewer:
    """Somebody who looks: a caller, or a project as such.

    `audiences` are those that the viewer belongs to, EVERYBODY first, or None: all of them, as for
    superusers. A `project`, given by its id and with `audiences=None`, is shown its own images
    alone; an `owner` is then who looks for it. A caller who is known is the `owner` of private
    images, by the user's id, and a member, or with `is_staff` of the staff, of the project
    `member_of`.
    """

    audiences: tuple[int, ...] | None
    project: str | None = None
    owner: int | None = None
    member_of: str | None = None
    is_staff: bool = False

    @classmethod
    def of(cls, user: User | AnonymousUser | None, *, for_project: bool = False) -> "Viewer":
        """A caller as a viewer; None and AnonymousUser are shown what everybody is.

        With `for_project`, a user who speaks for the whole project is shown what its staff is, and
        no more. Takes a query of staff who are no superusers.
        """
        if not isinstance(user, User):
            return cls((EVERYBODY,))
        if user.is_superuser and not for_project:
            return cls(None)
        number, project = user.project_number, str(user.project_id)
        audiences = [
            EVERYBODY,
            audience_of_members(number),
            *(audience_of_creator(one, user.pk) for one in (number, *user.other_projects)),
        ]
        is_staff = user.is_staff or for_project
        if is_staff:
            audiences += _audiences_of_private(number, project)
        return cls(
            tuple(dict.fromkeys(audiences)),
            owner=user.pk,
            member_of=project,
            is_staff=is_staff,
        )

    @classmethod
    def of_members(cls, project: Project) -> "Viewer":
        """What every member of a project is shown, whoever it is."""
        audiences = (EVERYBODY, audience_of_members(project.number))
        return cls(audiences, owner=NOBODY, member_of=project.pk)

    @property
    def sees_all(self) -> bool:
        """Whether there is nothing that the viewer is not shown, as of superusers."""
        return self.audiences is None and self.project is None

    def image_q(self) -> Q:
        """Whether an image is for the viewer, current or not: condition of an ImageQuerySet."""
        if self.project is not None:
            return Q(project=self.project)
        if self.audiences is None:
            return Q()
        shown = Q(visibility=Visibility.PUBLIC)
        if self.owner is None:
            return shown
        of_project = Q(project=self.member_of)
        if not self.is_staff:
            of_project &= Q(visibility=Visibility.PROJECT)
        return shown | of_project | Q(visibility=Visibility.PRIVATE, created_by=self.owner)

    def image_predicate(self) -> Fragment:
        """SQL, a conjunction: whether the record `i` is current and shown to the viewer.

        Needs the alias `i`; carries the parameter `project` where the viewer is one, or of one.
        """
        current = Fragment(CURRENT_SQL, needs=frozenset({"i"}))
        shown = self._shown_predicates()
        if not shown:
            return current
        return compose("{current} AND ({shown})", current=current, shown=join(" OR ", shown))

    def indexed_image_predicates(self) -> list[Fragment]:
        """SQL: who is shown the record `i` without an end, cut into parts of which each has an
        index in the order newest first; no image is in two. Need `i`."""
        return self._shown_predicates() or [
            Fragment("(i.ended_at IS NULL) = true", needs=frozenset({"i"}))
        ]

    def _shown_predicates(self) -> list[Fragment]:
        """What the viewer is shown in parts that exclude each other; none where that is all."""
        needs = frozenset({"i"})
        if self.project is not None:
            return [Fragment("i.project_id = %(project)s", {"project": self.project}, needs)]
        if self.audiences is None:
            return []
        public = Fragment(PUBLIC_SQL, needs=needs)
        if self.owner is None:
            return [public]
        own = compose(
            f"{PRIVATE_SQL} AND i.created_by_id = {{owner}}", needs=needs, owner=bigint(self.owner)
        )
        project = {"project": self.member_of}
        of_members = Fragment(f"{OF_MEMBERS_SQL} AND i.project_id = %(project)s", project, needs)
        if not self.is_staff:
            return [public, of_members, own]
        elsewhere = compose("{own} AND i.project_id <> %(project)s", own=own, parameters=project)
        private = Fragment(f"{PRIVATE_SQL} AND i.project_id = %(project)s", project, needs)
        return [public, of_members, private, elsewhere]

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
    return Q(project=project_id) | Q(visibility=Visibility.PUBLIC)


def default_visibility() -> Visibility:
    """Who is shown what comes in through an API that has no say in it itself.

    As TAGGEDIMAGES_VISIBILITY says; where it says nothing, everybody if strangers may read.
    """
    if settings.VISIBILITY:
        return Visibility[settings.VISIBILITY.upper()]
    return Visibility.PROJECT if settings.ANONYMOUS == "none" else Visibility.PUBLIC


def audience_of_members(number: int) -> int:
    """The audience of images that the members of a project, by its number, are shown."""
    return number * OF_PROJECT


def audience_of_creator(number: int, user_id: int) -> int:
    """The audience of the private images that a user has in a project, by its number."""
    return number * OF_PROJECT + user_id


def _audiences_of_private(number: int, project_id: str) -> Iterable[int]:
    """The audiences of all private images of a project, those of nobody too. One query."""
    with read_connection().cursor() as cursor:
        execute_prepared(cursor, CREATORS_OF_PRIVATE, {"project": project_id})
        creators = [creator for (creator,) in cursor.fetchall()]
    return [audience_of_creator(number, creator) for creator in (*creators, NOBODY)]
