"""What the admin limits: logins by address, searches by words; refusals are pages."""

from typing import Any

import pytest
from django.test import Client

from taggedimages.identity.models import User

pytestmark = pytest.mark.django_db
IMAGES, TAGS, LEDGER = "/admin/images/image/", "/admin/tags/tag/", "/admin/tags/tagchange/"


@pytest.fixture(autouse=True)
def _limited(settings: Any) -> None:
    settings.ANONYMOUS = "read-only"
    settings.RATE_SEARCHES = settings.RATE_LOGINS = settings.RATE_ANONYMOUS_WRITES = 2
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("boss", password="right"))
    return client


def assert_page(answer: Any, what: str) -> None:
    assert answer.status_code == 429
    assert answer["Content-Type"].startswith("text/html")
    assert f"Too many {what}: try again in {answer['Retry-After']} s." in answer.content.decode()


@pytest.mark.parametrize(
    ("page", "words"),
    [(IMAGES, "knee"), (IMAGES, "match_tags=kn%"), (IMAGES, "filename=a"), (TAGS, "knee")],
)
def test_words(staff: Client, page: str, words: str):
    assert [staff.get(page, {"q": words}).status_code for _ in range(2)] == [200, 200]
    refused = staff.get(page, {"q": words})
    assert_page(refused, "expensive searches")
    # The page is the admin's, to somebody who is logged in.
    assert "Log out" in refused.content.decode()
    assert staff.get(page).status_code == 200


@pytest.mark.parametrize(
    ("page", "words"), [(IMAGES, ""), (IMAGES, "exact_tags=knee"), (LEDGER, "knee")]
)
def test_lists_and_exact_names_are_not_limited(staff: Client, page: str, words: str):
    for _ in range(4):
        assert staff.get(page, {"q": words}).status_code == 200


@pytest.mark.parametrize("password", ["right", "wrong"])
def test_logins_by_address(staff: Client, password: str):
    def log_in(address: str) -> Any:
        nobody = Client(raise_request_exception=False, REMOTE_ADDR=address)
        return nobody.post("/admin/login/", {"username": "boss", "password": password})

    status = 302 if password == "right" else 200
    assert [log_in("192.0.2.1").status_code for _ in range(2)] == [status] * 2
    assert_page(log_in("192.0.2.1"), "logins")
    assert log_in("192.0.2.2").status_code == status


def test_logins_to_keystone_are_counted_with_the_admins(staff: Client):
    nobody = Client(raise_request_exception=False)
    for _ in range(2):
        nobody.post("/admin/login/", {"username": "boss", "password": "right"})
    refused = nobody.post("/v3/auth/tokens", {}, content_type="application/json")
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "IMG.0001")
    assert int(refused["Retry-After"]) > 50


def test_forms_of_the_admin_are_no_writes_without_a_login(staff: Client):
    nobody = Client(raise_request_exception=False)
    for _ in range(4):
        assert nobody.post(TAGS + "add/", {}).status_code == 302


def test_open_limits_neither(staff: Client, settings: Any):
    settings.ANONYMOUS = "open"
    for _ in range(4):
        assert staff.get(IMAGES, {"q": "knee"}).status_code == 200
        assert staff.post("/admin/login/", {"username": "boss", "password": "right"})
