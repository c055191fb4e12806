"""Fixtures that every app's tests share; pytest.ini loads it."""

from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client, TransactionTestCase
from hypothesis import settings
from rest_framework.test import APIClient

from taggedimages.factories import make_user
from taggedimages.identity.apps import create_default_project
from taggedimages.identity.credentials import CredentialSet
from taggedimages.identity.models import User
from taggedimages.transactions import retried

# Examples talk to real engines; how long they take is no property of the code.
settings.register_profile("engines", deadline=None)
settings.load_profile("engines")

# What `migrate` writes at its end, besides the default project, and no test changes.
KEPT = {"django_content_type", "auth_permission"}
# No trigger, no order of references; sequences go on. What takes more pages than these is truncated
# after all, for its rows would leave their room behind.
EMPTY_TABLES = """
DO $$
DECLARE
    tables text[] := %(tables)s;
    name text;
BEGIN
    EXECUTE 'LOCK TABLE ' || (SELECT string_agg(quote_ident(t), ', ') FROM unnest(tables) t)
        || ' IN ACCESS EXCLUSIVE MODE';
    IF (SELECT sum(pg_relation_size(quote_ident(t)::regclass)) FROM unnest(tables) t) > 4000000 THEN
        EXECUTE 'TRUNCATE ' || (SELECT string_agg(quote_ident(t), ', ') FROM unnest(tables) t);
        RETURN;
    END IF;
    SET LOCAL session_replication_role = replica;
    FOREACH name IN ARRAY tables LOOP
        IF pg_relation_size(quote_ident(name)::regclass) > 0 THEN
            EXECUTE 'DELETE FROM ' || quote_ident(name);
        END IF;
    END LOOP;
END $$
"""


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Lets the clean-up after transactional tests truncate the ledger; nothing else may."""
    options = connection.settings_dict["OPTIONS"]
    options["options"] = f"{options.get('options', '')} -c taggedimages.may_truncate=on"


@pytest.fixture(scope="session", autouse=True)
def tables_are_emptied_quickly() -> Iterator[None]:
    """After a test whose transactions were committed; Django would truncate every table, which
    makes each of them and of their indexes anew, and write content types and permissions again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda test: empty_tables())
        yield


@retried
def empty_tables() -> None:
    """Leave no row but those that `migrate` writes at its end, whatever refers to whatever.

    Where a service is left running, what it is at is waited for; what meets it is tried again.
    """
    known = connection.introspection.django_table_names(only_existing=True, include_views=False)
    with connection.cursor() as cursor:
        cursor.execute(EMPTY_TABLES, {"tables": [name for name in known if name not in KEPT]})
    create_default_project(connection.alias)


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
