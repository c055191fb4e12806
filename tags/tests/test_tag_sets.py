"""Tags on the keys 1 to 9: users have their own, edit them in a form, and see them as buttons."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.template import Context, Template
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from taggedimages.factories import make_user
from taggedimages.identity.models import User
from tags import tag_sets
from tags.tag_sets import TagSet

pytestmark = pytest.mark.django_db

SETS = "/admin/tags/tag/sets/"


@pytest.fixture
def boss() -> User:
    return User.objects.create_superuser("boss")


@pytest.fixture
def staff(client: Client, boss: User) -> Client:
    client.force_login(boss)
    return client


def shown_to(user: User) -> str:
    request: Any = RequestFactory().get("/admin/images/image/?q=a&view=grid")
    request.user = user
    return Template("{% load tag_sets %}{% tag_sets %}").render(Context({"request": request}))


def test_what_is_saved_is_all_that_there_is(staff: Client, boss: User) -> None:
    tag_sets.write(boss, {9: ["gone"]})
    answer = staff.post(SETS, {"set-1": 'knee, "a, b"\nleft', "set-3": " ", "next": "/admin/?x"})
    assert (answer.status_code, answer["Location"]) == (302, "/admin/?x")
    assert tag_sets.of(boss) == {1: ["knee", "a, b", "left"]}
    assert "knee, &quot;a, b&quot;, left</textarea>" in staff.get(SETS).content.decode()


def test_what_can_be_no_name_is_told_beside_its_key_and_nothing_is_saved(
    staff: Client, boss: User
) -> None:
    tag_sets.write(boss, {1: ["knee"]})
    many = ",".join(f"t{n}" for n in range(tag_sets.MOST_NAMES + 1))
    answer = staff.post(SETS, {"set-1": "hip", "set-2": '"open', "set-3": many, "set-4": "\x07"})
    assert answer.status_code == 200
    page = answer.content.decode()
    assert page.count('class="errorlist"') == 3
    assert "A name that begins with &quot; ends with one" in page
    assert tag_sets.of(boss) == {1: ["knee"]}


def test_it_goes_back_to_pages_of_ours_alone(staff: Client) -> None:
    answer = staff.post(SETS, {"next": "https://elsewhere/"})
    assert answer["Location"] == "/admin/images/image/"


def test_sets_are_ones_own(staff: Client, boss: User) -> None:
    other = make_user("ada")
    tag_sets.write(other, {1: ["theirs"]})
    staff.post(SETS, {"set-1": "mine"})
    assert (tag_sets.of(boss), tag_sets.of(other)) == ({1: ["mine"]}, {1: ["theirs"]})
    assert "theirs" not in shown_to(boss)
    other.delete()
    assert TagSet.objects.count() == 1


def test_who_may_not_tag_has_none(client: Client) -> None:
    ada = make_user("ada", staff=True)
    tag_sets.write(ada, {1: ["of-before"]})
    page = shown_to(ada)
    assert "show-keys" in page
    assert "of-before" not in page
    assert SETS not in page
    client.force_login(ada)
    assert client.get(SETS).status_code == 403
    client.logout()
    assert client.get(SETS).status_code == 302


def test_a_number_has_one_set_and_a_key(boss: User) -> None:
    tag_sets.write(boss, {1: ["knee"]})
    for number in (0, 1, 10):
        with pytest.raises(IntegrityError), transaction.atomic():
            TagSet.objects.create(user=boss, number=number, names=["x"])


def test_they_are_buttons_that_lead_back_to_where_they_are_shown(boss: User) -> None:
    tag_sets.write(boss, {2: ['<b>"', "a, b"]})
    with CaptureQueriesContext(
        connection,
    ) as asked:
        page = shown_to(boss)
    assert len(asked) == 1
    assert 'data-number="2" data-names="&lt;b&gt;&quot;, &quot;a, b&quot;"' in page
    assert (
        'formaction="/admin/images/image/retag/?next=/admin/images/image/%3Fq%3Da%26view%3Dgrid"'
        in page
    )
    assert 'form="images"' in page
