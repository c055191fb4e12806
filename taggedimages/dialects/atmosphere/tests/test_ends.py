"""Contract Atmosphere, visibility and end_date."""

from datetime import timedelta

import pytest
from django.utils import timezone

from images import deletion
from images.models import Image
from taggedimages.factories import make_image, make_user

pytestmark = pytest.mark.django_db


def sees(client, image, query=""):
    """Whether a client meets an image in lists, alone and through its links: all or nothing."""
    listed = client.get(f"/api/v2/images{query}").json()
    linked = client.get("/api/v2/image_tags").json()
    link = image.imagetag_set.get()
    ways = {
        image.pk in [one["id"] for one in listed["results"]],
        listed["count"] == 1,
        client.get(f"/api/v2/images/{image.pk}{query}").status_code == 200,
    }
    if not query:
        ways |= {
            image.pk in [one["image"]["id"] for one in linked["results"]],
            linked["count"] == 1,
            client.get(f"/api/v2/image_tags/{link.pk}").status_code == 200,
        }
    assert len(ways) == 1
    return ways.pop()


@pytest.fixture
def callers(api, login):
    """A client of each kind, and the user who owns the images."""
    owner, user = login("owner")
    return {
        "anonymous": api,
        "other": login("other")[0],
        "owner": owner,
        "staff": login("staff", staff=True)[0],
    }, user


def seen_by(callers, image, query=""):
    return {name for name, client in callers.items() if sees(client, image, query)}


EVERYBODY = {"anonymous", "other", "owner", "staff"}


def test_a_public_image_is_everybodys(callers):
    clients, owner = callers
    assert seen_by(clients, make_image("x", by=owner)) == EVERYBODY


def test_a_private_image_is_its_creators_and_staffs(callers):
    clients, owner = callers
    assert seen_by(clients, make_image("x", by=owner, private=True)) == {"owner", "staff"}


def test_a_private_anonymous_upload_is_staffs(callers):
    assert seen_by(callers[0], make_image("x", private=True)) == {"staff"}


def test_an_ended_image_is_nobodys_unless_creator_or_staff_ask_for_it(callers):
    clients, owner = callers
    image = make_image("x", by=owner, ended_at=timezone.now())
    assert seen_by(clients, image) == set()
    assert seen_by(clients, image, "?include_ended=true") == {"owner", "staff"}
    assert seen_by(clients, image, "?include_ended=false") == set()


def test_an_image_with_a_future_end_is_still_there(callers):
    clients, owner = callers
    later = timezone.now() + timedelta(hours=1)
    image = make_image("x", by=owner, ended_at=later)
    assert seen_by(clients, image) == EVERYBODY


def test_a_future_end_comes_without_any_job(api):
    image = make_image("x", ended_at=timezone.now() + timedelta(hours=1))
    assert sees(api, image)
    Image.objects.update(ended_at=timezone.now())
    assert not sees(api, image)


def test_an_image_that_has_not_started_is_nobodys(callers):
    clients, owner = callers
    image = make_image("x", by=owner, created_at=timezone.now() + timedelta(hours=1))
    assert seen_by(clients, image) == set()
    assert seen_by(clients, image, "?include_ended=true") == set()


def test_an_image_deleted_for_good_never_comes_back(callers):
    clients, owner = callers
    image = make_image("x", by=owner)
    deletion.delete(image)
    assert seen_by(clients, image, "?include_ended=true") == set()


def test_include_ended_adds_to_what_is_seen_anyway(callers):
    clients, owner = callers
    make_image("x", by=make_user(), private=True)
    public, ended = make_image("x"), make_image("x", by=owner, ended_at=timezone.now())
    answer = clients["owner"].get("/api/v2/images?include_ended=true").json()
    assert [image["id"] for image in answer["results"]] == [public.pk, ended.pk]


@pytest.mark.parametrize("who", ["owner", "staff"])
def test_an_end_in_the_past_deletes_and_no_end_brings_back(callers, who):
    clients, owner = callers
    image = make_image("x", by=owner)
    path = f"/api/v2/images/{image.pk}"
    end = "2020-02-03T04:05:06Z"
    ended = clients[who].patch(path, {"end_date": end})
    assert (ended.status_code, ended.json()["end_date"]) == (200, end)
    assert seen_by(clients, image) == set()
    back = clients[who].patch(f"{path}?include_ended=true", {"end_date": None})
    assert (back.status_code, back.json()["end_date"]) == (200, None)
    assert seen_by(clients, image) == EVERYBODY


def test_an_end_takes_any_offset_and_shows_utc(callers):
    clients, owner = callers
    image = make_image("x", by=owner)
    body = {"end_date": "2999-01-01T01:00:00+02:00"}
    answer = clients["owner"].patch(f"/api/v2/images/{image.pk}", body)
    assert answer.json()["end_date"] == "2998-12-31T23:00:00Z"


@pytest.mark.parametrize("end", [None, "2999-01-01T00:00:00Z"])
def test_what_comes_back_leaves_the_trash(callers, end):
    clients, owner = callers
    now = timezone.now()
    image = make_image("x", by=owner, ended_at=now, trashed_at=now)
    path = f"/api/v2/images/{image.pk}?include_ended=true"
    assert clients["owner"].patch(path, {"name": "still there"}).status_code == 200
    image.refresh_from_db()
    assert image.trashed_at == now
    assert clients["owner"].patch(path, {"end_date": end}).status_code == 200
    image.refresh_from_db()
    assert image.trashed_at is None


@pytest.mark.parametrize("order", ["end_date", "-end_date", "end_date,start_date", "name", "-id"])
@pytest.mark.parametrize("query", ["", "&include_ended=true", "&tag_name=knee"])
def test_pages_in_an_order_hold_all_once_with_ends_or_without(callers, order, query):
    staff, now = callers[0]["staff"], timezone.now()
    for hours in (None, 2, None, -1, 1, None):
        end = None if hours is None else now + timedelta(hours=hours)
        make_image("knee", name=f"ends {hours}", ended_at=end)
    path = f"/api/v2/images?ordering={order}{query}"
    whole = [(one["end_date"], one["id"]) for one in staff.get(path).json()["results"]]
    pages = [staff.get(f"{path}&page_size=2&page={page}").json() for page in (1, 2, 3)]
    paged = [(one["end_date"], one["id"]) for page in pages for one in page["results"]]
    assert len(whole) == pages[0]["count"] == (6 if "ended" in query else 5)
    assert paged == whole
    if "end_date" in order:
        ends = [end for end, _ in whole if end]
        assert [end for end, _ in whole] == [None] * 3 + sorted(ends, reverse=order[0] == "-")
