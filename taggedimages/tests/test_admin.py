"""The admin: what staff may do there goes through the same functions as the APIs."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import DataError, IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from images import processing, storage
from images.models import Image
from taggedimages.changes import lifecycle, worker
from taggedimages.changes.models import Change
from taggedimages.factories import TESTS, make_credentials, make_image, make_png, make_tag
from taggedimages.identity.authors import Author
from taggedimages.identity.models import User
from tags import curation, history, tagging, vocabulary
from tags.models import ImageTag, Tag, TagChange

pytestmark = pytest.mark.django_db

LISTS = [
    "images_image",
    "tags_tag",
    "tags_tagchange",
    "identity_user",
    "identity_project",
    "identity_token",
    "identity_signingkey",
]


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("boss"))
    return client


def to(model: str, page: str = "changelist", *ids: Any) -> str:
    return reverse(f"admin:{model}_{page}", args=ids)


def tag_fields(name: str) -> dict[str, Any]:
    return {"name": name, "description": "", "label_en": "", "label_fr": "", "color": "#112233"}


def removals() -> list[tuple[Any, ...]]:
    lines = TagChange.objects.filter(new_value=None).order_by("image_id", "tag_name")
    return list(lines.values_list("image_id", "tag_name", "user_name", "through"))


# --- Who gets in ---------------------------------------------------------------------------------


def test_without_a_login_there_is_only_the_login_page(client: Client):
    answer = client.get("/admin/")
    assert answer.status_code == 302
    page = client.get(answer["Location"])
    assert page.status_code == 200
    assert 'name="password"' in page.content.decode()


def test_a_password_lets_in(client: Client):
    User.objects.create_superuser("boss", password="correct horse")
    posted = {"username": "boss", "password": "correct horse"}
    assert client.post("/admin/login/", posted).status_code == 302
    assert client.get("/admin/").status_code == 200


def test_a_user_who_is_no_staff_stays_out(client: Client):
    client.force_login(User.objects.create_user("mira"))
    assert client.get("/admin/").status_code == 302


# --- Lists ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", LISTS)
def test_a_list_is_shown_and_searched(staff: Client, model: str):
    make_image("knee", by=User.objects.get())
    make_credentials("mira")
    assert staff.get(to(model)).status_code == 200
    assert staff.get(to(model), {"q": "knee"}).status_code == 200


@pytest.mark.parametrize("model", LISTS)
def test_a_list_costs_as_many_statements_for_one_row_as_for_many(staff: Client, model: str):
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert staff.get(to(model)).status_code == 200
        return len(captured)

    def fill(number: int) -> None:
        by = User.objects.get(
            pk=make_credentials(f"user-{number}", project_id=f"p{number}").user_id
        )
        make_image(f"knee-{number}", by=by)

    fill(0)
    statements()  # content types are read once a process
    few = statements()
    for number in range(1, 8):
        fill(number)
    assert statements() == few


# --- Tags ----------------------------------------------------------------------------------------


def test_a_tag_is_added(staff: Client):
    assert staff.post(to("tags_tag", "add"), tag_fields("Knee")).status_code == 302
    tag = Tag.objects.get()
    assert (tag.name, tag.folded, tag.color) == ("Knee", "knee", "#112233")


def test_a_tag_is_renamed_and_found_under_the_new_name(staff: Client, api):
    image = make_image("knee")
    tag = Tag.objects.get()
    page = to("tags_tag", "change", tag.pk)
    assert staff.get(page).status_code == 200
    assert staff.post(page, tag_fields("Joint")).status_code == 302
    found = api.get("/v1/search/images?match_tags=joint").json()["results"]
    assert [record["id"] for record in found] == [image.pk]


@pytest.mark.parametrize("page", ["add", "change"])
def test_a_name_that_is_taken_is_refused_in_words(staff: Client, page: str):
    make_tag("knee")
    ids = [make_tag("hand").pk] if page == "change" else []
    make_tag("Zürich")
    for taken in ("knee", "Zu\u0308rich"):
        answer = staff.post(to("tags_tag", page, *ids), tag_fields(taken))
        assert answer.status_code == 200
        assert "already exists" in answer.content.decode()


@pytest.mark.parametrize("name", ["", "x" * 256, "nul\0", "\u200b\u2060", "be\x07ll"])
def test_an_impossible_name_is_refused_in_words(staff: Client, name: str):
    answer = staff.post(to("tags_tag", "add"), tag_fields(name))
    assert (answer.status_code, Tag.objects.count()) == (200, 0)


@pytest.mark.parametrize(
    "colour",
    ["red", "#fff", " #12345", "#\u0661\u0662\u0663\u0664\u0665\u0666", "#12345g", "#123456\n"],
)
def test_a_colour_that_is_none_is_refused_in_words(staff: Client, colour: str):
    form = tag_fields("knee") | {"color": colour}
    answer = staff.post(to("tags_tag", "add"), form)
    if colour == "#123456\n":
        # Trimmed.
        assert Tag.objects.get().color == "#123456"
        return
    assert answer.status_code == 200
    assert "error" in answer.content.decode()
    assert not Tag.objects.exists()


def test_the_database_takes_no_other_colour():
    tag = make_tag("knee")
    for colour in ("red", "#fff", "#12345g", "#123456\n", ""):
        with pytest.raises((IntegrityError, DataError)), transaction.atomic():
            Tag.objects.filter(pk=tag.pk).update(color=colour)


def test_deleting_a_tag_is_in_the_ledger_with_who_did_it(staff: Client):
    image = make_image("knee", "left")
    page = to("tags_tag", "delete", Tag.objects.get(name="knee").pk)
    assert "knee" in staff.get(page).content.decode()
    assert staff.post(page, {"post": "yes"}).status_code == 302
    assert removals() == [(image.pk, "knee", "boss", "admin")]
    assert Image.objects.filter(pk=image.pk).exists()


def test_the_bulk_action_deletes_tags_and_never_images(staff: Client):
    images = [make_image("knee", "left"), make_image("knee", "right")]
    chosen = list(Tag.objects.exclude(name="left").values_list("pk", flat=True))
    action = {"action": "delete_selected", "_selected_action": chosen}
    assert staff.post(to("tags_tag"), action).status_code == 200
    assert staff.post(to("tags_tag"), action | {"post": "yes"}).status_code == 302
    assert removals() == [
        (images[0].pk, "knee", "boss", "admin"),
        (images[1].pk, "knee", "boss", "admin"),
        (images[1].pk, "right", "boss", "admin"),
    ]
    assert list(ImageTag.objects.values_list("tag__name", flat=True)) == ["left"]
    assert Image.objects.count() == 2


# --- Images --------------------------------------------------------------------------------------


def test_an_image_is_described(staff: Client):
    image = make_image("knee", by=User.objects.get())
    page = to("images_image", "change", image.pk)
    assert "X-Amz-Signature" in staff.get(page).content.decode()
    fields = {"name": "Left knee", "title": "", "description": "", "album_id": "default"}
    ends = {"ended_at_0": "", "ended_at_1": ""}
    assert staff.post(page, fields | ends | {"visibility": "2"}).status_code == 302
    image.refresh_from_db()
    assert (image.name, image.visibility) == ("Left knee", 2)


@pytest.mark.django_db(transaction=True)
def test_a_deleted_image_is_hidden_at_once_and_its_file_removed_by_the_worker(staff: Client, api):
    image = make_image("knee", body=make_png())
    page = to("images_image", "delete", image.pk)
    assert staff.get(page).status_code == 200
    assert staff.post(page, {"post": "yes"}).status_code == 302
    assert api.get(f"/v1/images/{image.pk}").status_code == 404
    assert staff.get(to("images_image", "change", image.pk)).status_code == 302
    assert storage.head(image.key)
    assert processing.sweep() == 1
    assert storage.head(image.key) is None


def test_the_bulk_action_puts_images_into_the_trash_by_a_plan(staff: Client):
    images = [make_image("knee") for _ in range(3)]
    chosen = [image.pk for image in images[:2]]
    action = {"action": "delete_selected", "_selected_action": chosen, "post": "yes"}
    assert staff.post(to("images_image"), action).status_code == 302
    assert not Image.objects.exclude(ended_at=None).exists()
    change = Change.objects.get()
    lifecycle.apply(change.pk, change.digest, Author(User.objects.get(), "admin"))
    worker.sweep()
    assert set(Image.objects.filter(trashed_at__isnull=False)) == set(images[:2])
    assert not Image.objects.exclude(deleted_at=None).exists()
    assert Image.objects.count() == ImageTag.objects.count() == 3


@pytest.mark.parametrize(
    ("search", "shown"),
    [
        ("exact_tags=knee|left", ["b"]),
        ("any_tags=left|right&order=smallest", ["c", "b"]),
        ("not_tags=left&max_size=5", ["c"]),
        ("KNEE", ["c", "b", "a"]),
        ("knee=b", []),
    ],
)
def test_images_are_searched_by_conditions_as_in_the_api_or_by_words(staff, search, shown):
    make_image("knee", filename="a-knee", size=9)
    make_image("knee", "left", filename="b-knee", size=8)
    make_image("knee", "right", filename="c-knee", size=1, private=True)
    page = staff.get(to("images_image"), {"q": search})
    assert [image.filename[0] for image in page.context["cl"].result_list] == shown


def test_images_are_searched_by_aliases_and_if_asked_by_what_implies_a_tag(staff: Client):
    joint, knee = make_tag("joint"), make_tag("knee")
    vocabulary.alias(make_tag("genu"), knee, TESTS)
    vocabulary.imply(knee, [joint], TESTS)
    image = make_image("knee")
    for search, found in (
        ("exact_tags=genu", [image]),
        ("exact_tags=joint", []),
        ("exact_tags=joint&implied=true", [image]),
    ):
        page = staff.get(to("images_image"), {"q": search})
        assert list(page.context["cl"].result_list) == found


def test_the_list_of_tags_says_what_an_alias_stands_for(staff: Client):
    vocabulary.alias(make_tag("genu"), make_tag("knee"), TESTS)
    page = staff.get(to("tags_tag")).content.decode()
    assert re.findall(r'"field-alias_of[^>]*>(?:<a [^>]*>)?([^<]+)', page) == ["knee", "-"]


def test_images_of_every_kind_are_counted_as_they_are_listed(staff: Client):
    soon = timezone.now() + timedelta(days=1)
    past = timezone.now() - timedelta(days=1)
    for fields in ({}, {"private": True}, {"ended_at": soon}, {"ended_at": past}):
        make_image(**fields)
        make_image(created_at=soon, **fields)
    make_image(ended_at=past, deleted_at=past)
    page = staff.get(to("images_image"))
    assert page.context["cl"].result_count == len(page.context["cl"].result_list) == 8


def test_an_image_is_found_by_its_id_its_uuid_or_words_of_its_filename(staff: Client):
    image = make_image(filename="left Knee.png")
    make_image(filename="right.png")
    for search in (image.pk, image.uuid, "knee", "left .PNG", "9" * 30, "knee right"):
        page = staff.get(to("images_image"), {"q": str(search)})
        found = [image] if str(search) not in ("9" * 30, "knee right") else []
        assert list(page.context["cl"].result_list) == found


def test_tags_and_lines_of_the_ledger_are_counted_with_and_without_a_search(staff: Client):
    image = make_image("knee", "left")
    line = TagChange.objects.first()
    assert line
    with history.signed(TESTS, bulk=12):
        tagging.tag(image, ["right"], TESTS)
    curation.delete(Tag.objects.get(name="right"), TESTS)
    searches = {"": 4, str(image.pk): 4, str(line.change_id): 2, "knee": 1, "x": 0}
    searches |= {"change:12": 1, "change:13": 0, "change:x": 0}
    for search, count in searches.items():
        page = staff.get(to("tags_tagchange"), {"q": search})
        assert page.context["cl"].result_count == len(page.context["cl"].result_list) == count
    for search, count in {"": 2, "KNEE": 1, "x": 0}.items():
        page = staff.get(to("tags_tag"), {"q": search})
        assert page.context["cl"].result_count == len(page.context["cl"].result_list) == count


def test_a_slip_in_a_condition_is_told_and_shows_nothing(staff: Client):
    make_image("knee")
    page = staff.get(to("images_image"), {"q": "exact_tag=knee&order=size"})
    assert len(page.context["cl"].result_list) == 0
    assert [str(said) for said in page.context["messages"]] == ["exact_tag: Not a parameter."]


def test_images_come_in_through_the_apis_only(staff: Client):
    assert staff.get(to("images_image", "add")).status_code == 403


# --- What is only read ---------------------------------------------------------------------------


def test_the_ledger_is_read_and_never_written(staff: Client):
    make_image("knee")
    line = TagChange.objects.get()
    assert staff.get(to("tags_tagchange", "change", line.pk)).status_code == 200
    assert staff.get(to("tags_tagchange", "add")).status_code == 403
    assert staff.post(to("tags_tagchange", "change", line.pk), {"tag_name": "x"}).status_code == 403
    assert staff.post(to("tags_tagchange", "delete", line.pk), {"post": "yes"}).status_code == 403
    action = {"action": "delete_selected", "_selected_action": [line.pk], "post": "yes"}
    staff.post(to("tags_tagchange"), action)
    assert TagChange.objects.get() == line


@pytest.mark.parametrize(
    ("model", "name"), [("identity_token", "token"), ("identity_signingkey", "secret_key")]
)
def test_credentials_are_revoked_here_and_never_shown(staff: Client, model: str, name: str):
    issued = make_credentials("mira")
    manager = {"identity_token": "tokens", "identity_signingkey": "signing_keys"}[model]
    credential = getattr(User.objects.get(username="mira"), manager).first()
    page = to(model, "change", credential.pk)
    assert getattr(issued, name) not in staff.get(page).content.decode()
    revoked = {"revoked_at_0": "2026-01-02", "revoked_at_1": "03:04:05"}
    assert staff.post(page, revoked | {"expires_at_0": "", "expires_at_1": ""}).status_code == 302
    credential.refresh_from_db()
    assert credential.revoked_at
    assert staff.get(to(model, "add")).status_code == 403


def test_the_history_of_an_image_is_shown(staff: Client):
    image = make_image("knee")
    staff.post(to("images_image", "change", image.pk), {"name": "x", "album_id": "x"})
    for number in ("1", "99999", "x"):
        answer = staff.get(to("images_image", "history", image.pk), {"p": number})
        assert answer.status_code == 200
