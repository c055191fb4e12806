"""The page of one image in the admin: what it shows, and what is done on it."""

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from images import inspection_jobs
from images.models import Facts, Image
from images.tests.files import dicom, encoded, photo
from images.visibility import Viewer
from search.query import Query
from taggedimages.changes import immediate, lifecycle, operations, taking_back
from taggedimages.changes.models import Change
from taggedimages.factories import TESTS, make_image, make_pending, make_png, make_tag, make_user
from taggedimages.identity.authors import ADMIN, Author
from taggedimages.identity.models import User
from tags import curation, history, tagging, vocabulary
from tags.models import ImageTag, Tag, TagChange

pytestmark = pytest.mark.django_db
# Session and user, permissions of staff, and what the page itself asks.
MOST_STATEMENTS = 12


def to(image: Image, **asked: Any) -> str:
    return reverse("admin:images_image_change", args=[image.pk], query=asked or None)


def shown(client: Client, image: Image, **asked: Any) -> str:
    answer = client.get(to(image, **asked))
    assert answer.status_code == 200
    return answer.content.decode()


def words(page: str, id: str) -> str:
    """What a section of the page says, as one reads it."""
    section = re.search(rf'<section id="{id}".*?</section>', page, re.DOTALL)
    assert section
    return " ".join(html.unescape(re.sub("<[^>]+>", " ", section[0])).split())


def inspected(body: bytes, *tags: str, **fields: Any) -> Image:
    image = make_image(*tags, body=body, **fields)
    inspection_jobs.inspect(image)
    image.refresh_from_db()
    return image


def tags_of(image: Image) -> dict[str, str]:
    return dict(ImageTag.objects.filter(image=image).values_list("tag__name", "value"))


def take_back(client: Client, image: Image, line: TagChange | int | str) -> Any:
    url = reverse("admin:images_image_take_back", args=[image.pk])
    sent = line.pk if isinstance(line, TagChange) else line
    return client.post(url, {"line": sent}, headers={"accept": "application/json"})


def newest(image: Image) -> TagChange:
    line = history.of_image(image.pk).first()
    assert line
    return line


# --- What is shown -------------------------------------------------------------------------------


def test_a_picture_is_shown_large_and_its_file_for_a_closer_look(boss):
    image = inspected(encoded(photo(300, 200), "PNG"), filename="knee.png")
    page = boss.get(to(image))
    picture = page.context["picture"]
    assert "/full.webp?" in picture.preview
    assert "/archive/" in picture.full
    assert (picture.is_file, picture.width, picture.words) == (True, 300, "")
    body = page.content.decode()
    assert html.escape(picture.preview) in body
    assert "<h1>knee.png</h1>" in body


def test_of_a_format_that_no_browser_shows_the_largest_preview_is_seen(boss):
    image = inspected(dicom(), filename="knee.dcm")
    page = boss.get(to(image))
    picture = page.context["picture"]
    assert picture.full == picture.preview
    assert "A DICOM is not shown by browsers" in page.content.decode()


def test_facts_are_told_with_the_headers_as_tables(boss):
    image = inspected(dicom(), filename="knee.dcm")
    told = words(shown(boss, image), "facts")
    for part in (
        "Ready",
        "DICOM (application/dicom)",
        "64 \N{MULTIPLICATION SIGN} 48",
        f"SHA-256 {image.facts.sha256_hex}",
        "Modality CT",
        "BodyPartExamined KNEE",
    ):
        assert part in told
    assert "Doe" not in told


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: make_pending(), "Waiting for its file since"),
        (lambda: make_image(), "Arrived to be inspected by the worker"),
        (lambda: inspected(b"no picture"), "Failed"),
        (lambda: make_image(upload_error="empty: no bytes", uploaded_at=None), "Failed empty: no"),
        (lambda: make_image(ended_at=timezone.now()), "Ended since"),
        (lambda: make_image(ended_at=timezone.now() + timedelta(days=1)), "Ends"),
        (
            lambda: make_image(ended_at=timezone.now(), trashed_at=timezone.now()),
            "In the trash since",
        ),
        (lambda: make_image(created_at=timezone.now() + timedelta(days=1)), "Not begun"),
    ],
    ids=["waiting", "arrived", "unreadable", "refused", "ended", "ending", "trashed", "to come"],
)
def test_the_state_is_told(boss, make, told):
    assert told in words(shown(boss, make()), "facts")


