"""The plan of a change in the admin: seen, thinned out, applied by its digest, stopped, undone."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from images.models import Image
from images.visibility import Viewer
from search.query import Query
from taggedimages.changes import lifecycle, operations
from taggedimages.changes.admin import page
from taggedimages.changes.models import Change, Kind, State
from taggedimages.changes.tests.corpora import applied
from taggedimages.factories import make_image, make_tag, make_user
from taggedimages.identity.authors import ADMIN, Author
from taggedimages.identity.models import User
from tags import renaming
from tags.models import ImageTag, Tag

pytestmark = pytest.mark.django_db
ACTIONS = ("apply", "discard", "stop", "resume", "undo", "exclude", "include")


def staff(name: str, project: str, *permissions: str) -> tuple[Client, User]:
    """A member of the staff of a project with these permissions."""
    user = make_user(name, project_id=project, staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client, user


def plan(by: User | None = None, through: str = ADMIN, **given: Any) -> Change:
    """A plan of all images with a knee that its author may change: by the superuser unless said."""
    author = Author(by or User.objects.get(username="boss"), through)
    operation = operations.proposed(given or {"add": ["seen"]}, Viewer(audiences=None))
    asked = {"any_tags": ["knee"]}
    return lifecycle.propose(operation, Query(exact_tags=("knee",)), author, asked=asked)


def to(change: Change, name: str = "change") -> str:
    return reverse(f"admin:changes_change_{name}", args=[change.pk])


def told(answer: Any) -> str:
    """What a redirect's messages say."""
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


def text(answer: Any) -> str:
    """The page as one reads it, without its tags."""
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]*>", " ", answer.content.decode()).split())


def as_it_is(change: Change) -> Change:
    change.refresh_from_db()
    return change


# --- What the page says --------------------------------------------------------------------------


def test_a_plan_says_how_many_which_and_what(boss: Client) -> None:
    make_image("knee", "old"), make_image("knee", "seen", "old"), make_image("old")
    change = plan(add=["seen", "brand new"], remove=["old"], values={"side": "left"})
    said = text(boss.get(to(change)))
    assert "2 images" in said
    assert "with the tag “knee”" in said
    assert "Give seen brand new (new)" in said
    assert "Take away old" in said
    assert "Give side (new) the value “left”" in said
    assert "5 tags are given 2 tags are taken away" in said
    # What comes and goes is told by signs, beside any colour.
    assert "\N{MINUS SIGN} old" in said
    assert "+ brand new" in said
    assert "+ side = left" in said
    assert "Apply to 2 images" in said


@pytest.mark.parametrize(
    ("kind", "operation", "says"),
    [
        ("merge", {"merge": {"from": [{"id": 1, "name": "a"}], "into": {"id": 2, "name": "b"}}},
         "Merge a into b"),
        ("rename", {"rename": {"id": 1, "from": "a", "to": "b", "keep_old": True}},
         "Rename a to b and keep the old name as an alias"),
        ("import", {"import": {"source": "s3://bucket/x"}}, "Import from s3://bucket/x"),
        ("retag", {"add": [], "remove": [], "replace": [], "values": []}, "Take away all tags"),
        ("records", {"images": "trash"}, "Move them to the trash"),
        ("records", {"images": "hide", "visibility": "private"}, "Hide them from everybody"),
        ("records", {"images": "show", "visibility": "public"}, "Show them to everybody"),
    ],
)  # fmt: skip
def test_every_kind_of_change_reads_well(boss: Client, kind: str, operation: Any, says: str):
    change = plan()
    Change.objects.filter(pk=change.pk).update(
        kind=kind, operation=operation, state=State.APPLIED, plan=None, query=None, question=None
    )
    assert says in text(boss.get(to(change)))
    assert boss.get(reverse("admin:changes_change_changelist")).status_code == 200


