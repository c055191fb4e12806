"""Who makes a change, and through which door: what every change of the corpus is signed with."""

from dataclasses import dataclass

from django.db import connection

from taggedimages.identity.models import Project, User, default_project_id
from taggedimages.postgresql.prepared import execute_prepared

ANONYMOUS = "anonymous"


@dataclass(frozen=True)
class Author:
    """The user behind a change (None: anonymous) and the door it came through.

    `through` is one word, such as "v1", "admin" or "command:demo".
    """

    user: User | None
    through: str

    @property
    def name(self) -> str:
        """The user's name, or `anonymous`."""
        return self.user.username if self.user else ANONYMOUS

    @property
    def project_id(self) -> str:
        """Where this author's images belong; anonymous ones belong to the default project."""
        return str(self.user.project_id) if self.user else default_project_id()

    def ensured_project_id(self) -> str:
        """`project_id` of a project that is there: that of anonymous authors is made at need."""
        if not self.user and not _is_there(self.project_id):
            Project.objects.get_or_create(id=self.project_id)
        return self.project_id


def _is_there(project_id: str) -> bool:
    with connection.cursor() as cursor:
        execute_prepared(cursor, "SELECT 1 FROM identity_project WHERE id = %s", [project_id])
        return cursor.fetchone() is not None
