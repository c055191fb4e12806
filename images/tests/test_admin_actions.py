"""What is done to many images from the list or the grid: a plan of just what was listed."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from images.models import Image
from taggedimages.changes import questions, sets
from taggedimages.changes.models import Change
from taggedimages.factories import make_image, make_tag, make_user
from taggedimages.identity.models import User

pytestmark = pytest.mark.django_db
IMAGES = "/admin/images/image/"


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("boss"))
    return client


def propose(client: Client, asked: dict[str, Any] | None = None, **sent: Any) -> Change:
    """The change that a page, of what is asked, leads to the plan of."""
    answer = act(client, asked, **sent)
    change = Change.objects.latest("pk")
    assert (answer.status_code, answer["Location"]) == (
        302,
        f"/admin/changes/change/{change.pk}/change/",
    )
    return change


def refused(client: Client, asked: dict[str, Any] | None = None, **sent: Any) -> str:
    """Why nothing is proposed; what was typed is still there."""
    answer = act(client, asked, **sent)
    assert answer.status_code == 200
    assert not Change.objects.exists()
    if typed := sent.get("tags"):
        assert f">{typed}</textarea>" in answer.content.decode()
    return "; ".join(str(said) for said in answer.context["messages"])


def act(client: Client, asked: dict[str, Any] | None, **sent: Any) -> Any:
    page = client.get(IMAGES, asked or {})
    assert page.status_code == 200
    return client.post(page.wsgi_request.get_full_path(), {"action": "tag", "tags": ""} | sent)


def images_of(change: Change) -> list[int]:
    return sets.ids_after(change.pk, 0, 1_000)


@pytest.mark.parametrize("view", ["grid", "list"])
@pytest.mark.parametrize(
    ("sent", "operation"),
    [
        ({"action": "tag", "tags": "left, right"}, {"add": ["left", "right"]}),
        ({"action": "untag", "tags": "knee"}, {"remove": ["knee"]}),
        ({"action": "replace", "tags": "hand"}, {"replace": ["hand"]}),
        ({"action": "replace", "none": "1"}, {"replace": []}),
        ({"action": "value", "tags": "knee", "value": "7"}, {"values": ["knee"]}),
    ],
)
def test_each_action_leads_to_the_plan_of_what_is_selected(staff, view, sent, operation):
    images = [make_image("knee").pk for _ in range(3)]
    change = propose(staff, {"view": view}, **sent, _selected_action=images[:2])
    assert images_of(change) == images[:2]
    assert change.author_name == "boss"
    assert change.query == {"ids": images[:2]}
    kept = {name: [tag["name"] for tag in change.operation.get(name, [])] for name in operation}
    assert kept == operation
    # Nothing is done before the plan is applied.
    assert {image.tags.get().name for image in Image.objects.all()} == {"knee"}


@pytest.mark.parametrize("action", ["hide", "show", "end", "trash", "delete_selected"])
def test_images_themselves_are_changed_by_plans_as_well(staff, action):
    images = [make_image("knee").pk for _ in range(3)]
    change = propose(staff, action=action, _selected_action=images[:2])
    assert images_of(change) == images[:2]
    assert change.operation["images"] == {"delete_selected": "trash"}.get(action, action)
    across = propose(staff, {"q": "exact_tags=knee"}, action=action, select_across="1")
    assert images_of(across) == images
    assert Image.objects.filter(ended_at=None, visibility=0).count() == 3


@pytest.mark.parametrize("action", ["trash", "delete_selected"])
def test_only_who_may_delete_puts_images_into_the_trash(client, action):
    lab = make_user("mira", project_id="lab", staff=True)
    lab.user_permissions.set(Permission.objects.filter(codename="change_image"))
    client.force_login(lab)
    sent = {"action": action, "_selected_action": [make_image(by=lab).pk]}
    assert 'value="trash"' not in client.get(IMAGES).content.decode()
    assert client.post(IMAGES, sent).status_code == 403
    assert not Change.objects.exists()


def test_what_was_selected_on_other_pages_is_acted_on_as_well(staff):
    images = [make_image().pk for _ in range(4)]
    staff.post(IMAGES + "selection/", {"add": [images[0], images[1]]})
    page = f"{images[1]},{images[2]}"
    change = propose(staff, tags="knee", on_page=page, _selected_action=[images[2]])
    # Of the page, just what is ticked.
    assert images_of(change) == [images[0], images[2]]


@pytest.mark.parametrize("view", ["grid", "list"])
@pytest.mark.parametrize(
    ("search", "found", "kept"),
    [
        ("exact_tags=knee", [0, 1], {"exact_tags": ["knee"]}),
        ("exact_tags=knee&order=oldest", [0, 1], {"exact_tags": ["knee"]}),
        ("image order=oldest", [0, 1, 2], {"called": ["image"]}),
        ("called=image&not_tags=knee", [2], {"called": ["image"], "not_tags": ["knee"]}),
        ("", [0, 1, 2], {"everything": True}),
    ],
)
def test_all_that_is_found_is_a_search_and_no_ids(staff, view, search, found, kept):
    images = [make_image("knee" if n < 2 else "hand", filename=f"image{n}").pk for n in range(3)]
    asked = {"view": view, "q": search}
    change = propose(staff, asked, tags="left", select_across="1", _selected_action=images[2])
    assert images_of(change) == [images[n] for n in found]
    assert change.query == kept
    question = questions.of(change)
    assert question
    assert question.ids is None


def test_all_that_is_found_is_just_what_is_listed_or_nothing(staff):
    now = timezone.now()
    make_image("knee")
    ended = make_image("knee", ended_at=now)
    asked = {"view": "list", "q": "exact_tags=knee"}
    sent = {"tags": "left", "select_across": "1"}
    assert "have ended" in refused(staff, asked, **sent)
    assert "have ended" in refused(staff, asked | {"state": "ended"}, **sent)
    assert "filters at the side" in refused(staff, asked | {"visibility__exact": "0"}, **sent)
    Image.objects.filter(pk=ended.pk).update(ended_at=None, created_at=now + timedelta(days=1))
    assert "begin later" in refused(staff, asked, **sent)
    change = propose(staff, asked | {"state": "current"}, **sent)
    assert change.images == 1


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        ({"tags": "knee", "_selected_action": []}, "Select images first."),
        ({"action": "", "_selected_action": ["all"]}, "Choose what is to be done."),
        ({"action": "fly", "_selected_action": ["all"]}, "Choose what is to be done."),
        ({"_selected_action": ["all"]}, "Type the names of tags first."),
        ({"action": "untag", "tags": " , ", "_selected_action": ["all"]}, "Type the names"),
        ({"action": "replace", "_selected_action": ["all"]}, "tick the box"),
        ({"tags": "\x07", "_selected_action": ["all"]}, "Control characters"),
        ({"tags": "x" * 300, "_selected_action": ["all"]}, "at most 255"),
        ({"tags": '"knee', "_selected_action": ["all"]}, "ends with one"),
        (
            {"action": "value", "tags": "a", "value": "x" * 300, "_selected_action": ["all"]},
            "at most 255",
        ),
        ({"tags": "old", "_selected_action": ["all"]}, "old"),
        ({"tags": "a", "_selected_action": ["x", "-1", "9" * 40, "\0"]}, "Select images first."),
        ({"tags": "a", "_selected_action": ["999999"]}, "Select images first."),
    ],
)
@pytest.mark.parametrize("view", ["grid", "list"])
def test_what_cannot_be_done_is_said_and_nothing_happens(staff, view, sent, why):
    make_tag("old", status="deprecated")
    image = make_image("knee")
    boxes = [image.pk if one == "all" else one for one in sent["_selected_action"]]
    typed = sent.get("tags", "").strip()
    answer = act(staff, {"view": view}, **sent | {"_selected_action": boxes})
    assert answer.status_code == 200
    assert not Change.objects.exists()
    assert any(why in str(said) for said in answer.context["messages"])
    assert answer.context["sent"]["tags"].strip() == typed


@pytest.mark.parametrize("search", ["exact_tag=x", "order=x", "a\0b"])
@pytest.mark.parametrize("view", ["grid", "list"])
def test_a_search_that_cannot_be_asked_is_not_acted_on(staff, view, search):
    make_image()
    refused(staff, {"view": view, "q": search}, tags="a", select_across="1")


def test_ended_images_that_are_selected_are_left_out_and_that_is_said(staff):
    current, ended = make_image().pk, make_image(ended_at=timezone.now()).pk
    change = propose(staff, tags="a", _selected_action=[current, ended])
    assert images_of(change) == [current]
    page = staff.get(IMAGES)
    assert any("1 of those selected" in str(said) for said in page.context["messages"])


def test_staff_act_on_images_of_their_project_alone(client):
    lab = make_user("mira", project_id="lab", staff=True)
    lab.user_permissions.set(Permission.objects.filter(codename__endswith="_image"))
    client.force_login(lab)
    own = make_image("knee", by=lab).pk
    far = make_image("knee", by=make_user("omar", project_id="far")).pk
    change = propose(client, tags="a", _selected_action=[own, far])
    assert images_of(change) == [own]
    across = propose(client, {"q": "exact_tags=knee"}, tags="a", select_across="1")
    assert images_of(across) == [own]


def test_who_may_look_may_not_act(client):
    lab = make_user("mira", project_id="lab", staff=True)
    lab.user_permissions.set(Permission.objects.filter(codename="view_image"))
    client.force_login(lab)
    image = make_image(by=lab).pk
    page = client.get(IMAGES, {"view": "grid"})
    assert 'id="id_action"' not in page.content.decode()
    sent = {"action": "tag", "tags": "a", "_selected_action": [image]}
    assert client.post(IMAGES, sent).status_code == 403
    assert not Change.objects.exists()


def test_many_are_proposed_with_no_statement_for_each(staff):
    def statements(images: list[int]) -> int:
        with CaptureQueriesContext(connection) as captured:
            sent = {"action": "tag", "tags": "knee", "_selected_action": images}
            assert staff.post(IMAGES, sent | {"on_page": ""}).status_code == 302
        return len(captured)

    images = [make_image("knee").pk for _ in range(30)]
    statements(images[:1])
    few = statements(images[:2])
    assert statements(images) <= few
