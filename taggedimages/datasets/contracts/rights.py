"""Who sees a contract, edits it and searches by it: there is no difference.

A contract is its project's: of the members of that, and of superusers. One that was made without a
login is everybody's, as long as such callers may write.
"""

from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet

from images.visibility import Viewer
from search.query.conditions import Unknown
from taggedimages.datasets.contracts.models import Contract
from taggedimages.identity.authors import ANONYMOUS_NAME
from taggedimages.identity.models import User, default_project_id

# Between the name of a project and that of a contract of it; neither has one.
OF = "/"


@dataclass(frozen=True)
class Asker:
    """Who asks: a member of a project, or None; `sees_all`, as superusers and operators do."""

    project: str | None
    sees_all: bool = False

    @classmethod
    def of_user(cls, user: User | AnonymousUser | None) -> "Asker":
        """A caller."""
        if not isinstance(user, User):
            return cls(None)
        return cls(str(user.project_id), user.is_superuser)

    @classmethod
    def of_viewer(cls, viewer: Viewer) -> "Asker":
        """Whoever looks at images."""
        return cls(viewer.project or viewer.member_of, viewer.sees_all)

    @property
    def own_project(self) -> str:
        """Whose contracts are meant where no project is named."""
        return self.project or default_project_id()


def visible_to(asker: Asker) -> QuerySet[Contract]:
    """The contracts that are there and that somebody sees."""
    present = Contract.objects.filter(deleted_at=None)
    if asker.sees_all:
        return present
    everybodys = Q(author=None, author_name=ANONYMOUS_NAME)
    shown = Q(project=asker.project) if asker.project is not None else Q(pk__in=[])
    return present.filter(shown | everybodys if settings.ANONYMOUS == "open" else shown)


def named(name: str, asker: Asker) -> Contract | None:
    """The contract of a name, or of a project and a name such as `knees/laterality`; of several of
    one name that of the asker's own project, else the oldest. One statement."""
    project, _, alone = name.rpartition(OF)
    shown = visible_to(asker).filter(name=alone, **({"project": project} if project else {}))
    found = list(shown.order_by("id"))
    own = [contract for contract in found if contract.project_id == asker.own_project]
    return next(iter(own or found), None)


def number(name: str, viewer: Viewer) -> int:
    """The id of the contract that is meant by the condition `failing`. Raises Unknown."""
    contract = named(name, Asker.of_viewer(viewer))
    if contract is None:
        raise Unknown(f"failing: There is no contract {name!r}.")
    return contract.pk