def test_selected_images_are_counted_in_words(boss: Client) -> None:
    ids = tuple(make_image("knee").pk for _ in range(3))
    operation = operations.proposed({"add": ["seen"]}, Viewer(audiences=None))
    by = Author(User.objects.get(), ADMIN)
    change = lifecycle.propose(operation, Query(ids=ids), by, asked={"ids": list(ids)})
    assert "3 selected images" in text(boss.get(to(change)))


# --- Applying ------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_plan_is_applied_by_its_button_and_undone_by_another(boss: Client) -> None:
    image, other = make_image("knee"), make_image("knee", "seen")
    change = plan()
    assert boss.post(to(change, "apply"), {"digest": change.digest})["Location"] == to(change)
    assert as_it_is(change).state == State.APPLYING
    assert "<progress" in boss.get(to(change)).content.decode()
    # Sent twice, it is applied once.
    again = boss.post(to(change, "apply"), {"digest": change.digest})
    assert (again["Location"], told(again)) == (to(change), "")

    assert applied(change).state == State.APPLIED
    said = text(boss.get(to(change)))
    assert "1 image changed 1 image left alone: they were so already" in said
    listed = boss.get(to(change, "images"), {"outcome": "changed"})
    assert [card.id for card in listed.context["cards"]] == [image.pk]

    answer = boss.post(to(change, "undo"))
    undo = Change.objects.get(of=change)
    assert answer["Location"] == to(undo)
    assert f"Take back change {change.pk}" in text(boss.get(to(undo)))
    # Sent twice, it is one plan.
    assert boss.post(to(change, "undo"))["Location"] == to(undo)
    boss.post(to(undo, "apply"), {"digest": undo.digest})
    assert applied(undo).state == State.APPLIED
    assert f"undone by change {undo.pk}" in text(boss.get(to(change)))
    seen = ImageTag.objects.filter(tag__name="seen").values_list("image", flat=True)
    assert list(seen) == [other.pk]
    redo = boss.post(to(undo, "undo"))
    assert redo["Location"] == to(Change.objects.get(of=undo))


@pytest.mark.parametrize(
    ("typed", "is_applied"),
    [("3", True), (" 3 ", True), ("4", False), ("", False), ("\u00b3", False), ("9" * 500, False)],
)
def test_many_images_want_their_number_typed(
    boss: Client, monkeypatch: pytest.MonkeyPatch, typed: str, is_applied: bool
):
    for _ in range(3):
        make_image("knee")
    monkeypatch.setattr(page, "TYPED_FROM", 2)
    change = plan()
    assert "Type 3 to apply it" in text(boss.get(to(change)))
    answer = boss.post(to(change, "apply"), {"digest": change.digest, "typed": typed})
    assert answer.status_code == 302
    assert (as_it_is(change).state == State.APPLYING) == is_applied
    assert ("Nothing was changed" in told(answer)) == (not is_applied)


