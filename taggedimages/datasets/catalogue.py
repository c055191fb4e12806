"""Data sets are made here."""

import secrets
from typing import Any

from django.db import IntegrityError, transaction

from taggedimages.datasets.models import Dataset
from taggedimages.datasets.refusals import NameTaken
from taggedimages.identity.authors import Author
from taggedimages.identity.models import Project

SALT_BYTES = 32


def create(
    name: str,
    by: Author,
    *,
    description: str = "",
    license: str = "",
    group: dict[str, Any] | None = None,
) -> Dataset:
    """A data set of the author's project. Raises NameTaken, whoever has the name."""
    try:
        with transaction.atomic():
            return Dataset.objects.create(
                name=name,
                description=description,
                license=license,
                group=group,
                salt=secrets.token_bytes(SALT_BYTES),
                project=Project.objects.get_or_create(pk=by.project_id)[0],
                author=by.user,
                author_name=by.name,
            )
    except IntegrityError as error:
        if not Dataset.objects.filter(name=name).exists():
            raise
        raise NameTaken(f"There is a data set {name!r} already.") from error