def test_it_is_shown_as_its_record_turns_and_crops_it(boss):
    image = inspected(make_png(200, 100), rotation=90, crop_x=0.25, crop_w=0.5, crop_h=50)
    page = shown(boss, image)
    assert 'class="turned-90"' in page
    assert "inset(0.00% 25.00% 50.00% 25.00%)" in page


def test_tags_are_shown_with_values_and_what_an_alias_stands_for(boss):
    image = make_image("genu", "left")
    tagging.set_values(image, {"left": "3"}, TESTS)
    vocabulary.alias(Tag.objects.get(name="genu"), make_tag("knee"), TESTS)
    told = words(shown(boss, image), "tagging")
    assert "knee (as genu)" in told
    assert "left = 3" in told


def test_implied_tags_are_apart_with_what_implies_them(boss):
    image = make_image("knee", "joint part")
    vocabulary.imply(Tag.objects.get(name="knee"), [make_tag("joint"), make_tag("leg")], TESTS)
    told = words(shown(boss, image), "tagging")
    assert "Implied joint by knee leg by knee" in told


def test_the_page_lets_nobody_tag_who_may_not(staff, who):
    image = make_image("knee", by=who)
    may = Permission.objects.get(codename="view_image")
    who.user_permissions.set([may])
    page = shown(staff, image)
    assert "Take back" not in page
    assert "add-tags" not in page
    assert take_back(staff, image, newest(image)).status_code == 403
    sent = {"source": image.pk, "ids": image.pk}
    assert staff.post(reverse("admin:images_image_same_tags"), sent).status_code == 403


# --- History -------------------------------------------------------------------------------------


def test_history_is_told_in_words_newest_first(boss):
    mira = Author(make_user("mira"), "v1")
    image = make_image("knee")
    tagging.set_values(image, {"knee": "3"}, mira)
    tagging.set_values(image, {"knee": ""}, mira)
    tagging.untag_named(image, {"knee": None}, Author(None, "command:tagnames"))
    told = words(shown(boss, image), "history")
    lines = re.findall(r"(?:Added|Removed|Set|Took)[^T]*?(?= Take back| changed since)", told)
    assert lines == [
        "Removed knee",
        "Took the value off knee which was 3",
        "Set the value of knee to 3",
        "Added knee",
    ]
    assert "mira over /v1" in told
    assert "anonymous by the command tagnames" in told


def test_history_is_paged(boss):
    image = make_image()
    for number in range(30):
        tagging.tag(image, [f"tag {number}"], TESTS)
    page = shown(boss, image)
    assert "tag 29" in words(page, "history")
    assert "tag 4 " not in words(page, "history")
    [older] = re.findall(r'href="([^"]*before=[^"#]*)', page)
    page = boss.get(html.unescape(older)).content.decode()
    assert "tag 4 " in words(page, "history")
    assert "tag 29" not in words(page, "history")
    assert "Newest" in words(page, "history")
    assert "Nothing before that" in words(shown(boss, image, before=1), "history")


def test_a_line_links_the_change_that_it_is_a_part_of_where_that_is_shown(staff, who):
    image = make_image(by=who)
    for user in (who, User.objects.create_superuser("boss")):
        with history.signed(Author(user, ADMIN), bulk=changed(image, user).pk):
            tagging.tag(image, [f"by {user}"], Author(user, ADMIN))
    own, foreign = Change.objects.order_by("id")
    page = shown(staff, image)
    assert reverse("admin:changes_change_change", args=[own.pk]) in page
    assert reverse("admin:changes_change_change", args=[foreign.pk]) not in page
    assert "in a change of many images" in words(page, "history")


