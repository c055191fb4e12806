"""The page of one tag in the admin, and what is done from it: a plan, the deed, the way back."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from search.index import maintenance
from taggedimages.changes import lifecycle
from taggedimages.changes.models import Change, Kind, State
from taggedimages.factories import TESTS, make_image, make_tag, make_user
from taggedimages.identity.authors import ADMIN, Author
from taggedimages.identity.models import User
from tags import curation, vocabulary
from tags.admin.deeds import DEEDS
from tags.models import Tag

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client: Client) -> Client:
    user = make_user("mira", project_id="lab", staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="tags"))
    client.force_login(user)
    return client


def to(tag: Tag, page: str = "change") -> str:
    return reverse(f"admin:tags_tag_{page}", args=[tag.pk])


def text(client: Client, tag: Tag, page: str = "change", **asked: Any) -> str:
    answer = client.get(to(tag, page), asked)
    assert answer.status_code == 200
    return str(answer.content.decode())


def planned(client: Client, on: Tag, deed: str, **fields: Any) -> str:
    """The plan of a deed, which has done nothing."""
    before = rules()
    answer = client.post(to(on, deed), fields)
    assert answer.status_code == 200, said(client, on)
    assert rules() == before
    return str(answer.content.decode())


def done(client: Client, on: Tag, deed: str, **fields: Any) -> list[str]:
    """What is told after a deed."""
    assert client.post(to(on, deed), fields | {"post": "yes"}).status_code == 302
    return said(client, on)


def said(client: Client, tag: Tag) -> list[str]:
    return [str(one) for one in client.get(to(tag)).context["messages"]]


def rules() -> tuple[Any, ...]:
    """All names with their targets, and all implications."""
    tags = Tag.objects.order_by("name").values_list("name", "alias_of__name")
    implied = Tag.objects.order_by("name").values_list("name", "implications__parent__name")
    return list(tags), [pair for pair in implied if pair[1]]


def test_what_the_page_tells(boss):
    knee, genu, joint, left = map(make_tag, ("knee", "genu", "joint", "knee-left"))
    vocabulary.alias(genu, knee, TESTS)
    vocabulary.imply(knee, [joint], TESTS)
    vocabulary.imply(left, [knee], TESTS)
    make_image("knee", "bone", filename="one.png")
    make_image("genu", filename="two.png")
    page = text(boss, knee)
    for told in ("2 images", "genu", "joint", "knee-left", "one.png", "two.png"):
        assert told in page
    assert "Began to imply “joint”" in page
    assert "Made, by" in page
    beside = text(boss, knee, "together", fragment=1)
    assert "bone" in beside
    assert "<html" not in beside
    assert "<html" in text(boss, knee, "together")


def test_changes_that_named_it_are_beside_it(boss):
    knee, genu = make_tag("knee"), make_tag("genu")
    make_image("genu")
    change = lifecycle.merge([genu], knee, Author(User.objects.get(), ADMIN))
    other = make_tag("other")
    assert f"Change {change.pk}" in text(boss, knee, "together")
    assert f"Change {change.pk}" not in text(boss, other, "together")


def test_a_rename_shows_its_numbers_and_is_taken_back(boss):
    knee = make_tag("knee")
    make_image("knee")
    vocabulary.alias(make_tag("genu"), knee, TESTS)
    asked = text(boss, knee, "rename")
    assert "Keep the old name" in asked
    # That button shows the plan, whose button confirms it.
    assert 'name="post"' not in asked
    page = planned(boss, knee, "rename", name="Knee", keep_old="on")
    assert 'name="post" value="yes"' in page
    assert "1 image" in page
    assert "“knee” stays as an alias" in page
    assert "aliases (1)" in page
    (told,) = done(boss, knee, "rename", name="Knee", keep_old="on")
    change = Change.objects.get(kind=Kind.RENAME)
    assert reverse("admin:changes_change_change", args=[change.pk]) in told
    assert rules()[0] == [("Knee", None), ("genu", "Knee"), ("knee", "Knee")]
    undo = lifecycle.undo(change, Author(User.objects.get(), ADMIN))
    lifecycle.apply(undo.pk, undo.digest, Author(User.objects.get(), ADMIN))
    assert Change.objects.get(pk=undo.pk).state in (State.APPLYING, State.APPLIED)


def test_a_rename_to_its_own_alias_says_what_moves(boss):
    knee, genu = make_tag("knee"), make_image("genu").tags.get()
    vocabulary.alias(genu, knee, TESTS)
    page = planned(boss, knee, "rename", name="genu")
    assert "gives its name back: 1 image with the alias itself" in page
    done(boss, knee, "rename", name="genu")
    assert rules()[0] == [("genu", None)]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("hand", "Another tag is named “hand”. Merge the two instead."),
        ("knee", "It is called “knee” already."),
        ("a\tb", "Control characters"),
    ],
)
def test_a_rename_that_cannot_be_is_refused_in_words(boss, name, words):
    knee = make_tag("knee")
    make_tag("hand")
    assert boss.post(to(knee, "rename"), {"name": name}).status_code == 302
    (told,) = said(boss, knee)
    assert words in told


def test_merging_into_it_leads_to_the_plan_of_a_change(boss):
    knee = make_tag("knee")
    make_image("genu")
    make_image("patella")
    answer = boss.post(to(knee, "merge"), {"names": "genu, patella"})
    change = Change.objects.get()
    assert answer["Location"] == reverse("admin:changes_change_change", args=[change.pk])
    assert (change.kind, change.images) == (Kind.MERGE, 2)


def test_it_becomes_an_alias_and_a_tag_of_its_own_again(boss):
    knee, genu = make_tag("knee"), make_image("genu").tags.get()
    page = planned(boss, genu, "alias", of="knee")
    assert "1 image" in page
    assert "count as images of it" in page
    done(boss, genu, "alias", of="knee")
    assert rules()[0] == [("genu", "knee"), ("knee", None)]
    assert "is an alias of" in text(boss, genu)
    assert "1 image" in planned(boss, knee, "unalias", tag=genu.pk)
    done(boss, knee, "unalias", tag=genu.pk)
    assert rules()[0] == [("genu", None), ("knee", None)]


def test_aliases_of_tags_that_there_are_and_of_new_names(boss):
    knee = make_tag("knee")
    make_image("genu")
    assert "1 image" in planned(boss, knee, "aliases", names="genu, gonu")
    done(boss, knee, "aliases", names="genu, gonu")
    assert rules()[0] == [("genu", "knee"), ("gonu", "knee"), ("knee", None)]


def test_parents_and_children_come_and_go(boss):
    knee, joint, left = map(make_tag, ("knee", "joint", "left knee"))
    planned(boss, knee, "parents", names="joint")
    done(boss, knee, "parents", names="joint")
    planned(boss, knee, "children", names="left knee")
    done(boss, knee, "children", names="left knee")
    assert rules()[1] == [("knee", "joint"), ("left knee", "knee")]
    planned(boss, knee, "unparent", tag=joint.pk)
    done(boss, knee, "unparent", tag=joint.pk)
    done(boss, knee, "unchild", tag=left.pk)
    assert rules()[1] == []


def test_tags_that_would_imply_themselves_are_told_in_order(boss):
    knee, joint = make_tag("knee"), make_tag("joint")
    vocabulary.imply(knee, [joint], TESTS)
    told = done(boss, joint, "parents", names="knee")
    assert told == ["Tags would stand for themselves: joint → knee → joint."]


def test_the_form_has_category_status_and_labels(boss):
    knee = make_tag("knee")
    form = boss.get(to(knee)).context["adminform"].form
    sent = {name: form[name].value() for name in form.fields}
    sent = {name: value for name, value in sent.items() if value}
    sent |= {"category": "anatomy", "status": "locked", "label_fr": "genou"}
    assert boss.post(to(knee), sent).status_code == 302
    knee.refresh_from_db()
    assert (knee.category, knee.status, knee.label_fr) == ("anatomy", "locked", "genou")


@pytest.mark.parametrize("deed", [*DEEDS, "change", "delete"])
def test_tags_on_images_of_others_are_nobodys_to_change(staff, deed):
    user = User.objects.get()
    make_image("knee", by=user)
    make_image("knee", by=make_user(project_id="far"))
    knee = Tag.objects.get()
    answers = [staff.post(to(knee, deed), {"post": "yes", "name": "x", "names": "x", "of": "x"})]
    if deed != "change":
        answers.append(staff.get(to(knee, deed)))
    assert {answer.status_code for answer in answers} == {403}
    assert staff.get(to(knee)).status_code == 200
    assert rules() == ([("knee", None)], [])


def test_nor_are_they_merged_or_made_aliases_by_way_of_ones_own(staff):
    user, far = User.objects.get(), make_user(project_id="far")
    make_image("own", "shared", by=user)
    make_image("shared", by=far)
    make_image("hidden", by=far)
    own = Tag.objects.get(name="own")
    for deed, fields in (
        ("merge", {"names": "shared"}),
        ("aliases", {"names": "shared"}),
        ("aliases", {"names": "hidden"}),
        ("alias", {"of": "shared"}),
        ("parents", {"names": "shared"}),
        ("children", {"names": "shared"}),
    ):
        (told,) = done(staff, own, deed, **fields)
        assert "Images of other projects have this tag." in told, deed
    for deed in ("merge", "parents", "children"):
        assert done(staff, own, deed, names="hidden") == ["There is no tag “hidden”."]
    assert rules() == ([("hidden", None), ("own", None), ("shared", None)], [])


def test_staff_see_no_picture_count_or_name_of_another_project(staff):
    user, far = User.objects.get(), make_user("omar", project_id="far")
    make_image("knee", "bone", by=user, filename="lab.png")
    make_image("knee", "secret", by=far, filename="far.png")
    knee, secret = Tag.objects.get(name="knee"), Tag.objects.get(name="secret")
    vocabulary.imply(knee, [secret], TESTS)
    curation.rename(knee, "Knee", Author(far, "tests"))
    page = text(staff, knee) + text(staff, knee, "together")
    assert "lab.png" in page
    assert "1 image" in page
    assert "bone" in page
    assert not {word for word in ("far.png", "secret", "omar") if word in page}


@pytest.mark.parametrize("who", ["boss", "staff"])
def test_twelve_statements_at_most_whatever_stands_around_it(client, who):
    user = make_user("mira", project_id="lab", staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="tags"))
    client.force_login(User.objects.create_superuser("boss") if who == "boss" else user)
    knee = make_tag("knee")
    for number in range(15):
        make_image("knee", f"beside {number}", by=user)
        vocabulary.alias(make_tag(f"alias {number}"), knee, TESTS)
        vocabulary.imply(make_tag(f"beside {number}"), [knee], TESTS)
    # As the worker does: a project is in the index from then on.
    maintenance.run_once()
    for page in ("change", "together"):
        with CaptureQueriesContext(connection) as asked:
            text(client, knee, page)
        assert len(asked) <= 12, "\n\n".join(one["sql"][:300] for one in asked)


@pytest.mark.parametrize("odd", ["\0", "9" * 5_000, "x", "-1", "²", '"', ",", "knee"])
def test_odd_fields_are_answered(boss, odd):
    knee = make_tag("knee")
    for deed in DEEDS:
        for more in ({}, {"post": "yes"}):
            fields = dict.fromkeys(("name", "names", "of", "tag", "keep_old", "next"), odd)
            assert boss.post(to(knee, deed), fields | more).status_code < 500
        assert boss.get(to(knee, deed), {"tag": odd}).status_code < 500
        assert boss.get(f"/admin/tags/tag/{odd}/{deed}/").status_code < 500
