"""The list of changes in the admin: newest first, bounded, and of one's project alone."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from taggedimages.changes.models import Change, Kind, State
from taggedimages.changes.tests.corpora import make_change, refs
from taggedimages.factories import make_image, make_user
from taggedimages.identity.models import User

pytestmark = pytest.mark.django_db
LIST = reverse("admin:changes_change_changelist")


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


def test_the_list_is_filtered_by_state_kind_and_author(boss: Client) -> None:
    ada, omar = make_user("ada"), make_user("omar")
    image = make_image("knee")
    first = make_change({"add": refs("x")}, [image], by=ada, state=State.APPLIED)
    second = make_change({"add": refs("x")}, [image], by=omar, kind=Kind.IMPORT)
    assert listed(boss, state__exact="applied") == [first.pk]
    assert listed(boss, kind__exact="import") == [second.pk]
    assert listed(boss, by="ada") == [first.pk]
    assert listed(boss, by="nobody") == []
    assert boss.get(LIST, {"by": "\x00"}).status_code == 302
    page = boss.get(LIST).content.decode()
    assert 'href="?by=ada"' in page
    assert 'href="?by=boss"' in page


def test_authors_of_other_projects_are_not_offered() -> None:
    make_change({"add": refs("x")}, [make_image()], by=make_user("omar", project_id="far"))
    mira = staff("mira", "lab", "view_image")
    page = mira.get(LIST).content.decode()
    assert 'href="?by=mira"' in page
    assert "omar" not in page
    assert mira.get(LIST, {"by": "omar"}).context["cl"].result_count == 0


def test_a_list_of_many_changes_takes_few_statements(
    boss: Client, django_assert_max_num_queries: Any
) -> None:
    image = make_image("knee")
    for number in range(60):
        change = make_change({"add": refs("x")}, [image], by=make_user(f"user-{number}"))
        make_change({}, [image], kind=Kind.UNDO, of=change)
    with django_assert_max_num_queries(12):
        page = boss.get(LIST)
    assert len(page.context["cl"].result_list) == 50
    assert "Take back change" in page.content.decode()


def test_how_far_a_change_is_stands_in_the_list(boss: Client) -> None:
    images = [make_image() for _ in range(3)]
    make_change({"add": refs("x")}, images, done=1)
    assert "Applying, 33 %" in boss.get(LIST).content.decode()
