"""The clean-up list in the admin: what is shown to whom, what its buttons do, and what it costs."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from taggedimages.changes import worker
from taggedimages.changes.models import Change, State
from taggedimages.factories import TESTS, make_image, make_tag, make_user
from taggedimages.identity.models import User
from tags import vocabulary
from tags.admin.cleanup import pages
from tags.cleanup import sweep
from tags.cleanup.models import CleanupSweep, Finding, Kind, SetAside
from tags.models import ImageTag, Tag

pytestmark = pytest.mark.django_db
LIST = reverse("admin:tags_finding_changelist")


def staff(project: str, *permissions: str, name: str = "mira") -> Client:
    """A member of the staff of a project with these permissions."""
    user = make_user(name, project_id=project, staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def used(*given: str, times: int = 2, **fields: Any) -> None:
    """Tags, each on images of its own."""
    for name in given:
        for _ in range(times):
            make_image(name, **fields)


def found(*names: str) -> Finding:
    """The row of some tags, whichever is first, after a look."""
    sweep.run()
    return next(row for row in Finding.objects.all() if set(str(row).split(" / ")) == set(names))


def shown(client: Client, kind: str = "", **asked: Any) -> list[str]:
    """The rows on a page of the list."""
    answer = client.get(LIST, {"kind": kind} | asked)
    assert answer.status_code == 200
    return [str(row.finding) for row in answer.context["rows"]]


def said(answer: Any) -> str:
    """What the page after a form says, in one text."""
    return " ".join(str(message) for message in answer.context["messages"])


def send(client: Client, **fields: Any) -> Any:
    return client.post(LIST, fields, follow=True)


def to_change(answer: Any) -> Change:
    """The change whose page a form led to."""
    ((page, _), *_) = answer.redirect_chain[::-1]
    change = Change.objects.get()
    assert page == reverse("admin:changes_change_change", args=[change.pk])
    return change


def test_the_list_has_a_kind_at_a_time_with_how_many_rows_each_has(boss):
    used("knees", "knee", "hips", "hip", "Toe", "toe")
    make_tag("elbow")
    sweep.run()
    answer = boss.get(LIST)
    assert answer.context["counts"] == {Kind.CASE: "1", Kind.PLURAL: "2", Kind.NEVER: "1"}
    assert shown(boss) == ["toe / Toe"]
    assert set(shown(boss, "plural")) == {"knee / knees", "hip / hips"}
    assert shown(boss, "never") == ["elbow"]
    assert shown(boss, "once") == []
    text = boss.get(LIST, {"kind": "plural"}).content.decode()
    assert "One is the plural of the other." in text
    assert "Looked through" in text


def test_a_row_has_both_tags_with_their_numbers_and_pictures(boss):
    used("knees", times=1)
    used("knee", times=5)
    row = found("knees", "knee")
    (shown_row,) = boss.get(LIST, {"kind": "plural"}).context["rows"]
    goes, stays = shown_row.sides
    assert [goes.tag.name, goes.images, goes.stays] == ["knees", "1 image", False]
    assert [stays.tag.name, stays.images, stays.stays] == ["knee", "5 images", True]
    assert [len(side.pictures) for side in shown_row.sides] == [1, 3]
    page = boss.get(reverse("admin:tags_finding_change", args=[row.pk]))
    assert page.status_code == 200
    assert "knees" in page.content.decode()


def test_merge_leads_to_a_plan_that_is_ready(boss):
    used("knees", times=1)
    used("knee", times=3)
    change = to_change(send(boss, merge=found("knees", "knee").pk))
    assert (change.kind, change.state, change.images) == ("merge", State.PLANNED, 1)
    merge = change.operation["merge"]
    assert [merge["from"][0]["name"], merge["into"]["name"]] == ["knees", "knee"]
    # Nothing is changed by it, and the row is there until it is applied.
    assert shown(boss, "plural") == ["knees / knee"]
    again = send(boss, merge=Finding.objects.get(kind="plural").pk)
    assert to_change(again) == change


def test_applied_the_row_is_gone_at_once(boss):
    used("knees", times=1)
    used("knee", times=3)
    change = to_change(send(boss, merge=found("knees", "knee").pk))
    page = reverse("admin:changes_change_apply", args=[change.pk])
    boss.post(page, {"digest": change.digest})
    while worker.sweep():
        pass
    assert shown(boss, "plural") == []
    assert ImageTag.objects.filter(tag__name="knee").count() == 4


def test_the_merge_can_be_turned_round(boss):
    used("knees", times=1)
    used("knee", times=3)
    row = found("knees", "knee")
    change = to_change(send(boss, merge=row.pk, **{f"stays-{row.pk}": row.tag_id}))
    assert change.operation["merge"]["into"]["name"] == "knees"


def test_rows_that_are_ticked_become_a_plan_for_each_tag_that_stays(boss):
    used("knee", times=5)
    used("knees", "Knee", times=2)
    used("hip", times=3)
    used("hips", times=1)
    sweep.run()
    rows = Finding.objects.filter(kind__in=("plural", "case"))
    assert rows.count() == 3
    answer = send(boss, action="merge", row=[row.pk for row in rows])
    merges = [change.operation["merge"] for change in Change.objects.all()]
    assert sorted(
        (merge["into"]["name"], sorted(tag["name"] for tag in merge["from"])) for merge in merges
    ) == [("hip", ["hips"]), ("knee", ["Knee", "knees"])]
    assert "2 plans are made" in said(answer)


def test_what_goes_to_a_tag_that_goes_itself_goes_to_where_that_goes(boss):
    used("Left Knee", times=5)
    used("left knee", times=3)
    used("left-knees", times=1)
    sweep.run()
    rows = list(Finding.objects.filter(kind__in=("plural", "case")))
    # By hand: plural to the one, that to the other.
    plural = next(row for row in rows if row.kind == "plural")
    Finding.objects.filter(pk=plural.pk).update(
        other=Tag.objects.get(name="left knee"), other_name="left knee"
    )
    send(boss, action="merge", row=[row.pk for row in rows])
    merge = Change.objects.get().operation["merge"]
    assert merge["into"]["name"] == "Left Knee"
    assert {tag["name"] for tag in merge["from"]} == {"left knee", "left-knees"}


def test_what_is_left_over_is_merged_into_what_it_stands_for(boss):
    used("genu", "knee")
    vocabulary.alias(Tag.objects.get(name="genu"), Tag.objects.get(name="knee"), TESTS)
    change = to_change(send(boss, merge=found("genu", "knee").pk))
    assert change.images == 2
    assert change.operation["merge"]["into"]["name"] == "knee"


def test_opposites_have_their_images_and_a_plan_for_either_tag(boss):
    used("left", "right")
    both = make_image("left", "right")
    row = found("left", "right")
    page = boss.get(LIST, {"kind": "contradiction"})
    (shown_row,) = page.context["rows"]
    images = boss.get(shown_row.grid)
    assert [cell.id for cell, _ in images.context["cells"]] == [both.pk]
    assert "1 image has both" in shown_row.why
    left = Tag.objects.get(name="left")
    change = to_change(send(boss, untag=f"{row.pk}-{left.pk}"))
    assert (change.kind, change.images) == ("retag", 1)
    assert change.operation["remove"] == [{"id": left.pk, "name": "left"}]


@pytest.mark.parametrize("name", ["a|b", "a&b=c", "a\\bc", "p50%25", "x+y z", "é\u00a0ño"])
def test_names_with_signs_find_their_images(boss, name):
    used(f"no {name}", name)
    both = make_image(f"no {name}", name)
    sweep.run()
    (row,) = boss.get(LIST, {"kind": "contradiction"}).context["rows"]
    assert [cell.id for cell, _ in boss.get(row.grid).context["cells"]] == [both.pk]
    change = to_change(send(boss, untag=f"{row.finding.pk}-{row.sides[0].tag.pk}"))
    assert change.images == 1


def test_a_deprecated_tag_is_taken_off_all_its_images(boss):
    used("old")
    Tag.objects.update(status=Tag.Status.DEPRECATED)
    row = found("old")
    change = to_change(send(boss, untag=f"{row.pk}-{row.tag_id}"))
    assert change.images == 2


def test_a_tag_that_nobody_uses_is_deleted_after_a_second_look(boss):
    make_tag("elbow")
    make_tag("toe")
    sweep.run()
    rows = [row.pk for row in Finding.objects.all()]
    asked = send(boss, action="delete", row=rows)
    assert Tag.objects.count() == 2
    assert [str(row.finding) for row in asked.context["rows"]] == ["toe", "elbow"]
    used("toe", times=1)
    answer = send(boss, action="delete", row=rows, sure="1")
    assert list(Tag.objects.values_list("name", flat=True)) == ["toe"]
    assert "1 tag deleted" in said(answer)


def test_a_tag_used_once_is_shown_merged_or_deleted(boss):
    image = make_image("hip")
    used("coxa")
    row = found("hip")
    text = boss.get(LIST, {"kind": "once"}).content.decode()
    assert reverse("admin:images_image_change", args=[image.pk]) in text
    page = reverse("admin:tags_finding_change", args=[row.pk])
    assert 'name="into"' in boss.get(page).content.decode()
    change = to_change(boss.post(page, {"merge": row.pk, "into": "coxa"}, follow=True))
    assert change.operation["merge"]["into"]["name"] == "coxa"
    send(boss, delete=row.pk, sure="1")
    assert not Tag.objects.filter(name="hip").exists()


@pytest.mark.parametrize("into", ["", "nowhere", "hip", "coxa, genu", '"'])
def test_a_name_that_cannot_be_merged_into_is_told(boss, into):
    make_image("hip")
    used("coxa", "genu")
    row = found("hip")
    page = reverse("admin:tags_finding_change", args=[row.pk])
    assert said(boss.post(page, {"merge": row.pk, "into": into}, follow=True))
    assert not Change.objects.exists()


def test_not_a_problem_is_remembered_and_taken_back(boss):
    used("knees", "knee")
    row = found("knees", "knee")
    answer = send(boss, aside=row.pk, kind="plural")
    assert 'name="back"' in answer.content.decode()
    assert shown(boss, "plural") == []
    sweep.run()
    assert shown(boss, "plural") == []
    aside = SetAside.objects.get()
    page = boss.get(LIST, {"kind": "aside"})
    assert list(page.context["page"].object_list) == [aside]
    assert "boss" in page.content.decode()
    send(boss, back=aside.pk, kind="aside")
    assert not SetAside.objects.exists()
    sweep.run()
    assert shown(boss, "plural") == ["knee / knees"]


def test_several_are_set_aside_and_taken_back_at_once(boss):
    used("knees", "knee", "hips", "hip")
    sweep.run()
    rows = [row.pk for row in Finding.objects.all()]
    answer = send(boss, action="aside", row=rows, kind="plural")
    assert SetAside.objects.count() == 2
    send(boss, back=answer.context["undo"], kind="plural")
    assert len(shown(boss, "plural")) == 2


def test_a_look_is_asked_for(boss):
    answer = send(boss, ask="1")
    assert CleanupSweep.objects.get().asked_at
    assert "about to look" in answer.content.decode()
    sweep.run()
    assert "Looked through" in boss.get(LIST).content.decode()


def test_more_rows_than_are_kept_are_told(boss, monkeypatch):
    monkeypatch.setattr(pages, "MOST_OF_KIND", 1)
    used("knees", "knee", "hips", "hip")
    sweep.run()
    assert "2 were found. The 1 with the most images" in boss.get(LIST).content.decode()


@pytest.mark.parametrize("field", ["merge", "delete", "aside", "untag", "row"])
def test_a_row_that_is_gone_is_told(boss, field):
    used("knees", "knee")
    row = found("knees", "knee")
    Tag.objects.get(name="knee").delete()
    value = f"{row.pk}-{row.tag_id}" if field == "untag" else row.pk
    answer = send(boss, **{field: value, "action": "merge"})
    assert "not in the list any more" in said(answer)
    assert not Change.objects.exists()


@pytest.mark.parametrize("odd", ["", "x", "0", "-1", "9" * 30, "\0", "1-", "-", "²"])
def test_odd_forms_do_nothing_and_say_so(boss, odd):
    for field in ("merge", "delete", "aside", "untag", "back", "action"):
        answer = send(boss, **{field: odd, "row": odd})
        assert answer.status_code == 200
        assert said(answer)
    assert boss.get(LIST, {"kind": odd, "p": odd, "undo": odd}).status_code == 200
    assert boss.get(f"{LIST}{odd or 0}/change/").status_code in (302, 404)


def test_nothing_is_done_without_permission(boss):
    used("knees", "knee", by=make_user("ada", project_id="lab"))
    make_tag("elbow")
    sweep.run()
    plural, never = (Finding.objects.get(kind=kind) for kind in ("plural", "never"))
    viewer = staff("lab", "view_tag")
    assert shown(viewer, "plural") == [str(plural)]
    for fields in (
        {"merge": plural.pk},
        {"action": "merge", "row": plural.pk},
        {"aside": plural.pk},
        {"delete": never.pk},
        {"ask": 1},
        {"back": 1},
    ):
        assert viewer.post(LIST, fields).status_code == 403, fields
    for one in ("Merge…", "Delete…", "Not a problem</button>", "Look again"):
        assert one not in viewer.get(LIST).content.decode()
    nobody = staff("lab", "view_image", name="omar")
    assert nobody.get(LIST).status_code == 403
    assert nobody.post(LIST, {"ask": 1}).status_code == 403
    assert Client().get(LIST).status_code == 302


def test_staff_see_and_do_what_is_of_their_project():
    ada, omar = make_user("ada", project_id="lab"), make_user("omar", project_id="far")
    used("knees", "knee", by=ada)
    used("hips", "hip", by=omar)
    used("toes", by=ada)
    used("toe", by=omar)
    sweep.run()
    lab = staff("lab", "view_tag", "change_tag", "delete_tag")
    answer = lab.get(LIST)
    assert answer.context["counts"] == {Kind.PLURAL: "1"}
    assert shown(lab, "plural") == ["knee / knees"]
    text = answer.content.decode()
    assert not [name for name in ("hip", "toe") if name in text]
    hips = Finding.objects.get(tag__name="hip")
    assert lab.get(reverse("admin:tags_finding_change", args=[hips.pk])).status_code in (302, 404)
    assert "not in the list" in said(send(lab, merge=hips.pk))
    assert "not in the list" in said(send(lab, aside=hips.pk))
    change = to_change(send(lab, merge=Finding.objects.get(tag__name="knee").pk))
    assert change.author_name == "mira"


def test_staff_are_told_numbers_of_their_project_alone(settings):
    settings.ANONYMOUS = "none"
    ada, omar = make_user("ada", project_id="lab"), make_user("omar", project_id="far")
    used("knees", times=1, by=ada)
    used("knee", times=2, by=ada)
    used("knee", times=4, by=omar)
    sweep.run()
    lab = staff("lab", "view_tag", "change_tag")
    (row,) = lab.get(LIST, {"kind": "plural"}).context["rows"]
    assert [side.images for side in row.sides] == ["1 image", "2 images"]
    # And are not let to merge what others have.
    answer = send(lab, merge=row.finding.pk)
    assert "other projects" in said(answer)


def test_what_is_set_aside_is_shown_to_whoever_is_shown_its_tags(boss):
    used("knees", "knee", by=make_user("ada", project_id="lab"))
    used("hips", "hip", by=make_user("omar", project_id="far"))
    sweep.run()
    send(boss, action="aside", row=[row.pk for row in Finding.objects.all()])
    lab = staff("lab", "view_tag", "change_tag")
    page = lab.get(LIST, {"kind": "aside"})
    assert [one.low.name for one in page.context["page"].object_list] == ["knees"]
    far = SetAside.objects.get(low__name="hips")
    send(lab, back=far.pk)
    assert SetAside.objects.count() == 2


@pytest.mark.parametrize("is_super", [True, False])
@pytest.mark.parametrize("kind", ["plural", "contradiction", "once", "aside"])
def test_a_page_takes_twelve_statements_however_many_rows_it_has(client, kind, is_super):
    who = make_user("mira", project_id="lab", staff=True)
    User.objects.filter(pk=who.pk).update(is_superuser=is_super)
    who.user_permissions.set(Permission.objects.all())
    client.force_login(User.objects.get(pk=who.pk))

    def statements() -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert client.get(LIST, {"kind": kind}).status_code == 200
        return len(asked)

    for letter in "abc":
        name = letter * 5
        used(f"{name} knees", f"{name} knee", by=who)
        make_image(f"no {name}", name, by=who)
        used(f"no {name}", name, by=who)
        make_image(f"{name} once", by=who)
        sweep.run()
        if kind == "aside":
            send(client, action="aside", row=[row.pk for row in Finding.objects.all()])
        if letter == "a":
            statements()
            few = statements()
    assert statements() == few <= 12


def test_the_first_page_leads_to_the_list(boss):
    used("knees", "knee", by=make_user("ada", project_id="lab"))
    used("hips", "hip", by=make_user("omar", project_id="far"))
    assert "rows of the clean-up list" not in boss.get("/admin/").content.decode()
    sweep.run()
    for client, number in ((boss, 2), (staff("lab", "view_tag"), 1)):
        text = client.get("/admin/").content.decode()
        words = re.sub(r"<[^>]*>|\s+", " ", text)
        assert f'href="{LIST}"' in text
        assert re.search(rf"\b{number} +rows of the clean-up list", words)
    nobody = staff("lab", "view_image", name="omar2").get("/admin/")
    assert "rows of the clean-up list" not in nobody.content.decode()


def test_kinds_that_are_not_shown_are_counted_so_far(boss, monkeypatch):
    monkeypatch.setattr(pages, "COUNTED_MOST", 2)
    used("knees", "knee", "hips", "hip", "toes", "toe")
    for name in ("elbow", "heel", "shin"):
        make_tag(name)
    sweep.run()
    counts = boss.get(LIST, {"kind": "plural"}).context["counts"]
    assert counts == {Kind.PLURAL: "3", Kind.NEVER: "2+"}
    counts = boss.get(LIST, {"kind": "never"}).context["counts"]
    assert counts == {Kind.PLURAL: "2+", Kind.NEVER: "3"}


def test_a_page_leads_on_to_the_next(boss, monkeypatch):
    monkeypatch.setattr(pages, "PER_PAGE", 2)
    for name in ("elbow", "heel", "shin"):
        make_tag(name)
    sweep.run()
    first, second = (shown(boss, "never", p=page) for page in (1, 2))
    assert (len(first), len(second)) == (2, 1)
    assert {*first, *second} == {"elbow", "heel", "shin"}
    assert "p=2" in boss.get(LIST, {"kind": "never"}).content.decode()
