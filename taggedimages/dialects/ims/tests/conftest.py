"""Callers of IMS, by token, and an image of theirs."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from images.models import Image
from taggedimages.factories import make_credentials, make_image
from taggedimages.identity.credentials import CredentialSet
from taggedimages.identity.models import User


@pytest.fixture(autouse=True)
def _database(db: None) -> None:
    """Every test here needs it."""


@pytest.fixture
def ada() -> CredentialSet:
    """A user of the project `lab`."""
    return make_credentials("ada", project_id="lab")


@pytest.fixture
def eve() -> CredentialSet:
    """A user of another project."""
    return make_credentials("eve", project_id="other")


@pytest.fixture
def ims_as() -> Callable[[CredentialSet], APIClient]:
    """Makes clients with somebody's X-Auth-Token."""

    def make(credentials: CredentialSet) -> APIClient:
        client = APIClient(raise_request_exception=False, HTTP_X_AUTH_TOKEN=credentials.token)
        client.default_format = "json"
        return client

    return make


@pytest.fixture
def ims(ims_as: Any, ada: CredentialSet) -> APIClient:
    """A client of ada's."""
    client: APIClient = ims_as(ada)
    return client


@pytest.fixture
def owner(ada: CredentialSet) -> User:
    """Ada herself."""
    return User.objects.get(pk=ada.user_id)


@pytest.fixture
def image(owner: User) -> Image:
    """An image of ada's project without tags."""
    return make_image(by=owner)
