"""Fixtures that every app's tests share; pytest.ini loads it."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from hypothesis import settings
from rest_framework.test import APIClient

from taggedimages.factories import make_user
from taggedimages.identity.credentials import CredentialSet
from taggedimages.identity.models import User

# Examples talk to real engines; how long they take is no property of the code.
settings.register_profile("engines", deadline=None)
settings.load_profile("engines")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Lets the clean-up after transactional tests truncate the ledger; nothing else may."""
    options = connection.settings_dict["OPTIONS"]
    options["options"] = f"{options.get('options', '')} -c taggedimages.may_truncate=on"


@pytest.fixture
def api() -> APIClient:
    """An anonymous client that sends JSON and gets answers, not exceptions."""
    client = APIClient(raise_request_exception=False)
    client.default_format = "json"
    return client


@pytest.fixture
def api_as() -> Callable[[CredentialSet], APIClient]:
    """Makes clients of /v1 with somebody's Bearer token."""

    def make(credentials: CredentialSet) -> APIClient:
        client = APIClient(
            raise_request_exception=False, HTTP_AUTHORIZATION=f"Bearer {credentials.token}"
        )
        client.default_format = "json"
        return client

    return make


@pytest.fixture
def boss(client: Client) -> Client:
    """A superuser in the admin."""
    client.force_login(User.objects.create_superuser("boss"))
    return client


@pytest.fixture
def who() -> User:
    """Staff of the project `lab` with every permission that there is."""
    user = make_user("mira", project_id="lab", staff=True)
    user.user_permissions.set(Permission.objects.all())
    return user


@pytest.fixture
def staff(client: Client, who: User) -> Client:
    """The same in the admin."""
    client.force_login(who)
    return client
