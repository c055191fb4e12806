"""Who makes a change, and through which door: what every change of the corpus is signed with."""

from dataclasses import dataclass

from taggedimages.identity.models import ANONYMOUS_NAME, User, default_project_id

__all__ = ["ADMIN", "ANONYMOUS_NAME", "Author"]

# Doors whose clients reconcile the names that they read with those that they wrote: in another name
# than theirs, an alias's target, they would see a difference each time, and write it again.
EXACT_DOORS = frozenset({"atmosphere", "sharinpix", "ims"})
# The door of staff, who have to do with their project as a whole and with nothing else there.
ADMIN = "admin"


@dataclass(frozen=True)
class Author:
    """The user behind a change (None: anonymous) and the door it came through.

    `through` is one word, such as "v1", "admin" or "command:demo". An operator runs commands of the
    service, and may do with tags what staff may.
    """

    user: User | None
    through: str
    is_operator: bool = False

    @property
    def name(self) -> str:
        """The user's name, or `anonymous`."""
        return self.user.username if self.user else ANONYMOUS_NAME

    @property
    def writes_exact_names(self) -> bool:
        """Whether a name is the tag that has it, even where that is an alias of another."""
        return self.through in EXACT_DOORS

    @property
    def staff_project(self) -> str | None:
        """The project that the author has to do with in the admin, as its staff; None elsewhere,
        and of superusers, who have all."""
        if self.through != ADMIN or self.user is None or self.user.is_superuser:
            return None
        return self.project_id

    @property
    def project_id(self) -> str:
        """Where this author's images belong; anonymous ones belong to the default project, which
        is made when it gets its first image."""
        return str(self.user.project_id) if self.user else default_project_id()
