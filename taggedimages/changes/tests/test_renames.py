"""A rename is a change, whoever makes it in whichever way."""

import io
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from rest_framework.test import APIClient

from taggedimages.changes.models import Change, Kind, State
from taggedimages.dialects.sharinpix import tokens
from taggedimages.factories import make_credentials, make_tag, make_user
from taggedimages.identity.authors import Author
from taggedimages.identity.models import User
from tags import curation, history
from tags.models import Tag, VocabularyChange

pytestmark = pytest.mark.django_db


def renamed(tag: Tag, name: str, by: Author, **signature: Any) -> None:
    with history.signed(by, **signature):
        curation.rename(tag, name, by)


def sql(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def test_it_tells_tag_names_author_and_project_and_is_applied():
    mira, tag = make_user("mira"), make_tag("nkee")
    renamed(tag, "knee", Author(mira, "v1"))
    change = Change.objects.get()
    line = VocabularyChange.objects.get(kind="renamed")
    assert (change.kind, change.state, change.images) == (Kind.RENAME, State.APPLIED, 0)
    assert change.operation == {
        "rename": {"id": tag.pk, "from": "nkee", "to": "knee", "keep_old": False}
    }
    assert (change.author, change.author_name, change.through) == (mira, "mira", "v1")
    assert (change.project_id, change.is_operator) == (mira.project_id, False)
    assert {change.created_at, change.applied_at, change.updated_at} == {line.at}
    assert line.bulk == change.pk


def test_of_nobody_it_is_of_the_default_project(settings):
    renamed(make_tag("nkee"), "knee", Author(None, "v1"))
    change = Change.objects.get()
    assert (change.author, change.author_name) == (None, "anonymous")
    assert change.project_id == settings.DEFAULT_PROJECT


def test_of_a_command_it_is_an_operators():
    renamed(make_tag("nkee"), "knee", Author(None, "command:tagnames", is_operator=True))
    assert Change.objects.get().is_operator


def test_plain_sql_is_recorded_too():
    for name in ("nkee", "hnad"):
        make_tag(name)
    # This test is one transaction, which has been told an author.
    for setting in ("user_name", "through"):
        sql("SELECT set_config(%s, '', true)", f"taggedimages.{setting}")
    sql("UPDATE tags_tag SET name = name || '!', folded = folded || '!'")
    assert [(change.author_name, change.through) for change in Change.objects.all()] == [
        ("", "sql")
    ] * 2
    assert {change.operation["rename"]["to"] for change in Change.objects.all()} == {
        "nkee!",
        "hnad!",
    }


def test_whatever_else_is_written_of_a_tag_is_no_change_of_this_kind():
    mira, tag = make_user("mira"), make_tag("knee")
    renamed(tag, "knee", Author(mira, "v1"))
    curation.describe(tag, None, {"label_en": "Knee"}, Author(mira, "v1"))
    curation.delete(tag, Author(mira, "v1"))
    assert not Change.objects.exists()


def test_a_part_of_another_change_is_none_of_its_own():
    tag = make_tag("nkee")
    renamed(tag, "knee", Author(None, "v1"))
    first = Change.objects.get()
    renamed(tag, "nkee", Author(None, "v1"), bulk=first.pk)
    assert Change.objects.get() == first
    assert [line.bulk for line in VocabularyChange.objects.filter(kind="renamed")] == [first.pk] * 2


def test_a_rename_that_is_refused_leaves_nothing():
    make_tag("knee")
    with pytest.raises(curation.TagNameTaken), transaction.atomic():
        renamed(make_tag("nkee"), "knee", Author(None, "v1"))
    assert not Change.objects.exists()


def test_a_user_who_is_gone_leaves_the_name():
    mira = make_user("mira")
    renamed(make_tag("nkee"), "knee", Author(mira, "v1"))
    mira.delete()
    change = Change.objects.get()
    assert (change.author, change.author_name) == (None, "mira")


# --- Every door ----------------------------------------------------------------------------------


def by_v1(tag: Tag) -> Any:
    token = make_credentials("mira").token
    return asked(f"Bearer {token}").put(f"/v1/tags/{tag.pk}", {"name": "knee"})


def by_atmosphere(tag: Tag) -> Any:
    token = make_credentials("mira", staff=True).token
    return asked(f"TOKEN {token}").patch(f"/api/v2/tags/{tag.pk}", {"name": "knee"})


def by_sharinpix(tag: Tag) -> Any:
    mira = make_credentials("mira")
    token = tokens.sign({"iss": mira.secret_id, "admin": True}, mira.secret)
    return asked(f'Token token="{token}"').put(f"/api/v1/tags/{tag.uuid}", {"name": "knee"})


def by_admin(tag: Tag) -> Any:
    client = Client()
    client.force_login(User.objects.create_superuser("mira"))
    fields = ("name", "description", "label_en", "label_fr", "color")
    form = {field: getattr(tag, field) for field in fields} | {"name": "knee"}
    answer = client.post(f"/admin/tags/tag/{tag.pk}/change/", form)
    # A page is a form that was refused.
    return answer if answer.status_code == 302 else None


def asked(authorization: str) -> APIClient:
    client = APIClient(HTTP_AUTHORIZATION=authorization)
    client.default_format = "json"
    return client


@pytest.mark.parametrize(
    ("door", "through"),
    [
        (by_v1, "v1"),
        (by_atmosphere, "atmosphere"),
        (by_sharinpix, "sharinpix"),
        (by_admin, "admin"),
    ],
)
def test_each_door_makes_one_of_its_author(door, through):
    assert door(make_tag("nkee")).status_code in (200, 302)
    change = Change.objects.get()
    assert change.operation["rename"]["to"] == "knee"
    assert (change.author_name, str(change.author), change.through) == ("mira", "mira", through)
    assert not change.is_operator


def test_names_that_a_command_mends_are_an_operators():
    tag = make_tag("knee")
    sql("UPDATE tags_tag SET name = %s WHERE id = %s", "knee\u0301", tag.pk)
    call_command("tagnames", mend=True, stdout=io.StringIO())
    change = Change.objects.latest("pk")
    assert (change.operation["rename"]["to"], change.through) == ("kne\u00e9", "command:tagnames")
    assert change.is_operator
