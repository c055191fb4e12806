"""An organisation, and clients of it with tokens of each kind."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

from images.models import Image
from taggedimages.dialects.sharinpix import tokens
from taggedimages.factories import make_credentials
from taggedimages.identity import sessions
from taggedimages.identity.credentials import CredentialSet
from taggedimages.identity.models import User
from tags.models import ImageTag

READER = {"see": True, "image_list": True}
EDITOR = READER | dict.fromkeys(
    (
        "image_tag",
        "image_upload",
        "image_delete",
        "image_caption",
        "image_rotate",
        "image_crop",
        "trash",
    ),
    True,
)


def client_of(token: str) -> APIClient:
    """A client that sends a token as the seed does, and JSON unless told otherwise."""
    client = APIClient(raise_request_exception=False, HTTP_AUTHORIZATION=f'Token token="{token}"')
    client.default_format = "json"
    return client


def link_of(image: Image) -> ImageTag:
    """The only link of an image."""
    return ImageTag.objects.get(image=image)


def ids(answer: Any) -> list[str]:
    """The ids of the rows of a list."""
    assert answer.status_code == 200, answer.headers
    return [row["id"] for row in answer.json()]


def names(answer: Any) -> list[str]:
    """The names of the tags of a list."""
    assert answer.status_code == 200, answer.headers
    return [tag["name"] for tag in answer.json()]


def assert_refused(answer: Any) -> None:
    """Nobody was let in (contract SharinPix, errors)."""
    assert answer.status_code == 401
    assert answer.content == b""
    assert answer["Content-Type"] == "text/html"
    assert answer["X-message"] == "Access denied"
    assert "X-token" not in answer


@pytest.fixture
def org(db: None) -> CredentialSet:
    """Credentials of a user of the organisation."""
    return make_credentials("ada", project_id="org")


@pytest.fixture
def ada(org: CredentialSet) -> User:
    """Whose secret signs for the organisation."""
    return User.objects.get(pk=org.user_id)


@pytest.fixture
def sign(org: CredentialSet) -> Callable[..., str]:
    """Signs claims with the organisation's secret."""

    def make(**claims: Any) -> str:
        return tokens.sign({"iss": org.secret_id} | claims, org.secret)

    return make


@pytest.fixture
def client_with(sign: Callable[..., str]) -> Callable[..., APIClient]:
    """Makes clients with these claims."""

    def make(**claims: Any) -> APIClient:
        return client_of(sign(**claims))

    return make


@pytest.fixture
def admin(client_with: Callable[..., APIClient]) -> APIClient:
    """All rights in the organisation."""
    return client_with(admin=True)


@pytest.fixture
def in_album(client_with: Callable[..., APIClient]) -> Callable[..., APIClient]:
    """Makes clients with rights in one album."""

    def make(album: str, access: dict[str, Any], tags: Any = None, **general: Any) -> APIClient:
        abilities = {album: {"Access": access, "Tags": tags or {}}, "tags": general}
        return client_with(abilities=abilities)

    return make


@pytest.fixture
def session(ada: User) -> APIClient:
    """A session of the user."""
    return client_of(sessions.issue(ada))


@pytest.fixture
def seed() -> Any:
    """The body of the published sample, as far as its keys go."""
    return json.loads((Path(__file__).parent / "tag_images.json").read_text())
