"""Who calls: projects, users and their credentials."""

from typing import Any

from django.apps import AppConfig
from django.apps import apps as current_apps
from django.conf import settings
from django.db.models.signals import post_migrate


class IdentityConfig(AppConfig):
    name = "taggedimages.identity"
    label = "identity"

    def ready(self) -> None:
        post_migrate.connect(create_default_project, sender=self)


def create_default_project(using: str, apps: Any = current_apps, **kwargs: Any) -> None:
    """Make the project of everybody who names none, so that the first user can be made.

    After each migrate, because the setting that names it may change; and after each flush.
    """
    try:
        projects = apps.get_model("identity", "Project").objects.using(using)
    except LookupError:
        return  # migrated to a time before there were projects
    projects.get_or_create(id=settings.DEFAULT_PROJECT)
