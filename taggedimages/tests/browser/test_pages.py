"""Every page of the admin in Chromium: nothing goes wrong, and axe finds nothing serious, in light
and in dark."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from taggedimages.factories import make_user
from taggedimages.identity.models import User
from taggedimages.tests.admin_pages import addresses, make_log, make_workplace

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

OF_COLOURS = ("color-contrast", "link-in-text-block")


@pytest.fixture
def boss() -> User:
    user = make_user("boss", project_id="lab", staff=True)
    User.objects.filter(pk=user.pk).update(is_superuser=True)
    image = make_workplace(user)
    make_log(user, image)
    return User.objects.get(pk=user.pk)


def test_every_page_is_sound(
    signed_in: Callable[..., Any], boss: User, client: Client, axe: Callable[..., None]
) -> None:
    client.force_login(boss)
    page = signed_in(boss)
    wrong = []
    for address in addresses(client):
        page.goto(address)
        for scheme, rules in {"light": (), "dark": OF_COLOURS}.items():
            page.emulate_media(color_scheme=scheme)
            try:
                axe(page, rules)
            except AssertionError as error:
                wrong.append(f"{scheme}: {error}")
    assert wrong == [], "\n\n".join(wrong)
