"""One user with a client of each API, and somebody else of the same project."""

from typing import Any

import pytest

from images.models import Image
from taggedimages.dialects.tests.doors import DOORS, Door
from taggedimages.factories import make_credentials, make_image
from taggedimages.identity.credentials import CredentialSet
from taggedimages.identity.models import User


@pytest.fixture(autouse=True)
def _database(db: None) -> None:
    """Every test here needs it."""


@pytest.fixture
def ada() -> CredentialSet:
    """A member of the staff, who may do everything in every API."""
    return make_credentials("ada", project_id="lab", staff=True)


@pytest.fixture
def owner(ada: CredentialSet) -> User:
    """Ada herself."""
    return User.objects.get(pk=ada.user_id)


@pytest.fixture
def doors(ada: CredentialSet) -> dict[type[Door], Any]:
    """Ada's clients."""
    return {door: door(ada) for door in DOORS}


@pytest.fixture
def bobs() -> dict[type[Door], Any]:
    """The clients of Bob, of the same project and staff, too."""
    bob = make_credentials("bob", project_id="lab", staff=True)
    return {door: door(bob) for door in DOORS}


@pytest.fixture
def image(owner: User) -> Image:
    """An image of Ada's without tags."""
    return make_image(by=owner, filename="knee.png")
