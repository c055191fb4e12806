"""Wrong passwords: ten within a minute, by account and by address, whichever door they come to."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import MD5PasswordHasher
from django.db import connection
from django.db.models import F, Func, Value
from django.test import Client
from rest_framework.test import APIClient

from taggedimages.factories import make_user
from taggedimages.identity import hashing
from taggedimages.identity.models import Attempts, User
from taggedimages.identity.rate_limits import RateExceeded

pytestmark = pytest.mark.django_db
TOKENS, LOGIN, CHANGE = "/v3/auth/tokens", "/admin/login/", "/admin/password_change/"
HERE, THERE = "192.0.2.1", "198.51.100.1"


class CountedHasher(MD5PasswordHasher):
    """A quick hash that tells how often it was computed."""

    computed = 0

    def encode(self, password: str, salt: str) -> str:
        CountedHasher.computed += 1
        return super().encode(password, salt)


@pytest.fixture(autouse=True)
def _counted(settings: Any) -> None:
    settings.PASSWORD_HASHERS = [f"{__name__}.CountedHasher"]
    # So many logins are none of these tests' matter.
    settings.RATE_LOGINS = 0


@pytest.fixture(autouse=True, params=["none", "open"])
def _always(request: Any, settings: Any) -> None:
    settings.ANONYMOUS = request.param


@pytest.fixture
def ada() -> User:
    """A superuser with a password."""
    user = make_user("ada", staff=True)
    user.set_password("right")
    user.is_superuser = True
    user.save()
    CountedHasher.computed = 0
    return user


def keystone(password: str, address: str = HERE, **who: str) -> Any:
    user = (who or {"name": "ada"}) | {"password": password}
    asked = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}}
    client = APIClient(raise_request_exception=False, REMOTE_ADDR=address)
    return client.post(TOKENS, asked, format="json")


def admin(password: str, address: str = HERE, name: str = "ada") -> Any:
    client = Client(raise_request_exception=False, REMOTE_ADDR=address)
    return client.post(LOGIN, {"username": name, "password": password})


def assert_page(answer: Any) -> None:
    assert answer.status_code == 429
    assert answer["Content-Type"].startswith("text/html")
    assert 1 <= int(answer["Retry-After"]) <= 60
    message = f"Too many wrong passwords: try again in {answer['Retry-After']} s."
    assert message in answer.content.decode()


def assert_json(answer: Any) -> None:
    assert answer.status_code == 429
    message = f"Too many wrong passwords: try again in {answer['Retry-After']} s."
    assert answer.json() == {"error": {"code": "IMG.0001", "message": message}}


def a_minute_passes() -> None:
    older = Func(F("at"), Value(timedelta(minutes=1)), template=EARLIER)
    Attempts.objects.update(at=older)


EARLIER = "(SELECT array_agg(t - interval '1 minute' ORDER BY t) FROM unnest(at) t)"


def test_keystone_refuses_after_ten_even_the_right_one(ada: User):
    assert [keystone("wrong").status_code for _ in range(10)] == [401] * 10
    computed = CountedHasher.computed
    for password in ("wrong", "right"):
        assert_json(keystone(password))
        assert_json(keystone(password, THERE))
    assert CountedHasher.computed == computed
    a_minute_passes()
    assert keystone("right").status_code == 201


def test_the_admin_refuses_with_a_page(ada: User):
    assert [admin("wrong").status_code for _ in range(10)] == [200] * 10
    computed = CountedHasher.computed
    for password in ("wrong", "right"):
        assert_page(admin(password))
    assert CountedHasher.computed == computed
    a_minute_passes()
    assert admin("right").status_code == 302


def test_all_doors_count_together(ada: User):
    for _ in range(5):
        assert (keystone("wrong").status_code, admin("wrong").status_code) == (401, 200)
    assert_page(admin("right", THERE))
    assert_json(keystone("right", THERE, id=str(ada.pk)))


def test_an_address_may_not_try_account_after_account(ada: User):
    for number in range(10):
        assert keystone("wrong", name=f"user{number}").status_code == 401
    assert_json(keystone("right"))
    assert keystone("right", THERE).status_code == 201


def test_other_accounts_from_other_addresses_go_on(ada: User):
    eve = make_user("eve")
    eve.set_password("hers")
    eve.save()
    for _ in range(11):
        refused = keystone("wrong", name="eve")
    assert_json(refused)
    assert keystone("right", THERE).status_code == 201


@pytest.mark.parametrize(
    "who",
    [
        {"name": "nobody"},
        {"id": "999999"},
        {"id": "00000000-0000-4000-8000-000000000000"},
        {"id": "none"},
        {"name": "idle"},
        {"name": "without"},
    ],
)
def test_accounts_that_let_nobody_in_are_treated_as_any(ada: User, who: dict[str, str]):
    make_user("without")
    idle = make_user("idle")
    idle.set_password("right")
    idle.is_active = False
    idle.save()
    for number in range(10):
        computed = CountedHasher.computed
        assert keystone("right", f"192.0.2.{number}", **who).status_code == 401
        assert CountedHasher.computed == computed + 1
    assert_json(keystone("right", THERE, **who))
    assert keystone("right", THERE).status_code == 201
    # Another that there is not either is counted apart, as another that there is would be.
    assert keystone("right", THERE, id="1000000").status_code == 401


def test_right_ones_use_nothing_up(ada: User):
    for _ in range(12):
        assert keystone("right").status_code == 201
    for _ in range(9):
        keystone("wrong")
    assert keystone("right").status_code == 201
    assert keystone("wrong").status_code == 401
    assert_json(keystone("right"))


def test_the_form_for_a_new_password(ada: User, client: Client):
    client.force_login(ada)
    asked = {"new_password1": "Quite-new-1", "new_password2": "Quite-new-1"}
    for _ in range(10):
        assert client.post(CHANGE, asked | {"old_password": "wrong"}).status_code == 200
    assert_page(client.post(CHANGE, asked | {"old_password": "right"}))
    a_minute_passes()
    assert client.post(CHANGE, asked | {"old_password": "right"}).status_code == 302


def test_an_address_is_not_needed(ada: User):
    assert authenticate(username="ada", password="right") == ada
    for _ in range(10):
        assert authenticate(username="ada", password="wrong") is None
    with pytest.raises(RateExceeded):
        authenticate(username="ada", password="right")


def test_where_too_many_are_being_checked_others_are_sent_away(ada: User, monkeypatch: Any):
    monkeypatch.setattr(hashing, "WAIT_SECONDS", 0.01)
    with hashing.turns, hashing.turns:
        busy, page = keystone("right"), admin("right")
    for answer in (busy, page):
        assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert busy.json()["error"]["code"] == "IMG.0061"
    assert "being checked" in page.content.decode()
    assert keystone("right").status_code == 201


def test_how_many_may_be_wrong_is_a_setting(ada: User, settings: Any):
    settings.RATE_WRONG_PASSWORDS = 2
    assert [keystone("wrong").status_code for _ in range(3)] == [401, 401, 429]
    settings.RATE_WRONG_PASSWORDS = 0
    assert keystone("right").status_code == 201


@pytest.mark.django_db(transaction=True)
def test_many_wrong_ones_at_once_are_no_more_than_ten(monkeypatch: Any):
    # Threads that wait for their turn are not to be sent away for that.
    monkeypatch.setattr(hashing, "WAIT_SECONDS", 30)
    user = make_user("ada")
    user.set_password("right")
    user.save()
    CountedHasher.computed = 0

    def wrong(number: int) -> int:
        try:
            return int(keystone("wrong", f"192.0.2.{number}").status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(16) as threads:
        answers = sorted(threads.map(wrong, range(16)))
    assert answers == [401] * 10 + [429] * 6
    assert CountedHasher.computed == 10
