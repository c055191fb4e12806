"""From one image to the next of the search that one came from, and back to its list."""

from datetime import timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from images.admin.grid import PAGE
from images.admin.lists import LIST_PAGE
from images.models import Image
from search.index.building import rebuild
from taggedimages.factories import TESTS, make_image, make_user
from taggedimages.identity.models import User
from tags import tagging

pytestmark = pytest.mark.django_db
NOW = timezone.now()
KNEE = "exact_tags=knee"


@pytest.fixture
def found(who: User) -> list[Image]:
    """The images that KNEE finds, newest first, among others."""
    made = [
        make_image(
            "knee",
            by=who,
            size=number % 3,
            filename=f"{number}.png",
            created_at=NOW - timedelta(minutes=number),
        )
        for number in range(5)
    ]
    make_image("hand", by=who, created_at=NOW - timedelta(seconds=90))
    make_image("knee", by=make_user(project_id="far"), created_at=NOW - timedelta(seconds=90))
    return made


def step(client: Client, image: Image, to: str, at: Any = None, text: str = KNEE) -> str:
    """Where a step leads."""
    asked = {"from": text, "to": to} | ({} if at is None else {"at": at})
    url = reverse("admin:images_image_step", args=[image.pk], query=asked)
    answer = client.get(url)
    assert answer.status_code == 302
    return str(answer["Location"])


def page(image: Image, at: int | None, text: str = KNEE) -> str:
    asked = {"from": text} | ({} if at is None else {"at": at})
    return reverse("admin:images_image_change", args=[image.pk], query=asked)


def messages(client: Client, url: str) -> list[str]:
    return [str(said) for said in client.get(url).context["messages"]]


def test_a_search_is_walked_to_its_end_and_back(staff, found):
    rebuild()
    here = page(found[0], 0)
    for number, image in enumerate(found[1:], 1):
        [link] = [one for one in links(staff, here) if "to=next" in one]
        here = str(staff.get(link)["Location"])
        assert here == page(image, number)
    for number, image in reversed(list(enumerate(found[:-1]))):
        [link] = [one for one in links(staff, here) if "to=previous" in one]
        here = str(staff.get(link)["Location"])
        assert here == page(image, number)
    assert not [one for one in links(staff, here) if "to=previous" in one]
    assert messages(staff, here) == []


def links(client: Client, url: str) -> list[str]:
    shown = client.get(url).context["steps"]
    return [shown.previous, shown.next, shown.back]


@pytest.mark.parametrize("order", ["oldest", "largest", "smallest", "filename", "uploaded"])
def test_each_order_is_walked(staff, who, found, order):
    text = f"{KNEE}&order={order}"
    listed = staff.get(reverse("admin:images_image_changelist"), {"q": text, "view": "grid"})
    ids = [cell.id for cell, _ in listed.context["cells"]]
    images = {image.pk: image for image in found}
    for number, (one, other) in enumerate(pairwise(ids)):
        forth = step(staff, images[one], "next", number, text)
        back = step(staff, images[other], "previous", number + 1, text)
        assert forth == page(images[other], number + 1, text)
        assert back == page(images[one], number, text)
        assert step(staff, images[one], "next", None, text) == page(images[other], None, text)


def test_at_an_end_it_is_said_and_one_stays(staff, found):
    there = step(staff, found[-1], "next", 4)
    assert there == page(found[-1], 4)
    assert messages(staff, there) == ["This is the last image of the search."]
    there = step(staff, found[0], "previous")
    assert there == page(found[0], None)
    assert messages(staff, there) == ["This is the first image of the search."]


def test_what_is_tagged_away_loses_no_image(staff, found):
    tagging.untag_named(found[1], {"knee": None}, TESTS)
    there = step(staff, found[1], "next", 1)
    assert there == page(found[2], 1)
    assert messages(staff, there) == ["The search does not find 1.png there any more."]
    assert step(staff, found[1], "previous", 1) == page(found[0], 0)


def test_what_came_before_it_is_told(staff, who, found):
    for _ in range(3):
        make_image("knee", by=who, created_at=NOW)
    there = step(staff, found[1], "next", 1)
    assert there == page(found[2], 5)
    assert messages(staff, there) == ["The search has changed: 1.png is number 5 of it by now."]


def test_where_the_image_is_far_from_its_number_its_neighbours_are_found_all_the_same(staff, found):
    for at in (400, 10**8):
        assert step(staff, found[1], "next", at) == page(found[2], None)
        assert step(staff, found[1], "previous", at) == page(found[0], None)


def test_images_of_another_project_are_no_neighbours(staff, found):
    far = Image.objects.get(project="far")
    url = reverse("admin:images_image_step", args=[far.pk], query={"from": KNEE})
    assert staff.get(url).status_code == 404


def test_words_and_no_search_at_all_are_walked_too(staff, found):
    assert step(staff, found[0], "next", 0, "1.png png") == page(found[1], 0, "1.png png")
    assert Image.objects.of_project("lab").count() == 6
    assert step(staff, found[3], "next", 4, "") == page(found[4], 5, "")


@pytest.mark.parametrize(("view", "size"), [("grid", PAGE), ("list", LIST_PAGE)])
def test_one_comes_back_to_the_page_that_the_image_is_on(staff, who, view, size):
    for number in range(size + 3):
        make_image("knee", by=who, created_at=NOW - timedelta(minutes=number))
    listed = reverse("admin:images_image_changelist")
    staff.get(listed, {"view": view})
    image = Image.objects.newest_first()[size + 1]
    there = step(staff, image, "back", size + 1)
    assert dict(parse_qsl(urlsplit(there).query))["q"] == KNEE
    context = staff.get(there).context
    shown = (
        [cell.id for cell, _ in context["cells"]]
        if view == "grid"
        else [one.pk for one in context["cl"].result_list]
    )
    assert image.pk in shown
    assert len(shown) == 3
    assert step(staff, image, "back", 3) == f"{listed}?q=exact_tags%3Dknee"
    assert step(staff, image, "back", None, "") == listed


ODD = ("%00", "%ED%A0%80", "9" * 30, "-1", "x=y", "exact_tags=%ED", "order=x", "\u0663")


@pytest.mark.parametrize("odd", ODD)
def test_no_odd_search_or_place_is_answered_5xx(staff, found, odd):
    staff.raise_request_exception = False
    url = reverse("admin:images_image_step", args=[found[0].pk])
    for asked in (f"from={odd}", f"at={odd}", f"to={odd}", f"from={odd}&at={odd}&to=back"):
        answer = staff.get(f"{url}?{asked}")
        assert answer.status_code == 302, asked
        assert staff.get(answer["Location"]).status_code in (200, 302), asked


@pytest.mark.parametrize("at", [0, 2, 4])
def test_a_step_takes_twelve_statements_at_most(staff, found, at):
    rebuild()
    for to in ("next", "previous", "back"):
        with CaptureQueriesContext(connection) as captured:
            step(staff, found[2], to, at, f"{KNEE}|knee&not_tags=hand")
        assert len(captured) <= 12
