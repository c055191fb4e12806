"""Clients of Atmosphere, with and without a login."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from taggedimages.factories import make_credentials
from taggedimages.identity.models import User

Login = Callable[..., tuple[APIClient, User]]


@pytest.fixture(autouse=True)
def _readers_need_no_login(settings: Any) -> None:
    settings.ANONYMOUS = "read-only"


@pytest.fixture
def login() -> Login:
    """Makes a user, and the client that speaks for them."""

    def make(name: str = "", **options: Any) -> tuple[APIClient, User]:
        credentials = make_credentials(name, **options)
        header = f"TOKEN {credentials.token}"
        client = APIClient(raise_request_exception=False, HTTP_AUTHORIZATION=header)
        client.default_format = "json"
        return client, User.objects.get(pk=credentials.user_id)

    return make