def changed(image: Image, user: User) -> Change:
    given = operations.proposed({"add": [f"by {user}"]}, Viewer(audiences=None))
    return lifecycle.propose(given, Query(ids=(image.pk,)), Author(user, ADMIN))


# --- Taking back ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"knee": ""}),
        ({}, {"knee": "3"}),
        ({"knee": ""}, {}),
        ({"knee": "3"}, {}),
        ({"knee": "3"}, {"knee": "4"}),
        ({"knee": ""}, {"knee": "4"}),
        ({"knee": "4"}, {"knee": ""}),
    ],
)
def test_a_line_is_taken_back_by_its_inverse(boss, before, after):
    image = make_image("other")
    tagging.set_values(image, before | {"other": ""}, TESTS, alone=True)
    tagging.set_values(image, after | {"other": ""}, TESTS, alone=True)
    answer = take_back(boss, image, newest(image))
    assert (answer.status_code, tags_of(image)) == (200, before | {"other": ""})
    line = newest(image)
    assert (line.user_name, line.through, line.bulk) == ("boss", "admin", answer.json()["change"])


def test_a_line_is_not_taken_back_once_the_image_has_moved_on(boss):
    image = make_image("knee")
    came = newest(image)
    tagging.set_values(image, {"knee": "3"}, TESTS)
    answer = take_back(boss, image, came)
    assert (answer.status_code, tags_of(image)) == (409, {"knee": "3"})
    assert "has the value “3” by now" in answer.json()["says"]
    valued = newest(image)
    tagging.untag_named(image, {"knee": None}, TESTS)
    answer = take_back(boss, image, valued)
    assert (answer.status_code, tags_of(image)) == (409, {})
    assert "no longer" in answer.json()["says"]
    gone = newest(image)
    tagging.tag(image, ["knee"], TESTS)
    answer = take_back(boss, image, gone)
    assert (answer.status_code, tags_of(image)) == (409, {"knee": ""})
    assert "again" in answer.json()["says"]
    assert words(shown(boss, image), "history").count("Take back") == 2


@pytest.mark.parametrize("before", [{}, {"knee": ""}, {"knee": "3"}])
@pytest.mark.parametrize("after", [{}, {"knee": ""}, {"knee": "3"}, {"knee": "4"}])
def test_what_moves_on_at_that_moment_is_left_alone(before, after):
    image = make_image("other", "knee")
    tag, by = Tag.objects.get(name="knee"), Author(User.objects.create_superuser("boss"), ADMIN)
    line = TagChange(tag_id=tag.pk, old_value="5", new_value=before.get("knee"))
    tagging.set_values(image, after | {"other": ""}, TESTS, alone=True)
    operation, within = taking_back.inverse(line, tag), taking_back.as_left(line, tag)
    change = immediate.at_once(operation, [image.pk], by, within=within)
    assert change.images == (before == after)
    assert tags_of(image) == ({"knee": "5"} if before == after else after) | {"other": ""}


def test_a_tag_that_is_gone_comes_back_by_no_line(boss):
    image = make_image("knee")
    curation.delete(Tag.objects.get(name="knee"), TESTS)
    answer = take_back(boss, image, newest(image))
    assert answer.status_code == 400
    assert "is gone" in answer.json()["says"]


def test_a_renamed_tag_is_the_same_one(boss):
    image = make_image("knee")
    line = newest(image)
    curation.rename(Tag.objects.get(name="knee"), "joint", TESTS)
    assert take_back(boss, image, line).status_code == 200
    assert tags_of(image) == {}


def test_lines_of_other_images_are_not_taken_back(staff, who):
    own, other = make_image("knee", by=who), make_image("knee", by=make_user(project_id="far"))
    assert take_back(staff, own, newest(other)).status_code == 404
    assert take_back(staff, other, newest(other)).status_code == 404
    assert tags_of(other) == {"knee": ""}


