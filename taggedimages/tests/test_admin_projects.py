"""Staff of a project have it in the admin, and nothing of another; nobody makes themselves more."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse

from images.models import Image
from taggedimages.changes.models import Change
from taggedimages.changes.tests.corpora import make_change, refs
from taggedimages.datasets.models import Dataset, Release
from taggedimages.datasets.tests.releases import make_dataset
from taggedimages.factories import make_image, make_tag, make_user
from taggedimages.identity.models import Project, SigningKey, Token, User
from tags.models import Tag, TagChange

pytestmark = pytest.mark.django_db

MODELS = {
    "images_image": Image,
    "tags_tagchange": TagChange,
    "changes_change": Change,
    "datasets_dataset": Dataset,
    "datasets_release": Release,
    "identity_project": Project,
    "identity_user": User,
    "identity_token": Token,
    "identity_signingkey": SigningKey,
}


@pytest.fixture
def lab(who: User) -> Image:
    image = make_image("knee", by=who, private=True, filename="lab.png")
    make_change({"add": refs("knee")}, [image], by=who)
    make_release("lab-set", who)
    return image


@pytest.fixture
def far() -> Image:
    """An image of another project."""
    image = make_image("hand", by=make_user("omar", project_id="far"), filename="far.png")
    make_change({"add": refs("hand")}, [image], by=image.created_by)
    make_release("far-set", image.created_by)
    return image


def make_release(name: str, by: User | None) -> None:
    """A release that waits for the worker."""
    dataset = make_dataset(name, by=by)
    Release.objects.create(dataset=dataset, number=1, query={}, question={}, author_name="x")


def to(model: str, page: str = "changelist", *ids: Any) -> str:
    return reverse(f"admin:{model}_{page}", args=ids)


def of(model: str, project: str) -> Any:
    """Something of a project that the admin has a page for."""
    if model == "tags_tagchange":
        return TagChange.objects.filter(image_id__in=Image.objects.of_project(project)).first()
    path = {"identity_project": "pk", "datasets_release": "dataset__project"}
    path |= dict.fromkeys(
        ("images_image", "changes_change", "identity_user", "datasets_dataset"), "project"
    )
    return (
        MODELS[model]._default_manager.filter(**{path.get(model, "user__project"): project}).first()
    )


def fields_of(user: User, **changed: Any) -> dict[str, Any]:
    """What the form of a user sends."""
    date, _, time = user.date_joined.strftime("%Y-%m-%d %H:%M:%S").partition(" ")
    kept = {"username": user.username, "is_active": "on", "is_staff": "on" if user.is_staff else ""}
    return kept | {"date_joined_0": date, "date_joined_1": time} | changed


def messages_of(page: Any) -> list[str]:
    """What a page says besides; a refusal is no page."""
    return [str(said) for said in page.context["messages"]] if page.context else []


@pytest.mark.parametrize("model", MODELS)
def test_a_list_has_what_is_of_the_project_alone(staff, lab, far, model):
    page = staff.get(to(model))
    shown = set(page.context["cl"].result_list)
    assert of(model, "lab") in shown
    assert of(model, "far") not in shown
    assert page.context["cl"].result_count == len(shown)
    body = page.content.decode()
    assert not {word for word in ("far", "omar", "hand") if word in body}


@pytest.mark.parametrize(
    ("model", "search"),
    [
        ("images_image", "far.png"),
        ("images_image", "exact_tags=hand"),
        ("tags_tagchange", "hand"),
        ("identity_user", "omar"),
        ("identity_project", "far"),
        ("identity_token", "omar"),
        ("datasets_dataset", "far"),
        ("datasets_release", "far"),
    ],
)
def test_a_search_finds_nothing_of_another_project(staff, lab, far, model, search):
    assert staff.get(to(model), {"q": search}).context["cl"].result_count == 0


@pytest.mark.parametrize(
    ("model", "filtered"),
    [
        ("images_image", {"project__id__exact": "far"}),
        ("images_image", {"created_by__username__startswith": "om"}),
        ("changes_change", {"by": "omar"}),
        ("changes_change", {"project__id__exact": "far"}),
        ("datasets_dataset", {"project__id__exact": "far"}),
        ("datasets_release", {"dataset__name": "far-set"}),
        ("identity_user", {"project__id__exact": "far"}),
        ("identity_token", {"user__username": "omar"}),
    ],
)
def test_no_filter_of_an_address_tells_of_another_project(staff, lab, far, model, filtered):
    name, value = next(iter(filtered.items()))
    answers = [staff.get(to(model), {name: one}) for one in (value, "nobody")]
    assert answers[0].status_code == answers[1].status_code
    shown = [one.context["cl"].result_count for one in answers if one.context]
    assert not any(shown)


@pytest.mark.parametrize("page", ["change", "history", "delete"])
@pytest.mark.parametrize("model", MODELS)
def test_what_is_of_another_project_is_as_if_it_were_not(staff, lab, far, model, page):
    def asked(id: Any) -> list[tuple[int, str | None, list[str]]]:
        got = [
            staff.get(to(model, page, id), follow=True),
            staff.post(to(model, page, id), {"post": "yes"}, follow=True),
        ]
        return [
            (
                one.status_code,
                one.request["PATH_INFO"].replace(str(id), ""),
                [said.replace(str(id), "") for said in messages_of(one)],
            )
            for one in got
        ]

    foreign = of(model, "far")
    assert asked(foreign.pk) == asked("nobody" if model == "identity_project" else 999_999)
    assert MODELS[model]._default_manager.filter(pk=foreign.pk).exists()


def test_the_images_of_the_project_are_described_and_deleted(staff, lab):
    fields = {"name": "Knee", "title": "", "description": "", "album_id": "default"}
    sent = fields | {"ended_at_0": "", "ended_at_1": "", "visibility": "1"}
    assert staff.post(to("images_image", "change", lab.pk), sent).status_code == 302
    lab.refresh_from_db()
    assert (lab.name, lab.visibility) == ("Knee", 1)
    assert staff.post(to("images_image", "delete", lab.pk), {"post": "yes"}).status_code == 302
    lab.refresh_from_db()
    assert lab.deleted_at


def test_the_bulk_action_deletes_no_image_of_another_project(staff, lab, far):
    action = {"action": "delete_selected", "_selected_action": [lab.pk, far.pk], "post": "yes"}
    staff.post(to("images_image"), action)
    far.refresh_from_db()
    assert far.deleted_at is None


# --- Tags ----------------------------------------------------------------------------------------


def rename(staff: Client, name: str, new: str) -> int:
    sent = {"name": new, "description": "", "label_en": "", "label_fr": "", "color": "#112233"}
    return staff.post(to("tags_tag", "change", Tag.objects.get(name=name).pk), sent).status_code


@pytest.fixture
def shared(who: User, lab: Image, far: Image) -> Image:
    """An image of the project with a tag that one of another has, too."""
    return make_image("hand", by=who)


def test_tags_that_images_of_others_have_are_not_changed(staff, shared):
    assert [rename(staff, name, f"my-{name}") for name in ("knee", "hand")] == [302, 403]
    assert set(Tag.objects.values_list("name", flat=True)) == {"my-knee", "hand"}


def test_tags_that_images_of_others_have_are_not_deleted_one_by_one_or_in_bulk(staff, shared):
    hand, knee = Tag.objects.order_by("name")
    page = to("tags_tag", "delete", hand.pk)
    assert [staff.get(page).status_code, staff.post(page, {"post": "yes"}).status_code] == [403] * 2
    action = {"action": "delete_selected", "_selected_action": [knee.pk, hand.pk], "post": "yes"}
    assert staff.post(to("tags_tag"), action).status_code == 403
    assert Tag.objects.count() == 2
    action["_selected_action"] = [knee.pk]
    assert staff.post(to("tags_tag"), action).status_code == 302
    assert Tag.objects.get() == hand


def test_tags_are_those_of_the_projects_images_and_counted_by_these_alone(staff, who, shared, far):
    make_image("knee", "hand", "elbow", by=far.created_by)
    make_tag("spare")
    page = staff.get(to("tags_tag"))
    assert {tag.name: tag.uses for tag in page.context["cl"].result_list} == {"knee": 1, "hand": 1}
    assert not {word for word in ("elbow", "spare") if word in page.content.decode()}
    elbow = Tag.objects.get(name="elbow")
    for name in ("change", "delete", "history"):
        answers = [staff.get(to("tags_tag", name, pk)) for pk in (elbow.pk, 999_999)]
        assert {(answer.status_code, answer["Location"]) for answer in answers} == {
            (302, "/admin/")
        }


def test_a_tag_that_staff_made_themselves_is_theirs_to_see(staff, who):
    sent = {"name": "mine", "color": "#112233", "status": "active"}
    assert staff.post(to("tags_tag", "add"), sent).status_code == 302
    assert [tag.name for tag in staff.get(to("tags_tag")).context["cl"].result_list] == ["mine"]


# --- Users ---------------------------------------------------------------------------------------


def test_nobody_makes_a_superuser_or_moves_anybody_to_another_project(staff, who, far):
    user = make_user("ada", project_id="lab")
    for one in (user, who):
        sent = fields_of(one, is_superuser="on", project="far", first_name="New")
        if one == who:
            sent["user_permissions"] = [held.pk for held in one.user_permissions.all()]
        assert staff.post(to("identity_user", "change", one.pk), sent).status_code == 302
        one.refresh_from_db()
        assert (one.first_name, one.is_superuser, one.project_id) == ("New", False, "lab")


def test_a_user_who_is_added_is_of_the_project(staff):
    password = {"password1": "correct horse 7", "password2": "correct horse 7"}
    sent = {"username": "ada", "usable_password": "true", "project": "far", "is_superuser": "on"}
    assert staff.post(to("identity_user", "add"), sent | password).status_code == 302
    ada = User.objects.get(username="ada")
    assert (ada.project_id, ada.is_superuser, ada.is_staff) == ("lab", False, False)


def test_groups_and_permissions_are_given_by_who_has_them(staff, who):
    mine, other = Group.objects.create(name="mine"), Group.objects.create(name="other")
    who.groups.add(mine)
    view, change = Permission.objects.filter(codename__in=("view_image", "change_image"))
    who.user_permissions.remove(change)
    user = make_user("ada", project_id="lab")
    page = to("identity_user", "change", user.pk)
    for wrong in ({"groups": [other.pk]}, {"user_permissions": [change.pk]}):
        assert staff.post(page, fields_of(user, **wrong)).status_code == 200
    assert not user.groups.exists()
    assert not user.user_permissions.exists()
    given = {"groups": [mine.pk], "user_permissions": [view.pk]}
    assert staff.post(page, fields_of(user, **given)).status_code == 302
    assert (user.groups.get(), user.user_permissions.get()) == (mine, view)


@pytest.mark.parametrize("kind", ["superuser", "inactive superuser", "user with more permissions"])
def test_who_may_do_more_is_not_changed_by_who_may_do_less(staff, who, kind):
    boss = make_user("boss", project_id="lab", staff=True)
    if kind == "user with more permissions":
        extra = Permission.objects.get(codename="add_group")
        who.user_permissions.remove(extra)
        Group.objects.create(name="more").permissions.add(extra)
        boss.groups.add(Group.objects.get(name="more"))
    else:
        User.objects.filter(pk=boss.pk).update(is_superuser=True, is_active=kind == "superuser")
    password = {"password1": "correct horse 7", "password2": "correct horse 7"}
    sent = password | {"usable_password": "true", "set_usable_password": "true"}
    token, key = boss.tokens.get(), boss.signing_keys.all()[0]
    for page in (
        to("identity_user", "change", boss.pk),
        to("identity_user", "delete", boss.pk),
        reverse("admin:auth_user_password_change", args=[boss.pk]),
        to("identity_token", "change", token.pk),
        to("identity_signingkey", "delete", key.pk),
    ):
        assert staff.post(page, fields_of(boss) | sent | {"post": "yes"}).status_code == 403, page
    action = {"action": "delete_selected", "_selected_action": [boss.pk], "post": "yes"}
    assert staff.post(to("identity_user"), action).status_code == 403
    boss.refresh_from_db()
    assert not boss.has_usable_password()


def test_projects_and_groups_are_superusers_to_make(staff):
    group = Group.objects.create(name="editors")
    pages = [to("identity_project", "add"), to("identity_project", "delete", "lab")]
    pages += [to("auth_group", "add"), to("auth_group", "change", group.pk), to("auth_group")]
    assert {staff.post(page, {"id": "new", "name": "new"}).status_code for page in pages} == {403}


def test_superusers_have_all_projects(client, lab, far):
    client.force_login(User.objects.create_superuser("boss"))
    for model in MODELS:
        shown = set(client.get(to(model)).context["cl"].result_list)
        assert {of(model, "lab"), of(model, "far")} <= shown
        assert client.get(to(model, "change", of(model, "far").pk)).status_code == 200
    assert rename(client, "hand", "wrist") == 302