def test_a_number_is_typed_with_or_without_what_divides_it(
    boss: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_image("knee")
    change = plan()
    Change.objects.filter(pk=change.pk).update(images=1_234_567)
    assert "Type 1,234,567 to apply it" in text(boss.get(to(change)))
    boss.post(to(change, "apply"), {"digest": change.digest, "typed": "1,234 567"})
    assert as_it_is(change).state == State.APPLYING


@pytest.mark.django_db(transaction=True)
def test_names_are_changed_where_no_image_is(boss: Client) -> None:
    by = Author(User.objects.get(), ADMIN)
    renaming.rename(make_tag("kneee"), "knee", by, keep_old=False)
    renamed = Change.objects.get(kind=Kind.RENAME)
    boss.post(to(renamed, "undo"))
    make_tag("joint"), make_tag("joints")
    merge = operations.proposed(
        {"merge": {"from": ["joints"], "into": "joint"}}, Viewer(audiences=None)
    )
    for change in (Change.objects.get(of=renamed), lifecycle.propose(merge, None, by)):
        page = boss.get(to(change))
        assert 'form="apply"' in page.content.decode()
        assert "no image to be changed" not in text(page)
        boss.post(to(change, "apply"), {"digest": change.digest})
        assert applied(change).state == State.APPLIED
    assert Tag.objects.get(name="kneee").alias_of is None
    assert Tag.objects.get(name="joints").alias_of == Tag.objects.get(name="joint")


def test_a_plan_that_does_nothing_has_no_button(boss: Client) -> None:
    change = plan()
    page = boss.get(to(change))
    assert "There is no image to be changed" in text(page)
    assert 'form="apply"' not in page.content.decode()


def test_what_was_looked_at_is_applied_or_nothing(boss: Client) -> None:
    out, _ = make_image("knee"), make_image("knee")
    change = plan()
    looked_at = change.digest
    lifecycle.exclude(change.pk, [out.pk], Author(User.objects.get(), ADMIN))
    for digest in (looked_at, "", "\x00"):
        answer = boss.post(to(change, "apply"), {"digest": digest})
        assert "The plan is another by now" in told(answer)
        assert answer["Location"] == to(change)
    assert as_it_is(change).state == State.PLANNED


def test_large_changes_are_applied_by_somebody_else(boss: Client, settings: Any) -> None:
    make_image("knee"), make_image("knee")
    settings.CHANGE_CONFIRM = 1
    change = plan()
    page = boss.get(to(change)).content.decode()
    assert "is applied by somebody else than its author" in page
    assert to(change, "apply") not in page
    answer = boss.post(to(change, "apply"), {"digest": change.digest})
    assert "somebody else than its author" in told(answer)
    other = Client()
    other.force_login(User.objects.create_superuser("other"))
    other.post(to(change, "apply"), {"digest": change.digest})
    assert as_it_is(change).state == State.APPLYING


def test_discarding_stopping_and_resuming(boss: Client) -> None:
    make_image("knee")
    change, other = plan(), plan()
    for _ in range(2):
        assert told(boss.post(to(change, "discard"))) == ""
    assert as_it_is(change).state == State.DISCARDED
    lifecycle.apply(other.pk, other.digest, Author(User.objects.get(), ADMIN))
    for name, state in (("stop", State.STOPPED), ("resume", State.APPLYING)):
        for _ in range(2):
            assert told(boss.post(to(other, name))) == ""
        assert as_it_is(other).state == state
    refused = boss.post(to(other, "discard"))
    assert "A change that is applying is not discarded" in told(refused)


def test_how_far_it_is_can_be_asked(boss: Client) -> None:
    make_image("knee")
    change = plan()
    Change.objects.filter(pk=change.pk).update(state=State.APPLYING, images=2_000, done=1_500)
    assert boss.get(to(change, "progress")).json() == {
        "state": "applying",
        "says": "Image after image is changed now.",
        "done": 1_500,
        "of": 2_000,
        "progress": "1,500 of 2,000 images",
        "moves": True,
    }
    Change.objects.filter(pk=change.pk).update(state=State.PLANNING, plan=None)
    said = boss.get(to(change)).content.decode()
    assert "progress.js" in said
    assert "Look again" in said


# --- Taking images out ---------------------------------------------------------------------------


def test_single_images_are_taken_out_and_put_back(boss: Client) -> None:
    images = [make_image("knee") for _ in range(3)]
    change = plan()
    assert f'name="image" value="{images[0].pk}"' in boss.get(to(change)).content.decode()
    answer = boss.post(to(change, "exclude"), {"image": [images[0].pk, images[2].pk]})
    assert told(answer) == "2 images taken out. The plan is of 1 image now."
    said = text(boss.get(to(change)))
    assert "2 taken out of the plan" in said
    assert "1 image Does" in said
    left = boss.get(to(change, "images"))
    assert [card.id for card in left.context["cards"]] == [images[1].pk]
    out = boss.get(to(change, "images"), {"outcome": "excluded"})
    assert [card.id for card in out.context["cards"]] == [images[0].pk, images[2].pk]
    there = f"{to(change, 'images')}?outcome=excluded"
    back = boss.post(to(change, "include"), {"image": images[2].pk, "next": there})
    assert back["Location"] == there
    assert as_it_is(change).excluded == [images[0].pk]


@pytest.mark.parametrize("odd", ["", "x", "-1", "9" * 30, "\x00", "9223372036854775807"])
def test_odd_images_are_passed_over(boss: Client, odd: str) -> None:
    make_image("knee")
    change = plan()
    for name in ("exclude", "include"):
        assert boss.post(to(change, name), {"image": odd}).status_code == 302
    assert as_it_is(change).excluded == []


def test_no_form_leads_to_another_site(boss: Client) -> None:
    make_image("knee")
    change = plan()
    answer = boss.post(to(change, "exclude"), {"next": "//evil.example/"})
    assert answer["Location"] == to(change)
    assert "No image was ticked" in told(answer)


def test_images_come_in_pages(boss: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from taggedimages.changes.admin import members

    monkeypatch.setattr(members, "PAGE_IMAGES", 2)
    images = [make_image("knee").pk for _ in range(5)]
    change, found = plan(), []
    url = to(change, "images")
    while url:
        answer = boss.get(url)
        found += [card.id for card in answer.context["cards"]]
        url = answer.context["next"]
    assert found == images
    for odd in ("x", "9" * 30, "-5", "\x00"):
        odd_page = boss.get(to(change, "images"), {"after": odd, "outcome": odd})
        assert [card.id for card in odd_page.context["cards"]] == images[:2]


# --- Who -----------------------------------------------------------------------------------------


def test_staff_of_another_project_find_nothing(boss: Client) -> None:
    _, mira = staff("mira", "lab", "change_image")
    make_image("knee", by=mira)
    change = plan(by=mira)
    omar, _ = staff("omar", "far", *ALL)
    for name in ("change", "progress", "images", "history"):
        assert omar.get(to(change, name)).status_code == 404
    for name in ACTIONS:
        assert omar.post(to(change, name), {"digest": change.digest}).status_code == 404
    assert as_it_is(change).state == State.PLANNED


ALL = ("view_change", "view_image", "change_image", "delete_image", "change_tag")


def test_who_may_only_look_sees_no_buttons_and_is_refused(boss: Client) -> None:
    client, mira = staff("mira", "lab", "view_image")
    make_image("knee", by=mira)
    change = plan(by=mira)
    page = client.get(to(change)).content.decode()
    assert "1 image" in page
    assert [name for name in ACTIONS if to(change, name) in page] == []
    assert "checkbox" not in page
    for name in ACTIONS:
        assert client.post(to(change, name), {"digest": change.digest}).status_code == 403
    assert as_it_is(change).state == State.PLANNED


@pytest.mark.parametrize(
    ("operation", "kind", "permission"),
    [
        ({"add": []}, "retag", "change_image"),
        ({"images": "trash"}, "records", "delete_image"),
        ({"images": "end"}, "records", "change_image"),
        ({"merge": {}}, "merge", "change_tag"),
        ({"rename": {}}, "rename", "change_tag"),
    ],
)
def test_each_kind_wants_its_permission(operation: Any, kind: str, permission: str) -> None:
    client, mira = staff("mira", "lab", "view_image", permission)
    make_image("knee", by=mira)
    change = plan(by=mira)
    Change.objects.filter(pk=change.pk).update(kind=kind, operation=operation)
    assert client.post(to(change, "discard")).status_code == 302
    others = set(ALL[1:]) - {permission, "view_image"}
    other, _ = staff("omar", "lab", "view_image", *others)
    assert other.post(to(change, "discard")).status_code == 403


def test_staff_see_the_images_of_their_project_alone(boss: Client) -> None:
    client, mira = staff("mira", "lab", "change_image")
    own = make_image("knee", by=mira)
    make_image("knee", by=make_user("omar", project_id="far"), filename="secret.png")
    change = plan(by=mira, through="v1")
    for url in (to(change), to(change, "images")):
        answer = client.get(url)
        assert [card.id for card in answer.context["cards"]] == [own.pk]
        assert "secret" not in answer.content.decode()


def test_a_form_without_a_token_is_refused(boss: Client) -> None:
    make_image("knee")
    change = plan()
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get(username="boss"))
    assert strict.post(to(change, "discard")).status_code == 403
    assert [boss.get(to(change, name)).status_code for name in ACTIONS] == [405] * len(ACTIONS)


@pytest.mark.parametrize("id", ["x", "0", "-1", "9" * 19, "9" * 5_000, "%00", "²"])
def test_an_odd_id_has_no_page(boss: Client, id: str) -> None:
    for name in ("change", "progress", "images"):
        assert boss.get(f"/admin/changes/change/{id}/{name}/").status_code == 404
    for name in ACTIONS:
        assert boss.post(f"/admin/changes/change/{id}/{name}/").status_code == 404


# --- What it takes -------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["boss", "staff"])
def test_pages_take_few_statements(
    boss: Client, who: str, django_assert_max_num_queries: Any
) -> None:
    client, mira = staff("mira", "lab", *ALL)
    for number in range(30):
        make_image("knee", f"tag {number}", by=mira)
    change = plan(by=mira, replace=["knee", "new"])
    undo_of_undo = plan(by=mira)
    for _ in range(3):
        Change.objects.filter(pk=undo_of_undo.pk).update(state=State.APPLIED)
        undo_of_undo = lifecycle.undo(as_it_is(undo_of_undo), Author(mira, ADMIN))
    for _ in range(5):
        plan(by=mira)
    looking = boss if who == "boss" else client
    urls = [
        to(change),
        to(undo_of_undo),
        to(change, "images"),
        to(change, "progress"),
        reverse("admin:changes_change_changelist"),
    ]
    for url in urls:
        with django_assert_max_num_queries(12):
            assert looking.get(url).status_code == 200


def test_an_image_that_is_deleted_is_in_no_sample(boss: Client) -> None:
    image, other = make_image("knee"), make_image("knee")
    change = plan()
    long_ago = image.created_at
    Image.objects.filter(pk=image.pk).update(ended_at=long_ago, deleted_at=long_ago)
    for url in (to(change), to(change, "images")):
        assert [card.id for card in boss.get(url).context["cards"]] == [other.pk]


# --- Records -------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("who", ["boss", "staff"])
def test_images_go_to_the_trash_and_come_back(boss: Client, who: str) -> None:
    client, user = boss, User.objects.get()
    if who == "staff":
        client, user = staff("mira", "lab", *ALL)
        make_image("knee", by=make_user("omar", project_id="far"))
    image = make_image("knee", by=user)
    change = plan(by=user, images="trash")
    page = client.get(to(change))
    assert "Move them to the trash, where they are kept for 30 days" in text(page)
    assert "Before for everybody After for everybody + in the trash" in text(page)
    client.post(to(change, "apply"), {"digest": change.digest})
    applied(change)
    # What has ended is in the admin still.
    listed = client.get(to(change, "images"), {"outcome": "changed"})
    assert [card.id for card in listed.context["cards"]] == [image.pk]

    client.post(to(change, "undo"))
    undo = Change.objects.get(of=change)
    page = client.get(to(undo))
    assert [card.id for card in page.context["cards"]] == [image.pk]
    assert "\N{MINUS SIGN} in the trash" in text(page)
    client.post(to(undo, "exclude"), {"image": image.pk})
    assert as_it_is(undo).excluded == [image.pk]
    client.post(to(undo, "include"), {"image": image.pk})
    client.post(to(undo, "apply"), {"digest": as_it_is(undo).digest})
    applied(undo)
    image.refresh_from_db()
    assert image.trashed_at is None


def test_what_has_ended_elsewhere_is_no_matter_of_staff(boss: Client) -> None:
    client, mira = staff("mira", "lab", *ALL)
    far = make_image("knee", by=make_user("omar", project_id="far"))
    change = plan(by=mira, through="v1", images="end")
    Image.objects.filter(pk=far.pk).update(ended_at=far.created_at)
    listed = client.get(to(change, "images"))
    assert [card.id for card in listed.context["cards"]] == []