def test_without_a_script_one_comes_back_to_the_page(boss):
    image = make_image("knee")
    url = reverse("admin:images_image_take_back", args=[image.pk])
    answer = boss.post(url, {"line": newest(image).pk, "next": to(image)})
    assert (answer.status_code, answer["Location"]) == (302, to(image))
    assert "Took off 1 image: knee." in boss.get(to(image)).content.decode()


# --- The same and similar images -----------------------------------------------------------------


def known(fingerprint: int | None, sha256: bytes | None = None, *tags: str, **fields: Any) -> Image:
    image = make_image(*tags, **fields)
    Facts.objects.create(image=image, fingerprint=fingerprint, sha256=sha256)
    return image


def test_the_same_and_similar_images_are_shown_apart_the_nearest_first(boss):
    image = known(0xF0, b"a" * 32)
    known(0xF0, b"a" * 32, filename="same.png")
    known(0xF3, b"b" * 32, filename="near.png")
    known(0xF1, b"c" * 32, filename="nearer.png")
    known(0xF0, b"a" * 32, filename="ended.png", ended_at=timezone.now())
    known(-1, b"d" * 32, filename="unlike.png")
    context = boss.get(to(image)).context
    assert [card["filename"] for card in context["same"]] == ["same.png"]
    assert [card["filename"] for card in context["similar"]] == ["nearer.png", "near.png"]
    assert [card["why"] for card in context["similar"]] == [
        "Looks alike: 1 of 64 bits differ",
        "Looks alike: 2 of 64 bits differ",
    ]


def test_staff_are_shown_none_of_another_project(staff, who):
    image = known(5, b"a" * 32, by=who)
    far = make_user(project_id="far")
    known(5, b"a" * 32, "far tag", by=far, filename="far.png")
    known(4, None, by=far, filename="far.png")
    page = shown(staff, image)
    assert "far.png" not in page
    assert "far tag" not in page


def give(client: Client, source: Any, *targets: Any) -> Any:
    url = reverse("admin:images_image_same_tags")
    sent = {"source": source, "ids": list(targets)}
    return client.post(url, sent, headers={"accept": "application/json"})


def test_the_same_tags_are_given_with_their_values_and_nothing_is_taken(boss):
    source, target = make_image("knee", "left"), make_image("other", "left")
    tagging.set_values(source, {"left": "3"}, TESTS)
    answer = give(boss, source.pk, target.pk)
    assert answer.status_code == 200
    assert tags_of(target) == {"other": "", "left": "3", "knee": ""}
    assert Change.objects.get(pk=answer.json()["change"]).note == f"The tags of image {source.pk}"
    assert boss.post(answer.json()["undo"]).status_code == 302
    assert tags_of(target) == {"other": "", "left": ""}


def test_no_tags_come_from_or_go_to_another_project(staff, who):
    own, far = make_image("own", by=who), make_image("far", by=make_user(project_id="far"))
    assert give(staff, far.pk, own.pk).status_code == 404
    assert give(staff, own.pk, far.pk).status_code == 200
    assert (tags_of(own), tags_of(far)) == ({"own": ""}, {"far": ""})


def test_of_an_image_without_tags_none_are_given(boss):
    answer = give(boss, make_image().pk, make_image().pk)
    assert answer.status_code == 400
    assert answer.json()["says"] == "That image has no tags to be given."


# --- Restoring -----------------------------------------------------------------------------------


def restore(client: Client, image: Image) -> int:
    return client.post(reverse("admin:images_image_restore", args=[image.pk])).status_code


def test_what_has_ended_or_is_in_the_trash_is_restored_with_its_tags(boss):
    now = timezone.now()
    each: list[dict[str, Any]] = [{"ended_at": now}, {"ended_at": now, "trashed_at": now}]
    for ends in each:
        image = make_image("knee", created_at=now - timedelta(days=1), **ends)
        page = shown(boss, image)
        assert "add-tags" not in page
        assert "Restore" in words(page, "facts")
        assert restore(boss, image) == 302
        assert Image.objects.current().filter(pk=image.pk, trashed_at=None).exists()
        page = shown(boss, image)
        assert "add-tags" in page
        assert "is restored, with all its tags" in page


