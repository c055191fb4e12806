"""GET, POST /tags, PUT /tags/{id}, /tags_token, /tags/{id}/public_tags."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from images.visibility import Visibility
from taggedimages.dialects.sharinpix import tokens
from taggedimages.factories import (
    make_credentials,
    make_image,
    make_tag,
    unknown_uuid,
)
from tags import colours
from tags.models import Tag

from .conftest import EDITOR, READER, client_of, names

pytestmark = pytest.mark.django_db
URL = "/api/v1/tags"
NAMED = {"knee": {"en": "Knee", "fr": "Genou"}, "skin": {}}


def test_tags_come_oldest_first(admin):
    for name in ("z", "a", "m"):
        make_tag(name)
    Tag.objects.update(created_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert names(admin.get(URL)) == ["z", "a", "m"]
    Tag.objects.filter(name="m").update(created_at=datetime(2025, 1, 1, tzinfo=UTC))
    assert names(admin.get(f"{URL}/")) == ["m", "z", "a"]


def test_tags_are_filtered_by_visible(admin):
    make_tag("shown", visible=True)
    make_tag("hidden")
    assert names(admin.get(URL, {"visible": "true"})) == ["shown"]
    assert names(admin.get(URL, {"visible": "false"})) == ["hidden"]
    assert admin.get(URL, {"visible": "maybe"}).status_code == 400


@pytest.mark.parametrize("path", [URL, "/api/v1/tags_token"])
def test_tags_that_the_token_names_are_made_when_absent(in_album, path):
    make_tag("other")
    client = in_album("mine", READER, NAMED)
    expected = ["other", "knee", "skin"] if path == URL else ["knee", "skin"]
    assert names(client.get(path)) == expected
    assert names(client.get(path)) == expected
    knee = Tag.objects.get(name="knee")
    assert (knee.label_en, knee.label_fr) == ("Knee", "Genou")


def test_a_token_that_names_no_tags_gives_none(admin):
    make_tag("other")
    assert names(admin.get("/api/v1/tags_token")) == []


@pytest.mark.parametrize(
    "tags", [["a", "a"], {"a": "A"}, {"a": None}, {"a": {"en": 7}}, {"a": {}, "": {}, "\0": {}}]
)
def test_names_in_the_token_have_several_shapes(in_album, tags):
    assert names(in_album("mine", READER, tags).get("/api/v1/tags_token")) == ["a"]


def test_names_of_all_albums_count(client_with):
    abilities: dict[str, Any] = {
        "one": {"Tags": {"a": {}}},
        "two": {"Access": {}, "Tags": {"b": {}, "a": {}}},
    }
    assert names(client_with(abilities=abilities).get("/api/v1/tags_token")) == ["a", "b"]


def test_a_list_of_tags_takes_as_many_statements_for_one_as_for_many(admin):
    def statements() -> int:
        with CaptureQueriesContext(connection) as context:
            names(admin.get(URL))
        return len(context)

    make_tag()
    few = statements()
    for _ in range(9):
        make_tag()
    assert statements() == few == 3


# --- Creating ------------------------------------------------------------------------------------


def test_creating_answers_the_whole_tag(admin):
    tag = admin.post(URL, {"name": "Night Shift"}).json()
    made = Tag.objects.get()
    assert tag == {
        "id": str(made.uuid),
        "created_at": made.created_at.isoformat(timespec="milliseconds"),
        "name": "Night Shift",
        "label": '{"en":"Night Shift","fr":"Night Shift"}',
        "url": f"/public_tags/{made.uuid}",
        "public": False,
        "listed": True,
        "action": {"actions": []},
        "visible": False,
        "color": made.color,
        "color_contrast": colours.contrast(made.color),
        "allow_download": False,
        "label_en": "Night Shift",
        "label_fr": "Night Shift",
    }
    assert made.color in colours.PALETTE


def test_creating_takes_forms(admin):
    form = "application/x-www-form-urlencoded"
    tag = admin.post(URL, "name=a&listed=false&label=Un", content_type=form).json()
    assert (tag["name"], tag["listed"], tag["label_fr"]) == ("a", False, "Un")


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("Été", {"en": "Été", "fr": "Été"}),
        ({"en": "Knee", "fr": "Genou"}, {"en": "Knee", "fr": "Genou"}),
        ('{"en": "Knee", "fr": "Genou"}', {"en": "Knee", "fr": "Genou"}),
        ({"fr": "Genou"}, {"en": "knee", "fr": "Genou"}),
        ("", {"en": "knee", "fr": "knee"}),
        ("7", {"en": "7", "fr": "7"}),
    ],
)
def test_a_label_is_one_text_or_one_for_each_language(admin, label, expected):
    tag = admin.post(URL, {"name": "knee", "label": label}).json()
    assert json.loads(tag["label"]) == expected
    assert {"en": tag["label_en"], "fr": tag["label_fr"]} == expected


def test_a_name_that_exists_gives_the_tag_that_has_it(admin):
    tag = make_tag("knee", label_en="Knee")
    answer = admin.post(URL, {"name": "knee", "label": "Other", "listed": False}).json()
    assert (answer["id"], answer["label_en"], answer["listed"]) == (str(tag.uuid), "Knee", True)


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Night Shift", "night-shift"),
        ("Été à Paris!", "ete-a-paris"),
        ("a/b_c", "a-b_c"),
        ("膝 右", "膝-右"),
        ("!!", "!!"),
        ("plain", "plain"),
    ],
)
def test_a_public_tag_is_named_by_a_slug_and_keeps_the_text_as_label(admin, name, slug):
    tag = admin.post(URL, {"name": name, "public": True}).json()
    assert (tag["name"], tag["label_en"], tag["label_fr"]) == (slug, name, name)
    assert tag["public"] is True
    assert admin.post(URL, {"name": name, "public": "true"}).json()["id"] == tag["id"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": " "},
        {"name": None},
        {"name": 7},
        {"name": ["a", {}]},
        {"name": "a\0"},
        {"name": "x" * 256},
        {"name": "a", "listed": "perhaps"},
        {"name": "a", "label": ["a"]},
        {"name": "a", "label": 7},
        {"name": "a", "label": {"en": 7}},
        {"name": "a", "label": "x" * 256},
        {"name": "a", "public": []},
    ],
)
def test_what_is_no_tag_is_a_400_that_names_the_fault(admin, body):
    answer = admin.post(URL, body)
    assert (answer.status_code, answer.content) == (400, b"")
    assert answer["X-message"].split(":")[0] in ("name", "listed", "label", "public")
    assert Tag.objects.count() == 0


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"admin": True}, 200),
        ({"abilities": {"tags": {"create": True}}}, 200),
        ({"abilities": {"mine": {"Access": {"image_tag": True}}}}, 200),
        ({"q": "*", "image_tag": True}, 200),
        ({"abilities": {"tags": {"create": "yes"}}}, 401),
        ({"abilities": {"mine": {"Access": READER}}}, 401),
        ({"q": "*"}, 401),
        ({}, 401),
    ],
)
def test_creating_wants_a_right(client_with, claims, status):
    assert client_with(**claims).post(URL, {"name": "a"}).status_code == status


# --- Changing ------------------------------------------------------------------------------------


@pytest.mark.parametrize("flag", ["allow_download", "listed", "visible", "public"])
def test_flags_are_changed(admin, flag):
    tag = make_tag("a")
    old = getattr(tag, flag)
    assert admin.put(f"{URL}/{tag.uuid}", {flag: not old}).json()[flag] is not old
    tag.refresh_from_db()
    assert getattr(tag, flag) is not old


def test_a_tag_is_renamed_and_relabelled(admin, ada):
    image = make_image("old", by=ada)
    tag = Tag.objects.get()
    answer = admin.put(f"{URL}/old", {"name": "new", "label": {"en": "New", "fr": "Neuf"}}).json()
    assert (answer["id"], answer["name"], answer["label_fr"]) == (str(tag.uuid), "new", "Neuf")
    assert [tag.name for tag in image.tags.all()] == ["new"]


def test_a_name_of_another_tag_is_a_400_and_changes_nothing(admin):
    make_tag("a")
    tag = make_tag("b")
    answer = admin.put(f"{URL}/{tag.uuid}", {"name": "a", "listed": False})
    assert (answer.status_code, answer.content) == (400, b"")
    assert "named 'a'" in answer["X-message"]
    tag.refresh_from_db()
    assert (tag.name, tag.listed) == ("b", True)


def test_names_that_differ_by_case_are_two(admin):
    make_tag("knee")
    assert admin.post(URL, {"name": "Knee"}).json()["name"] == "Knee"
    assert Tag.objects.count() == 2


@pytest.mark.parametrize("path", [unknown_uuid(), "nothing", "%00", "a/b"])
def test_changing_what_is_not_there_is_404(admin, path):
    answer = admin.put(f"{URL}/{path}", {"listed": False})
    assert (answer.status_code, answer.content) == (404, b"")


def test_changing_wants_tags_create_and_publishing_also_share(client_with):
    tag = make_tag("a")
    create = {"tags": {"create": True}}
    share = {"mine": {"Access": {"share": True}}}
    for abilities, change, status in (
        ({"mine": {"Access": EDITOR}}, {"listed": False}, 401),
        (share, {"listed": False}, 401),
        (create, {"listed": False}, 200),
        (create, {"public": True}, 401),
        (create | share, {"public": True}, 200),
        (create, {"public": False}, 401),
    ):
        client = client_with(abilities=abilities)
        assert client.put(f"{URL}/{tag.uuid}", change).status_code == status, (abilities, change)


# --- The public page -----------------------------------------------------------------------------


@override_settings(ANONYMOUS="read-only")
def test_a_public_tag_shows_its_images_without_a_token(ada):
    image = make_image("open", by=ada, filename="Knee.png", title="T")
    make_image("open", by=ada, private=True)
    make_image("open", by=ada, uploaded_at=None)
    make_image("open", by=ada, ended_at=datetime(2026, 1, 1, tzinfo=UTC))
    make_image("other", by=ada)
    tag = Tag.objects.get(name="open")
    url = f"{URL}/{tag.uuid}/public_tags"
    anybody = APIClient()
    assert anybody.get(url).status_code == 404
    Tag.objects.update(public=True)
    [shown] = anybody.get(url).json()
    assert shown["thumbnails"]["mini"].startswith("http")
    assert shown == {
        "id": str(image.uuid),
        "public_id": str(image.uuid),
        "filename": "Knee",
        "format": "png",
        "title": "T",
        "description": None,
        "width": 0,
        "height": 0,
        "created_at": image.created_at.isoformat(timespec="milliseconds"),
        "original_url": None,
        "thumbnails": dict.fromkeys(("full", "large", "mini"), shown["thumbnails"]["mini"]),
    }
    Tag.objects.update(allow_download=True)
    assert anybody.get(url).json()[0]["original_url"].startswith("http")


def test_an_unknown_tag_has_no_public_page(admin):
    assert admin.get(f"{URL}/{unknown_uuid()}/public_tags").status_code == 404


def test_where_anonymous_callers_may_nothing_the_public_page_wants_a_token(admin):
    make_tag("open", public=True)
    with override_settings(ANONYMOUS="none"):
        assert APIClient().get(f"{URL}/open/public_tags").status_code == 401
        assert admin.get(f"{URL}/open/public_tags").json() == []


@pytest.mark.parametrize("visibility", Visibility)
def test_a_user_of_another_organisation_publishes_no_tag_of_its_images(ada, visibility):
    make_image("knee", by=ada, visibility=visibility)
    stranger = client_of_admin_elsewhere()
    found = 401 if visibility == Visibility.PUBLIC else 404
    assert stranger.put(f"{URL}/knee", {"public": True}).status_code == found
    assert not Tag.objects.get().public


def test_what_holders_of_share_tag_publicly_is_on_the_page_unless_it_is_private(ada):
    for visibility in Visibility:
        make_image("open", by=ada, visibility=visibility, filename=f"{visibility.label}.png")
    Tag.objects.update(public=True)
    with override_settings(ANONYMOUS="read-only"):
        shown = APIClient().get(f"{URL}/open/public_tags").json()
    assert {image["filename"] for image in shown} == {"public", "project"}


def client_of_admin_elsewhere() -> APIClient:
    other = make_credentials(project_id="elsewhere")
    return client_of(tokens.sign({"iss": other.secret_id, "admin": True}, other.secret))


def test_the_page_of_a_public_tag_shows_images_of_projects_but_no_private_ones(org):
    tag = make_tag("a", public=True)
    public, project, _ = [make_image("a", visibility=step) for step in (0, 1, 2)]
    shown = APIClient().get(f"{URL}/{tag.uuid}/public_tags").json()
    assert [row["id"] for row in shown] == [str(project.uuid), str(public.uuid)]
