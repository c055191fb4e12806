"""Tags given, taken and taken back at once in the admin, by scripts and by forms."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from images.visibility import Visibility
from taggedimages.changes import lifecycle, worker
from taggedimages.changes.models import Change, State
from taggedimages.changes.rights import author_of
from taggedimages.factories import make_image, make_tag
from taggedimages.identity.models import Project, User
from tags import tag_sets
from tags.models import ImageTag, Tag, TagChange

pytestmark = pytest.mark.django_db(transaction=True)

JSON = {"Accept": "application/json"}
RETAG = "/admin/images/image/retag/"


def names_of(image: Any) -> list[str]:
    links = ImageTag.objects.filter(image=image).order_by("tag__name")
    return list(links.values_list("tag__name", flat=True))


def retag(client: Client, *images: Any, **fields: Any) -> Any:
    return client.post(RETAG, {"ids": [image.pk for image in images], **fields}, headers=JSON)


def project(id: str) -> Project:
    return Project.objects.get_or_create(pk=id)[0]


def staff_of(id: str, *permissions: str) -> User:
    user = User.objects.create_user(f"staff-of-{id}", project=project(id), is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


def test_tags_are_given_and_the_answer_has_what_the_images_have_now(boss):
    one, other = make_image("knee"), make_image()
    answer = retag(boss, one, other, add="left, knee").json()
    change = Change.objects.get()
    chips = answer.pop("images")
    assert answer == {
        "change": change.pk,
        "state": "applied",
        "says": "Tagged 2 images: left, knee.",
        "undo": reverse("admin:images_image_undo", args=[change.pk]),
    }
    assert [chip["name"] for chip in chips[str(one.pk)]] == ["knee", "left"]
    knee = Tag.objects.get(name="knee")
    assert chips[str(other.pk)][1] == {
        "id": knee.pk,
        "name": "knee",
        "value": "",
        "color": knee.color,
    }
    lines = TagChange.objects.filter(bulk=change.pk)
    assert set(lines.values_list("user_name", "through")) == {("boss", "admin")}


def test_tags_are_taken_and_swapped(boss):
    image = make_image("knee", "left")
    assert retag(boss, image, remove="left").json()["says"] == "Took off 1 image: left."
    answer = retag(boss, image, remove="knee", add="hip").json()
    assert answer["says"] == "Tagged 1 image: hip; took off knee."
    assert names_of(image) == ["hip"]


def test_a_value_is_that_of_one_tag(boss):
    image = make_image()
    assert retag(boss, image, add="grade", value=" 3 ").json()["images"][str(image.pk)][0][
        "value"
    ] == ("3")
    assert retag(boss, image, add="a, b", value="3").status_code == 400


def test_what_was_so_already_has_nothing_to_undo(boss):
    answer = retag(boss, make_image("knee"), add="knee").json()
    assert answer["says"] == "Nothing was changed. 1 was so already."
    assert answer["undo"] is None


def test_it_is_taken_back_and_given_again(boss):
    image = make_image("knee")
    first = retag(boss, image, add="left", remove="knee").json()
    back = boss.post(first["undo"], headers=JSON).json()
    assert back["says"] == "Undone on 1 image."
    assert [chip["name"] for chip in back["images"][str(image.pk)]] == ["knee"]
    boss.post(back["undo"], headers=JSON)
    assert names_of(image) == ["left"]


def test_what_somebody_touched_since_stays(boss):
    image = make_image()
    first = retag(boss, image, add="left").json()
    ImageTag.objects.filter(image=image).update(value="theirs")
    back = boss.post(first["undo"], headers=JSON).json()
    assert back["says"] == "Nothing was changed. 1 has been changed since, and stays."
    assert names_of(image) == ["left"]


def test_what_was_hidden_in_few_images_is_shown_again_at_once(boss):
    image = make_image()
    hide = {"action": "hide", "_selected_action": [image.pk], "on_page": str(image.pk)}
    boss.post("/admin/images/image/", hide)
    change = Change.objects.get()
    lifecycle.apply(change.pk, change.digest, author_of(change))
    assert worker.sweep()
    image.refresh_from_db()
    assert image.visibility == Visibility.PRIVATE
    answer = boss.post(f"/admin/images/image/undo/{change.pk}/", headers=JSON).json()
    assert answer["says"] == "Undone on 1 image."
    image.refresh_from_db()
    assert image.visibility != Visibility.PRIVATE


def test_of_many_images_the_undo_is_a_plan(boss):
    image = make_image()
    first = retag(boss, image, add="left").json()
    Change.objects.filter(pk=first["change"]).update(images=61)
    answer = boss.post(first["undo"], headers=JSON)
    plan = Change.objects.get(kind="undo")
    assert answer.status_code == 409
    assert answer.json()["page"] == f"/admin/changes/change/{plan.pk}/change/"
    assert names_of(image) == ["left"]
    assert boss.post(first["undo"])["Location"].startswith("/admin/changes/change/")


@pytest.mark.parametrize(
    ("fields", "status", "why"),
    [
        ({"add": "x"}, 400, "Select images first."),
        ({"ids": ["7"]}, 400, "Say which tags."),
        ({"ids": ["x"], "add": "x"}, 400, "These are no ids of images."),
        ({"ids": ["9" * 19], "add": "x"}, 400, "These are no ids of images."),
        ({"ids": ["1"], "add": "a\x00b"}, 400, "Control characters are not allowed."),
        ({"ids": ["1"], "set": "4"}, 400, "There is no such set."),
        ({"ids": ["1"], "set": "²"}, 400, "There is no such set."),
        ({"ids": ["1"], "add": "a", "remove": "a"}, 400, "The tag 'a' cannot both come and go."),
        (
            {"ids": [str(n) for n in range(1, 62)], "add": "x"},
            400,
            "At most 60 images are tagged at once.",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(boss, fields, status, why):
    make_tag("a")
    answer = boss.post(RETAG, fields, headers=JSON)
    assert (answer.status_code, answer.json()) == (status, {"says": why})
    assert not Change.objects.exists()


def test_deprecated_tags_are_given_to_nobody(boss):
    Tag.objects.filter(pk=make_tag("old").pk).update(status="deprecated")
    answer = retag(boss, make_image(), add="old")
    assert answer.status_code == 409
    assert "old" in answer.json()["says"]


def test_a_form_goes_back_to_its_page_with_a_message(boss):
    image = make_image("left")
    here = "/admin/images/image/?q=knee"
    tag_sets.write(User.objects.get(username="boss"), {3: ["a, b", "left"]})
    ImageTag.objects.filter(image=image).update(value="2")
    form = {
        "_selected_action": [image.pk],
        "on_page": str(image.pk),
        "set": "3",
        "action": "value",
        "tags": "",
        "value": "",
    }
    answer = boss.post(f"{RETAG}?next=%2Fadmin%2Fimages%2Fimage%2F%3Fq%3Dknee", form)
    assert (answer.status_code, answer["Location"]) == (302, here)
    assert names_of(image) == ["a, b", "left"]
    assert ImageTag.objects.get(image=image, tag__name="left").value == "2"
    assert boss.session["images.selected"] == [image.pk]
    assert "Tagged 1 image: a, b, left." in boss.get(here).content.decode()
    assert boss.post(f"{RETAG}?next=https://elsewhere/", form)["Location"] == "/admin/images/image/"


def test_staff_change_images_of_their_project_alone(client: Client):
    client.force_login(staff_of("mine", "change_image"))
    mine, theirs = make_image(project=project("mine")), make_image(project=project("theirs"))
    answer = retag(client, mine, theirs, add="left").json()
    assert answer["images"].keys() == {str(mine.pk)}
    assert (names_of(mine), names_of(theirs)) == (["left"], [])
    none = retag(client, theirs, add="left").json()
    assert (none["says"], none["images"], none["undo"]) == (
        "None of these images is there any more.",
        {},
        None,
    )


def test_only_who_may_change_images_does(client: Client):
    client.force_login(staff_of("mine", "view_image"))
    image = make_image(project=project("mine"))
    assert retag(client, image, add="left").status_code == 403
    assert not Change.objects.exists()


def test_changes_of_others_are_not_undone_here(client: Client, boss):
    image = make_image(project=project("mine"))
    undo = retag(boss, image, add="left").json()["undo"]
    client.force_login(staff_of("mine", "change_image"))
    assert client.post(undo, headers=JSON).status_code == 404
    assert names_of(image) == ["left"]


def test_nothing_is_done_by_get_or_without_a_login(client: Client, boss):
    assert boss.get(RETAG).status_code == 405
    boss.logout()
    assert client.post(RETAG, headers=JSON).status_code == 302
    assert not Change.objects.exists()


def test_where_another_change_is_ahead_it_waits_for_the_worker(boss):
    image = make_image()
    first = Change.objects.get(pk=retag(boss, image, add="left").json()["change"])
    Change.objects.filter(pk=first.pk).update(state=State.APPLYING, position=0)
    answer = retag(boss, image, add="right").json()
    assert answer["state"] == "applying"
    assert (
        answer["says"] == f"Change {answer['change']} waits for another one, and is done after it."
    )
    assert answer["undo"] is None