FORM = {"name": "Knee", "title": "", "description": "", "album_id": "default", "visibility": "0"}
NO_END = {"ended_at_0": "", "ended_at_1": ""}


def test_the_record_is_restored_by_its_form_too(boss):
    image = make_image("knee", ended_at=timezone.now(), trashed_at=timezone.now())
    assert boss.post(to(image), FORM | NO_END).status_code == 302
    assert Image.objects.current().filter(pk=image.pk, trashed_at=None, name="Knee").exists()


def test_a_saved_record_leads_back_to_the_search_that_one_came_from(boss):
    image = make_image("knee")
    answer = boss.post(to(image, **{"from": "exact_tags=knee", "at": 0}), FORM | NO_END)
    here = to(image, **{"from": "exact_tags=knee", "at": 0})
    stays = boss.post(here, FORM | NO_END | {"_continue": "1"})
    assert stays["Location"] == here
    listed = boss.get(answer["Location"])["Location"]
    assert listed == reverse("admin:images_image_changelist", query={"q": "exact_tags=knee"})


def test_what_was_deleted_for_good_or_is_of_another_project_is_not_restored(staff, who):
    past = timezone.now() - timedelta(days=1)
    gone = make_image(by=who, created_at=past, ended_at=past, deleted_at=past)
    far = make_image(by=make_user(project_id="far"), created_at=past, ended_at=past)
    current = make_image(by=who)
    assert [restore(staff, image) for image in (gone, far, current)] == [404] * 3
    far.refresh_from_db()
    assert far.ended_at
    who.user_permissions.set([Permission.objects.get(codename="view_image")])
    assert restore(staff, make_image(by=who, created_at=past, ended_at=past)) == 403


# --- Statements and odd requests -----------------------------------------------------------------


def statements(client: Client, image: Image, **asked: Any) -> int:
    with CaptureQueriesContext(connection) as captured:
        shown(client, image, **asked)
    return len(captured)


@pytest.mark.parametrize("kind", ["superuser", "staff"])
def test_the_page_takes_as_many_statements_for_much_as_for_little(client, who, kind):
    user = who if kind == "staff" else User.objects.create_superuser("boss", project=who.project)
    client.force_login(user)
    image = known(5, b"a" * 32, "knee", by=who)
    known(5, b"a" * 32, "knee", by=who)
    known(4, b"b" * 32, "knee", by=who)
    statements(client, image)  # content types are read once a process
    few = statements(client, image)
    assert few <= MOST_STATEMENTS
    tagging.tag(image, [f"tag {number}" for number in range(40)], TESTS)
    vocabulary.imply(Tag.objects.get(name="knee"), [make_tag("joint")], TESTS)
    for number in range(5):
        known(5, b"a" * 32, *(f"tag {one}" for one in range(number)), by=who)
        known(4, b"b" * 32, "knee", by=who)
        with history.signed(TESTS, bulk=changed(image, who).pk):
            tagging.tag(image, [f"bulk {number}"], TESTS)
    assert statements(client, image) == few


ODD = ("%00", "%ED%A0%80", "9" * 30, "-1", "x", "1e3", "\u0663")


@pytest.mark.parametrize("odd", ODD)
def test_no_odd_parameter_or_field_is_answered_5xx(boss, odd):
    boss.raise_request_exception = False
    image = make_image("knee")
    for parameters in (f"before={odd}", f"from={odd}&at={odd}", f"_to_field={odd}"):
        assert boss.get(f"{to(image)}?{parameters}").status_code < 500
    assert take_back(boss, image, odd).status_code in (400, 404)
    for source, target in ((odd, image.pk), (image.pk, odd), (odd, odd)):
        assert give(boss, source, target).status_code in (400, 404)
    assert tags_of(image) == {"knee": ""}
