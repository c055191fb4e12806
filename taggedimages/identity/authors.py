"""Who makes a change, and through which door: what every change of the corpus is signed with."""

from dataclasses import dataclass

from taggedimages.identity.models import Project, User, default_project_id

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
        return self.user.project.pk if self.user else default_project_id()

    def project(self) -> Project:
        """The author's project, made at first need."""
        if self.user:
            return self.user.project
        return Project.objects.get_or_create(id=self.project_id)[0]
