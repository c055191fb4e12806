"""What is done to many tags of the list: a plan with a number first, then the deed, in words."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from taggedimages.changes.models import Change, Kind, State
from taggedimages.factories import TESTS, make_image, make_tag, make_user
from taggedimages.identity.models import User
from tags import vocabulary
from tags.models import Tag

pytestmark = pytest.mark.django_db
LIST = reverse("admin:tags_tag_changelist")


@pytest.fixture
def staff(client: Client) -> Client:
    """Staff of the project `lab` who may do anything with tags."""
    user = make_user("mira", project_id="lab", staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="tags"))
    client.force_login(user)
    return client


def chosen(client: Client, action: str, *names: str, **fields: Any) -> Any:
    """The answer to an action on the tags of these names."""
    ids = list(Tag.objects.filter(name__in=names).values_list("pk", flat=True))
    return client.post(LIST, {"action": action, "_selected_action": ids, **fields})


def said(client: Client) -> list[str]:
    """What the list tells after an action."""
    return [str(one) for one in client.get(LIST).context["messages"]]


def statuses() -> dict[str, str]:
    return dict(Tag.objects.values_list("name", "status"))


@pytest.mark.parametrize(
    ("action", "status"),
    [("deprecate", "deprecated"), ("activate", "active"), ("lock", "locked")],
)
def test_a_status_is_planned_and_then_set(boss, action, status):
    make_image("knee", "left")
    make_image("left")
    make_tag("old", status="deprecated")
    plan = chosen(boss, action, "knee", "left", "old")
    assert plan.status_code == 200
    assert "2 images" in plan.content.decode()
    assert statuses() == {"knee": "active", "left": "active", "old": "deprecated"}
    assert chosen(boss, action, "knee", "left", "old", post="yes").status_code == 302
    assert set(statuses().values()) == {status}
    (told,) = said(boss)
    assert "“knee”, “left”, “old”" in told
    assert "They were active or deprecated" in told


def test_a_merge_leads_to_the_plan_of_a_change(boss):
    make_image("knee")
    make_image("genu")
    make_tag("Knee joint")
    assert "Merge into" in chosen(boss, "merge", "knee", "genu").content.decode()
    answer = chosen(boss, "merge", "knee", "genu", post="yes", into="knee JOINT")
    change = Change.objects.get()
    assert answer["Location"] == reverse("admin:changes_change_change", args=[change.pk])
    assert (change.kind, change.state, change.images) == (Kind.MERGE, State.PLANNED, 2)
    assert change.author_name == "boss"
    assert not Tag.objects.filter(alias_of__isnull=False).exists()


def test_a_merge_into_one_of_the_chosen_merges_the_others(boss):
    make_image("knee")
    make_image("genu")
    chosen(boss, "merge", "knee", "genu", post="yes", into="knee")
    operation = Change.objects.get().operation["merge"]
    assert [one["name"] for one in operation["from"]] == ["genu"]
    assert operation["into"]["name"] == "knee"


@pytest.mark.parametrize(
    ("into", "words"),
    [
        ("", "This field is required"),
        ("nothing", "There is no tag “nothing”."),
        ("a, b", "Name one tag alone."),
        ('"open', "ends with one"),
        ("knee", "Say which tags are to be merged."),
    ],
)
def test_a_merge_that_cannot_be_is_refused_in_words(boss, into, words):
    make_tag("knee")
    answer = chosen(boss, "merge", "knee", post="yes", into=into)
    told = answer.content.decode() if answer.status_code == 200 else "".join(said(boss))
    assert words in told
    assert not Change.objects.exists()


def test_category_and_colour(boss):
    make_tag("knee", category="old", color="#111111")
    make_tag("hand", category="old", color="#222222")
    chosen(boss, "classify", "knee", "hand", post="yes", category="anatomy")
    assert set(Tag.objects.values_list("category", "color")) == {
        ("anatomy", "#111111"),
        ("anatomy", "#222222"),
    }
    chosen(boss, "classify", "knee", post="yes", color="#abcdef", no_category="on")
    assert Tag.objects.filter(name="knee", category="", color="#abcdef").exists()
    answer = chosen(boss, "classify", "knee", post="yes", color="red")
    assert answer.status_code == 200
    assert "six hexadecimal digits" in answer.content.decode()
    assert (
        "Say what is to be changed" in chosen(boss, "classify", "knee", post="yes").content.decode()
    )


def test_deleting_says_what_goes_before_it_goes(boss):
    image = make_image("knee", "left")
    genu = make_tag("genu")
    vocabulary.alias(genu, Tag.objects.get(name="knee"), TESTS)
    plan = chosen(boss, "delete_selected", "knee").content.decode()
    assert "1 image" in plan
    assert "An alias goes with them" in plan
    assert "cannot be taken back" in plan
    assert Tag.objects.count() == 3
    chosen(boss, "delete_selected", "knee", post="yes")
    assert [tag.name for tag in image.tags.all()] == ["left"]
    assert [tag.name for tag in Tag.objects.all()] == ["left"]
    assert said(boss) == ["Deleted “knee”."]


@pytest.mark.parametrize("action", ["merge", "deprecate", "activate", "lock", "delete_selected"])
def test_tags_on_images_of_others_are_left_alone(staff, action):
    lab, far = User.objects.get(username="mira"), make_user(project_id="far")
    make_image("own", "shared", by=lab)
    make_image("shared", by=far)
    page = chosen(staff, action, "own", "shared").content.decode()
    assert "Not yours to change, and left alone: “shared”." in page
    refused = chosen(staff, action, "own", "shared", post="yes", into="own")
    assert refused.status_code == 403
    assert set(statuses().values()) == {"active"}
    assert chosen(staff, action, "shared").status_code == 302
    assert said(staff) == ["Images of other projects have this tag."]


def test_staff_are_told_of_images_of_their_project_alone(staff):
    lab = User.objects.get(username="mira")
    make_image("knee", by=lab)
    assert "1 image" in chosen(staff, "deprecate", "knee").content.decode()


def test_whoever_may_only_look_is_offered_nothing(client):
    user = make_user(project_id="lab", staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_tag"))
    client.force_login(user)
    make_image("knee", by=user)
    assert "Deprecate…" not in client.get(LIST).content.decode()
    chosen(client, "deprecate", "knee", post="yes")
    assert statuses() == {"knee": "active"}


def test_the_whole_search_up_to_a_thousand(boss, monkeypatch):
    for number in range(3):
        make_tag(f"tag {number}")
    everything = {"select_across": "1", "_selected_action": "1", "action": "deprecate"}
    assert "3 tags" not in boss.post(LIST, everything | {"select_across": "0"}).content.decode()
    plan = boss.post(LIST, everything).content.decode()
    assert "Deprecate “tag 0”, “tag 1”, “tag 2”" in plan
    monkeypatch.setattr("tags.admin.actions.MOST_TAGS", 2)
    boss.post(LIST, everything)
    assert said(boss) == ["At most 2 tags at once."]


def test_a_plan_of_many_tags_takes_no_more_statements(boss):
    asked = []
    for count in (2, 30):
        for number in range(count):
            make_tag(f"tag {number}")
        with CaptureQueriesContext(connection) as statements:
            assert chosen(boss, "deprecate", *(f"tag {n}" for n in range(count))).status_code == 200
        asked.append(len(statements))
    assert max(asked) <= 14, asked


@pytest.mark.parametrize("odd", ["\0", "9" * 5_000, "x", "-1", "²"])
def test_odd_fields_are_answered(boss, odd):
    make_tag("knee")
    for action in ("merge", "classify", "deprecate", "delete_selected", odd):
        fields = dict.fromkeys(("into", "category", "color", "no_category", "post"), odd)
        assert chosen(boss, action, "knee", **fields).status_code < 500
        assert boss.post(LIST, {"action": action, "_selected_action": odd}).status_code < 500
