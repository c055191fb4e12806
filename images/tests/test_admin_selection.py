"""The images that are selected in the admin: kept over pages, searches and going back."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from images.admin import selection
from images.models import Image
from taggedimages.factories import make_image, make_user
from taggedimages.identity.models import User

pytestmark = pytest.mark.django_db
IMAGES = "/admin/images/image/"
SELECTION = IMAGES + "selection/"


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("boss"))
    return client


def selected(client: Client) -> list[int]:
    answer = client.get(SELECTION).json()
    assert answer["count"] == len(answer["ids"])
    return list(answer["ids"])


def ticked(page: Any) -> list[int]:
    boxes = [one for one in page.content.decode().split("<input") if "_selected_action" in one]
    return [int(one.split('value="')[1].split('"')[0]) for one in boxes if " checked" in one]


def test_images_are_selected_and_taken_out_one_by_one(staff):
    images = [make_image().pk for _ in range(3)]
    assert staff.post(SELECTION, {"add": images[:2]}).json() == {"count": 2, "ids": images[:2]}
    answer = staff.post(SELECTION, {"add": images[2], "remove": images[0]})
    assert answer.json() == {"count": 2, "ids": images[1:]}
    assert selected(staff) == images[1:]
    asked = staff.get(SELECTION, {"id": [images[0], images[2]]}).json()
    assert asked == {"count": 2, "ids": [images[2]]}
    assert staff.post(SELECTION, {"clear": "1"}).json() == {"count": 0, "ids": []}
    assert selected(staff) == []


@pytest.mark.parametrize("view", ["grid", "list"])
def test_what_is_selected_is_ticked_on_every_page_that_has_it(staff, view):
    images = [make_image("knee" if n else "hand").pk for n in range(3)]
    staff.post(SELECTION, {"add": images[:2]})
    assert ticked(staff.get(IMAGES, {"view": view})) == images[1::-1]
    page = staff.get(IMAGES, {"view": view, "q": "exact_tags=knee"})
    assert ticked(page) == [images[1]]
    assert ">2 selected<" in page.content.decode()


def test_without_scripts_a_button_keeps_what_is_ticked(staff):
    images = [make_image().pk for _ in range(4)]
    staff.post(SELECTION, {"add": [images[0], images[3]]})
    # The page has the first three: one of them is ticked, one no more.
    page = {"on_page": ",".join(map(str, images[:3])), "_selected_action": [images[1]], "keep": "1"}
    there = f"{IMAGES}?view=grid&q=exact_tags%3Dknee"
    answer = staff.post(there, page)
    assert (answer.status_code, answer["Location"]) == (302, there)
    assert selected(staff) == [images[3], images[1]]
    staff.post(there, {"clear": "1"})
    assert selected(staff) == []


def test_what_is_selected_is_shown_by_itself(staff):
    images = [make_image().pk for _ in range(3)]
    staff.post(SELECTION, {"add": images[:2]})
    page = staff.get(IMAGES, {"selected": "1"})
    assert [cell.id for cell, _ in page.context["cells"]] == images[1::-1]
    assert "all 2 found" not in page.content.decode()
    assert "have ended" not in page.content.decode()
    Image.objects.filter(pk=images[0]).update(ended_at=timezone.now())
    assert "1 more have ended or are gone" in staff.get(IMAGES, {"selected": "1"}).content.decode()


def test_a_selection_has_an_end(staff, monkeypatch):
    monkeypatch.setattr(selection, "SELECTED_MAX", 2)
    images = [make_image().pk for _ in range(3)]
    assert staff.post(SELECTION, {"add": images[:2]}).status_code == 200
    answer = staff.post(SELECTION, {"add": images[2]})
    assert (answer.status_code, answer.json()["count"]) == (409, 2)
    assert "At most" in answer.json()["says"]
    page = staff.post(IMAGES, {"keep": "1", "_selected_action": images})
    assert "At most" in page.content.decode()
    assert selected(staff) == images[:2]


@pytest.mark.parametrize("odd", ["x", "-1", "0", "9" * 30, "1.5", "\0", "²", "1e3", "", " 7 "])
def test_what_is_no_id_of_an_image_is_not_selected(staff, odd):
    for sent in ({"add": odd}, {"remove": odd}, {"add": [odd, "999999"]}):
        assert staff.post(SELECTION, sent).json() == {"count": 0, "ids": []}
    assert staff.get(SELECTION, {"id": odd}).json()["ids"] == []
    assert staff.put(SELECTION).status_code == 405


def test_only_images_of_ones_project_are_selected(client):
    lab = make_user("mira", project_id="lab", staff=True)
    lab.user_permissions.set(Permission.objects.filter(codename__endswith="_image"))
    client.force_login(lab)
    own, far = make_image(by=lab).pk, make_image(by=make_user("omar", project_id="far")).pk
    assert client.post(SELECTION, {"add": [own, far]}).json()["ids"] == [own]
    client.post(IMAGES, {"keep": "1", "_selected_action": [own, far]})
    assert selected(client) == [own]


def test_a_selection_costs_no_statement_a_row(staff, django_assert_max_num_queries):
    images = [make_image().pk for _ in range(100)]
    with django_assert_max_num_queries(6):
        staff.post(SELECTION, {"add": images})


def test_a_selection_is_posted_with_a_token_of_the_page():
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("boss"))
    assert client.post(SELECTION, {"add": make_image().pk}).status_code == 403
