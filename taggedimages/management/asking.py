"""What commands are given as words: conditions of a search, and names of users."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError
from rest_framework.exceptions import ValidationError

from images.visibility import Viewer
from search.query.conditions import Unknown
from search.results import TooFarBack, TooManyNames
from search.v1.parameters import Asked, text_query
from taggedimages.http.errors import flattened
from taggedimages.identity.models import User


@contextmanager
def refused_in_a_line() -> Iterator[None]:
    """What a search refuses becomes a CommandError."""
    try:
        yield
    except (Unknown, TooFarBack, TooManyNames) as error:
        raise CommandError(str(error)) from error


def asked_by(conditions: str) -> Asked:
    """What parameters as in a URL ask for. Raises CommandError."""
    try:
        return text_query(conditions)
    except ValidationError as error:
        raise CommandError("; ".join(flattened(error.detail))) from error


def user_named(name: str) -> User:
    """The user of a name. Raises CommandError."""
    user = User.objects.filter(username=name).first()
    if user is None:
        raise CommandError(f"There is no user {name}.")
    return user


def viewer_named(name: str | None) -> Viewer:
    """Who sees what a user sees; without a name, all that is current. Raises CommandError."""
    return Viewer(audiences=None) if name is None else Viewer.of(user_named(name))
