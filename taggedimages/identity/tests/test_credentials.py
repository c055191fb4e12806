"""`manage.py credentials`: what it prints, what it keeps, what it ends."""

import io
import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from taggedimages.factories import make_user
from taggedimages.identity import credentials
from taggedimages.identity.models import Project, SigningKey, Token, User

pytestmark = pytest.mark.django_db

IMS, SHARINPIX = SigningKey.Kind.IMS, SigningKey.Kind.SHARINPIX
NEW_KEY = "another-secret-key-another-secret-key"


def issue(*arguments: str) -> dict[str, Any]:
    """The object that the command prints, and nothing else."""
    out = io.StringIO()
    call_command("credentials", *arguments, stdout=out)
    printed = json.loads(out.getvalue())
    assert isinstance(printed, dict)
    return printed


def works(issued: dict[str, Any]) -> list[bool]:
    """Whether token, IMS key and SharinPix secret each speak for their user."""
    user = User.objects.get(pk=issued["user_id"])
    return [
        credentials.user_of_token(issued["token"]) == user,
        credentials.signing_secret(IMS, issued["access_key"]) == (user, issued["secret_key"]),
        credentials.signing_secret(SHARINPIX, issued["secret_id"]) == (user, issued["secret"]),
    ]


def test_it_prints_one_json_object_of_these_fields():
    issued = issue("mira")
    user = User.objects.get(username="mira")
    assert list(issued) == [
        "username",
        "user_id",
        "project_id",
        "token",
        "access_key",
        "secret_key",
        "secret_id",
        "secret",
    ]
    assert (issued["username"], issued["user_id"], issued["project_id"]) == (
        "mira",
        user.pk,
        "default",
    )
    secrets = [value for name, value in issued.items() if name not in ("user_id", "project_id")]
    assert all(isinstance(value, str) and value for value in secrets)
    assert UUID(issued["secret_id"])


def test_the_set_works_at_once():
    assert works(issue("mira")) == [True, True, True]


def test_a_missing_project_is_made_and_the_user_belongs_to_it():
    assert issue("mira", "--project", "radiology_2")["project_id"] == "radiology_2"
    assert User.objects.get(username="mira").project == Project.objects.get(id="radiology_2")


def test_a_known_user_stays_in_the_project_unless_another_is_named():
    issue("mira", "--project", "radiology")
    assert issue("mira")["project_id"] == "radiology"
    assert issue("mira", "--project", "surgery")["project_id"] == "surgery"


def test_run_again_it_adds_a_fresh_set_for_the_same_user_and_the_older_works_on():
    first, second = issue("mira"), issue("mira")
    assert first["user_id"] == second["user_id"]
    fresh = ("token", "access_key", "secret_key", "secret_id", "secret")
    assert all(first[name] != second[name] for name in fresh)
    assert works(first) == works(second) == [True, True, True]


def test_revoke_ends_the_older_sets_of_this_user_only():
    first, other = issue("mira"), issue("noor")
    second = issue("mira", "--revoke")
    assert works(first) == [False, False, False]
    assert works(second) == works(other) == [True, True, True]


def test_staff_is_granted_and_never_taken_away_here():
    issue("mira")
    assert not User.objects.get(username="mira").is_staff
    issue("mira", "--staff")
    issue("mira")
    assert User.objects.get(username="mira").is_staff


def test_a_user_made_here_has_no_password():
    issue("mira")
    assert not User.objects.get(username="mira").has_usable_password()


@pytest.mark.parametrize("project", ["a b", "a/b", "", "ä", "x" * 65, "v1\n", "a\0"])
def test_a_project_id_that_no_path_could_carry_is_refused(project):
    with pytest.raises(CommandError) as refused:
        issue("mira", "--project", project)
    assert str(refused.value)
    assert not User.objects.filter(username="mira").exists()


@pytest.mark.parametrize("username", ["", "a b", "x" * 151, "nul\0"])
def test_a_username_that_django_would_not_take_is_refused(username):
    with pytest.raises(CommandError):
        issue(username)
    assert not User.objects.exists()


# --- What is kept --------------------------------------------------------------------------------


def test_nothing_that_is_stored_contains_a_secret():
    issued = issue("mira", "--project", "radiology", "--staff")
    secrets = [issued[name] for name in ("token", "secret_key", "secret")]
    forms = [
        form for secret in secrets for form in (secret, secret.encode().hex(), secret.encode())
    ]
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f"SELECT t::text FROM {connection.ops.quote_name(table)} t")
            stored = "\n".join(row for (row,) in cursor.fetchall())
            assert not [form for form in forms if str(form) in stored]


def test_a_user_may_have_both_signing_keys_but_each_only_for_its_own_door():
    issued = issue("mira")
    assert credentials.signing_secret(SHARINPIX, issued["access_key"]) is None
    assert credentials.signing_secret(IMS, issued["secret_id"]) is None


def test_signing_secrets_outlive_a_rotation_of_the_services_key(settings):
    issued = issue("mira")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = NEW_KEY
    assert works(issued) == [True, True, True]
    assert works(issue("mira")) == [True, True, True]


def test_without_the_old_key_signing_secrets_are_lost_and_tokens_are_not(settings):
    issued = issue("mira")
    settings.SECRET_KEY = NEW_KEY
    assert works(issued) == [True, False, False]


# --- When a credential ends ----------------------------------------------------------------------


def test_a_token_ends_when_it_expires():
    now = timezone.now()
    mira = make_user("mira")
    expired = credentials.issue_token(mira, now - timedelta(seconds=1))
    current = credentials.issue_token(mira, now + timedelta(hours=1))
    assert credentials.user_of_token(expired) is None
    assert credentials.user_of_token(current) == mira


def test_every_credential_of_an_inactive_user_is_dead():
    issued = issue("mira")
    User.objects.update(is_active=False)
    assert works(issued) == [False, False, False]


def test_a_credential_goes_with_its_user():
    issued = issue("mira")
    User.objects.get(username="mira").delete()
    assert credentials.user_of_token(issued["token"]) is None
    assert not Token.objects.exists()
    assert not SigningKey.objects.exists()


@pytest.mark.parametrize("key_id", ["", "unknown", "nul\0", "\ud800"])
def test_an_odd_key_id_is_nobodys(key_id):
    assert credentials.signing_secret(IMS, key_id) is None


@pytest.mark.parametrize(
    "name",
    [
        "anonymous",
        "Anonymous",
        "ANONYMOUS",
        "\uff41\uff4e\uff4fnymous",
        "anonymou\u017f",
        " anonymous",
    ],
)
def test_nobody_is_named_as_those_are_who_have_no_name(client, name):
    with pytest.raises(CommandError):
        issue(name, "--project", "mine")
    with pytest.raises(CommandError):
        call_command("createsuperuser", username=name, email="", interactive=False)
    assert not Project.objects.filter(id="mine").exists()
    client.force_login(User.objects.create_superuser("boss"))
    form = {"username": name, "password1": "two words 1", "password2": "two words 1"}
    answer = client.post("/admin/identity/user/add/", {**form, "usable_password": "true"})
    assert answer.status_code == 200
    assert list(User.objects.values_list("username", flat=True)) == ["boss"]
