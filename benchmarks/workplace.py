"""Measures the pages of the curator's workplace: how long each takes through HTTP, how many
statements, and when the grid can be used in a real Chromium.

As a superuser made for it, who is gone at the end with their session. Statements are counted in
this process, which runs the service's own code on the same database.
"""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from typing import Any
from urllib.parse import quote

import requests
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from benchmarks.stamp import Say
from benchmarks.timing import measured
from images.models import Image
from search.models import TermStats
from taggedimages.changes.models import Change
from taggedimages.identity.models import User
from taggedimages.tests.browser.conftest import found_chromium, launched, signed_in_to
from tags.models import Tag

GRID = "/admin/images/image/?view=grid"
LIST = "/admin/images/image/?view=list"
CALLS, BROWSER_CALLS = 20, 5
# The script of the keys has run, which gives one of the boxes a place in the order of Tab; pictures
# may still come.
USABLE = "#grid .cell input[tabindex='0']"


class Failed(Exception):
    """A page was not shown; the text says how it was answered."""


def measure(base: str, seconds: float, say: Say) -> dict[str, Any]:
    """Each page's times and statements, and when the grid is usable, all in milliseconds."""
    with curator() as user:
        client = Client(headers={"host": "127.0.0.1"})
        client.force_login(user)
        session = requests.Session()
        name = settings.SESSION_COOKIE_NAME
        session.cookies.set(name, client.cookies[name].value)
        found = {}
        for page, path in pages(client).items():
            say(f"{page}: {path}")
            taken = times(session, base + path, seconds)
            found[page] = {"statements": statements(client, path), "times": taken}
        return {"pages": found, "usable": usable(base, user)}


def statements(client: Client, path: str) -> int:
    """How many statements a page takes once it was shown before. Raises Failed."""
    shown(client, path)
    with CaptureQueriesContext(connection) as asked:
        shown(client, path)
    return len(asked)


def shown(client: Client, path: str) -> str:
    """A page. Raises Failed."""
    # As under HTTPS, which settings without a service take for granted.
    answer: Any = client.get(path, secure=True)
    if answer.status_code != 200:
        raise Failed(f"{path} was answered {answer.status_code}.")
    return str(answer.content.decode())


def times(session: requests.Session, url: str, seconds: float) -> dict[str, float]:
    """How long the service takes for a page, through HTTP. Raises Failed."""

    def check(url: str, answer: requests.Response) -> None:
        if answer.status_code != 200:
            raise Failed(f"{url} was answered {answer.status_code}.")

    return measured(session.get, [url] * CALLS, check, seconds).as_dict()


def usable(base: str, user: User) -> dict[str, float] | None:
    """How long it takes in Chromium until keys do something in the grid; None without Chromium."""
    chromium = found_chromium()
    if chromium is None:
        return None

    def open_grid(page: Any) -> Any:
        page.goto(GRID, wait_until="commit")
        page.locator(USABLE).wait_for(state="attached")
        return page

    with launched(chromium) as browser:
        page = signed_in_to(browser, base, user).new_page()
        opened = measured(open_grid, [page] * BROWSER_CALLS, lambda *_: None, 60)
        return opened.as_dict()


def pages(client: Client) -> dict[str, str]:
    """The address of each page, by what it shows."""
    # What a change that was measured and killed has left is on the oldest images alone.
    left = Tag.objects.filter(name__startswith="bench ").values("pk")
    used = TermStats.objects.filter(term__gt=0).exclude(term__in=left).order_by("-link_count")
    common, rare = (
        Tag.objects.get(pk=stats.term)
        for stats in (used.first(), used.filter(link_count__lte=100).first())
        if stats
    )
    tagged, rarely = (quote(f"exact_tags={tag.name}") for tag in (common, rare))
    image = Image.objects.filter(ended_at=None, uploaded_at__isnull=False).latest("created_at")
    found = {
        "home": "/admin/",
        "grid": GRID,
        "grid, page 2": next_page(client, GRID),
        "grid of a common tag": f"{GRID}&q={tagged}",
        "grid of a rare tag": f"{GRID}&q={rarely}",
        "grid, by a part of the filename": f"{GRID}&q={image.filename[:6]}",
        "tags of what was found": f"/admin/images/image/facets/?q={tagged}",
        "list": LIST,
        "list of a common tag": f"{LIST}&q={tagged}",
        "one image": f"/admin/images/image/{image.pk}/change/",
        "one image, of a search": f"/admin/images/image/{image.pk}/change/?from=&at=0",
        "tags": "/admin/tags/tag/",
        "tags by use": "/admin/tags/tag/?o=-5",
        "tags by a part of the name": f"/admin/tags/tag/?q={quote(common.name[:2])}",
        "a common tag": f"/admin/tags/tag/{common.pk}/change/",
        "tags that go with a common one": f"/admin/tags/tag/{common.pk}/together/",
        "suggestions": f"/admin/tags/tag/suggest/?q={quote(common.name[:1])}",
        "clean-up list": "/admin/tags/finding/",
        "changes": "/admin/changes/change/",
        "ledger": "/admin/tags/tagchange/",
    }
    if change := Change.objects.exclude(plan=None).order_by("-images").first():
        found["a change"] = f"/admin/changes/change/{change.pk}/change/"
    return found


def next_page(client: Client, path: str) -> str:
    """The address of the page after one. Raises Failed."""
    following = re.search(r'href="([^"]*[?&;]after=[^"]*)"', shown(client, path))
    if following is None:
        raise Failed(f"{path} names no page after it.")
    address = unescape(following[1])
    return address if address.startswith("/") else f"/admin/images/image/{address}"


@contextmanager
def curator() -> Iterator[User]:
    """A superuser for a while."""
    name = f"benchmark-{secrets.token_hex(4)}"
    user = User.objects.create_superuser(name, password=secrets.token_hex(16))
    try:
        yield user
    finally:
        user.delete()
