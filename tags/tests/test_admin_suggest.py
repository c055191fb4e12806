"""What tag boxes of the admin are told, and whom of."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext

from search.index import maintenance
from taggedimages.factories import TESTS, make_image, make_tag, make_user
from tags import statistics, vocabulary
from tags.models import Tag
from tags.statistics_models import TagStatistics

pytestmark = pytest.mark.django_db
URL = "/admin/tags/tag/suggest/"


def staff_of(project: str) -> Client:
    """Somebody of the staff of a project who may change images, and no more."""
    user = make_user(project_id=project, staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="change_image"))
    client = Client()
    client.force_login(user)
    return client


def told(client: Client, **asked: Any) -> list[dict[str, Any]]:
    answer = client.get(URL, asked)
    assert answer.status_code == 200
    tags: list[dict[str, Any]] = answer.json()["tags"]
    return tags


def names(client: Client, **asked: Any) -> list[str]:
    return [one["name"] for one in told(client, **asked)]


def test_what_a_tag_box_shows(boss):
    knee = make_tag("knee", color="#aabbcc")
    make_image("knee")
    maintenance.run_once()
    expected = {"id": knee.pk, "name": "knee", "alias": None, "color": "#aabbcc", "images": 1}
    assert told(boss, q="Kn") == [expected]


def test_without_a_text_the_tags_that_were_used_last(boss):
    make_tag("spare")
    for name in ("knee", "hand", "old", "knee"):
        make_image(name)
    Tag.objects.filter(name="old").update(status="deprecated")
    while statistics.keep():
        pass
    # All that a test does has one stamp.
    later = F("last_used_at") + timedelta(seconds=1)
    TagStatistics.objects.filter(tag__name="knee").update(last_used_at=later)
    assert names(boss) == ["knee", "hand"]
    assert names(boss, limit=1) == ["knee"]
    assert names(staff_of("lab")) == []


def test_an_alias_comes_as_its_target(boss):
    knee, genu = make_tag("knee"), make_tag("genu")
    vocabulary.alias(genu, knee, TESTS)
    assert [(one["name"], one["alias"]) for one in told(boss, q="gen")] == [("knee", "genu")]


def test_beginnings_come_before_parts_and_no_more_than_wanted(boss):
    for name in ("aknee", "knee", "kneecap"):
        make_tag(name)
    assert names(boss, q="knee") == ["knee", "kneecap", "aknee"]
    assert names(boss, q="knee", limit=2) == ["knee", "kneecap"]


def test_staff_are_told_of_tags_of_their_projects_images_alone_and_no_number():
    lab, far = make_user(project_id="lab"), make_user(project_id="far")
    for by, own in ((lab, "knee lab"), (far, "knee far")):
        make_image("knee both", own, by=by)
    make_tag("knee alone")
    found = told(staff_of("lab"), q="knee")
    assert [(one["name"], one["images"]) for one in found] == [
        ("knee both", None),
        ("knee lab", None),
    ]


def test_a_public_image_of_another_project_tells_staff_nothing():
    make_image("knee", by=make_user(project_id="far"))
    assert names(staff_of("lab"), q="kn") == []


@pytest.mark.parametrize("odd", ["\0", "%", "_", "\\", "x" * 5_000, "\ud800", " ", '"'])
def test_odd_text_is_answered(boss, odd):
    make_tag("knee")
    for limit in ("", "-1", "9" * 5_000, "²", "x"):
        assert boss.get(URL, {"q": odd.encode(errors="replace"), "limit": limit}).status_code == 200
    assert boss.get(URL + "?q=%ED%A0%80").status_code == 200


def test_whoever_may_do_nothing_with_tags_is_refused():
    user = make_user(staff=True)
    client = Client()
    client.force_login(user)
    assert client.get(URL, {"q": "kn"}).status_code == 403
    assert Client().get(URL, {"q": "kn"}).status_code == 302


def test_few_statements_whatever_is_found(boss):
    for number in range(30):
        make_image(f"knee {number}")
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert len(told(boss, q="knee", limit=30)) == 30
    # Session and user, up to two of names, colours, counts.
    assert len(asked) <= 6
