"""The list of changes in the admin: newest first, bounded, and of one's project alone."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from taggedimages.changes.models import Change
from taggedimages.changes.tests.corpora import make_change, refs
from taggedimages.factories import make_image, make_user
from taggedimages.identity.models import User

pytestmark = pytest.mark.django_db
LIST = reverse("admin:changes_change_changelist")


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("boss"))
    return client


def staff(name: str, project: str, *permissions: str) -> Client:
    """A member of the staff of a project with these permissions."""
    user = make_user(name, project_id=project, staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def listed(client: Client, **asked: Any) -> list[int]:
    return [change.pk for change in client.get(LIST, asked).context["cl"].result_list]


def page_of(change: Change) -> str:
    return reverse("admin:changes_change_change", args=[change.pk])


def test_changes_are_listed_newest_first_in_words(boss: Client) -> None:
    image = make_image("knee")
    first = make_change({"add": refs("left")}, [image])
    second = make_change({"remove": refs("knee")}, [image], query={"any_tags": ["knee"]})
    assert listed(boss) == [second.pk, first.pk]
    text = boss.get(LIST).content.decode()
    assert "Take away “knee” — with the tag “knee”" in text
    assert page_of(first) in text
    page = boss.get(page_of(second))
    assert page.status_code == 200
    assert "with the tag “knee”" in page.content.decode()


def test_staff_see_the_changes_of_their_project_that_it_proposed() -> None:
    ada, boss = make_user("ada", project_id="lab"), User.objects.create_superuser("boss")
    boss.project = ada.project
    boss.save()
    omar = make_user("omar", project_id="far")
    own, far = (make_change({"add": refs("x")}, [make_image()], by=by) for by in (ada, omar))
    above = make_change({"add": refs("x")}, [make_image()], by=boss)
    command = make_change({"add": refs("x")}, [make_image()], project=ada.project)
    mira = staff("mira", "lab", "view_image")
    assert listed(mira) == [own.pk]
    found = [mira.get(page_of(one)).status_code for one in (own, far, above, command)]
    assert found == [200, 404, 404, 404]


def test_who_may_see_neither_changes_nor_images_sees_no_changes() -> None:
    own = make_change({"add": refs("x")}, [make_image()], by=make_user("ada", project_id="lab"))
    omar = staff("omar", "lab", "view_tag")
    assert omar.get(LIST).status_code == 403
    assert omar.get(page_of(own)).status_code == 404
