"""No request makes the admin answer 5xx: odd parameters, ids and forms."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.test import Client
from django.urls import reverse

import taggedimages.urls  # noqa: F401 - with it come the pages of the admin
from taggedimages.factories import make_credentials, make_image
from taggedimages.identity.models import Project, User

pytestmark = pytest.mark.django_db

ODD = (
    "%ED%A0%80",
    "%00",
    "9" * 30,
    "9" * 5_000,
    "x",
    "-1",
    "%C2%B2",
    "_00",
    "a%2Fb",
    "_5F",
    "2020",
)
PARAMETERS = ("q", "p", "o", "e", "_to_field", "project__id__exact", "id__in", "created_at__gte")
PAGES = ("{}/history/", "{}/delete/", "{}/change/", "{}/")


@pytest.fixture
def boss(client: Client) -> Client:
    client.raise_request_exception = False
    client.force_login(User.objects.create_superuser("boss"))
    make_image("knee")
    make_credentials("ada")
    return client


def lists() -> list[str]:
    return [url_of(model, "changelist") for model in admin.site._registry]


def url_of(model: Any, page: str, *ids: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=ids)


@pytest.mark.parametrize("page", ["history", "change", "delete"])
def test_each_page_of_each_kind_of_record_is_shown(boss, page):
    for model in admin.site._registry:
        record: Any = model._default_manager.first()
        if record is None:
            continue
        LogEntry.objects.create(
            user=User.objects.get(username="boss"),
            content_type=ContentType.objects.get_for_model(model),
            object_id=str(record.pk),
            action_flag=CHANGE,
        )
        answer = boss.get(url_of(model, page, record.pk))
        assert answer.status_code in ((200, 403) if page == "delete" else (200,)), model


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd[:12])
def test_no_odd_parameter_or_id_is_answered_5xx(boss, odd):
    urls = [f"{url}?{name}={odd}" for url in lists() for name in PARAMETERS]
    urls += [url + page.format(odd) for url in lists() for page in PAGES]
    urls += [
        f"/admin/autocomplete/?app_label={odd}&model_name=user&field_name={odd}&term={odd}",
        f"/admin/r/{odd}/{odd}/",
        f"/admin/login/?next={odd}",
        f"/admin/{odd}/",
    ]
    assert [url[:200] for url in urls if boss.get(url).status_code >= 500] == []


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd[:12])
def test_no_odd_form_is_answered_5xx(boss, odd):
    fields = "name filename description album_id username project ended_at_0 color action id groups"
    body = "&".join(f"{name}={odd}" for name in [*fields.split(), "_selected_action", "index"])
    deletion = f"action=delete_selected&_selected_action={odd}&post=yes"
    for url in (*lists(), *(f"{url}add/" for url in lists())):
        for form in (body, deletion):
            answer = boss.post(url, form, content_type="application/x-www-form-urlencoded")
            assert answer.status_code < 500, url


# Look-ups that anybody in the admin can write into an address, and values that no column takes.
LOOKUPS = (
    ("", "%00"),
    ("__exact", "9" * 20),
    ("__range", "a%00,b"),
    ("__range", "x"),
    ("__in", "%ED%A0%80"),
    ("__regex", "["),
    ("__year", "9" * 11),
    ("__date__year__gte", "9" * 11),
    ("__unaccent", "x"),
    ("__id__exact", "%00"),
)


@pytest.mark.parametrize("model", list(admin.site._registry), ids=lambda model: model.__name__)
def test_a_look_up_that_cannot_be_answered_is_told_as_an_unknown_one(boss, model):
    url, found = url_of(model, "changelist"), []
    for field in model._meta.get_fields():
        for lookup, odd in LOOKUPS:
            with transaction.atomic():
                asked = f"{url}?{field.name}{lookup}={odd}"
                answer = boss.get(asked)
                found.append((answer.status_code, asked))
                transaction.set_rollback(True)
    # 400: what Django itself lets nobody look up.
    assert [one for one in found if one[0] not in (200, 302, 400)] == []


@pytest.mark.parametrize(
    "asked",
    [
        "images/image/?filename=%00",
        "images/image/?project__id__exact=%00",
        "images/image/?created_at__year=99999999999",
        "tags/tag/?color=%00",
        "tags/tag/?name=%00",
        "identity/user/?project__id__exact=%00",
    ],
)
def test_django_goes_back_to_the_list(boss, asked):
    # With a single project there is no such filter.
    Project.objects.create(id="another")
    answer = boss.get(f"/admin/{asked}")
    page = asked.partition("?")[0]
    assert (answer.status_code, answer["Location"]) == (302, f"/admin/{page}?e=1")
    assert boss.get(answer["Location"]).status_code == 200
