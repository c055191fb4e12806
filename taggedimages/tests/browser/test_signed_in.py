"""What the fixtures of the admin's pages notice, and that pages may show the store's pictures."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission

from images import storage
from taggedimages.factories import make_png, make_user
from taggedimages.identity.models import User
from taggedimages.serving.tests.conftest import Front

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SHOW = """src => new Promise(done => {
    const image = document.createElement("img");
    image.alt = "";
    image.onload = () => done(image.naturalWidth);
    image.onerror = () => done(0);
    image.src = src;
    document.body.append(image);
})"""


@pytest.fixture
def boss() -> User:
    """Staff with every permission."""
    user = make_user("boss", project_id="lab", staff=True)
    user.user_permissions.set(Permission.objects.all())
    return user


@pytest.fixture
def picture(settings: Any, environment: dict[str, str]) -> str:
    """The address of a picture as the service signs it."""
    settings.S3_ENDPOINT_URL = environment["AWS_ENDPOINT_URL_S3"]
    storage.put("o/shown.png", make_png(48, 32))
    return storage.presign_get("o/shown.png", "image/png", "inline")


def test_a_page_of_the_admin_shows_pictures_of_the_store(
    signed_in: Callable[..., Any], boss: User, picture: str
) -> None:
    page = signed_in(boss)
    page.goto("/admin/")
    assert page.evaluate(SHOW, picture) == 48
    assert page.title().startswith("Site administration")
    assert page.locator("#says").get_attribute("role") == "status"


def test_no_other_page_does(
    signed_in: Callable[..., Any], boss: User, picture: str, faults: list[str]
) -> None:
    page = signed_in(boss)
    page.goto("/docs")
    assert page.evaluate(SHOW, picture) == 0
    assert len(faults) == 1
    assert "Content Security Policy" in faults.pop()


def test_what_goes_wrong_is_noticed(
    service: Front, signed_in: Callable[..., Any], boss: User, faults: list[str]
) -> None:
    page = signed_in(boss)
    page.goto("/admin/")
    wrongs = {
        "document.body.append(Object.assign(document.createElement('script'), {text: 'a = 1'}))": (
            "Content Security Policy"
        ),
        "setTimeout(() => nowhere())": "nowhere is not defined",
        "console.error('a word of its own')": "a word of its own",
        "fetch('/static/nowhere.js').then(answer => answer.text())": "404 for",
    }
    for wrong, told in wrongs.items():
        page.evaluate(wrong)
        page.wait_for_timeout(100)
        assert any(told in fault for fault in faults), wrong
        faults.clear()


def test_axe_tells_what_is_serious(
    signed_in: Callable[..., Any], boss: User, axe: Callable[[Any], None]
) -> None:
    page = signed_in(boss)
    page.goto("/admin/")
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<button></button>')")
    with pytest.raises(AssertionError, match="button-name"):
        axe(page)
