"""Who sees which images through /v1: private, ended, deleted and future ones, on every route."""

from datetime import timedelta

import pytest
from django.utils import timezone

from images import deletion
from taggedimages.factories import make_credentials, make_image
from taggedimages.identity.models import User

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
NOT_FOUND = {"code": 404, "message": "Not found."}
LISTS = (
    "images",
    "tags/{tag}/images",
    "search/images?exact_tags=sun",
    "search/images?match_tags=S%25",
)


@pytest.fixture
def callers(api, api_as):
    """One client each: the owner, somebody else, a member of the staff, nobody."""
    everybody = {name: make_credentials(name, staff=name == "staff") for name in WHO if name}
    return {"anonymous": api} | {name: api_as(one) for name, one in everybody.items()}


WHO = ("owner", "other", "staff")


@pytest.fixture
def image(callers):
    """A public image of the owner."""
    return make_image("sun", by=User.objects.get(username="owner"))


def change(image, **fields):
    for name, value in fields.items():
        setattr(image, name, value)
    image.save()


def who_finds(callers, image):
    """Who gets the record; asserts that all reading routes agree with one another."""
    finders = set()
    for name, client in callers.items():
        found = client.get(f"/v1/images/{image.pk}").status_code == 200
        # The name of a tag tells of images too; whoever made it knows it.
        named = found or (name == "owner" and image.created_by is not None)
        assert client.get(f"/v1/images/{image.pk}/history").status_code == (200 if found else 404)
        for path in LISTS:
            answer = client.get("/v1/" + path.format(tag=image.tags.get().pk))
            if path.startswith("tags/") and not named:
                # The name of a tag tells of images too.
                assert (answer.status_code, answer.json()) == (404, NOT_FOUND)
                continue
            page = answer.json()
            assert [record["id"] for record in page["results"]] == [image.pk] * found
            assert page["meta"]["total_results"] == found
        tags = client.get("/v1/tags").json()
        assert [tag["name"] for tag in tags["results"]] == ["sun"] * named
        assert tags["meta"]["total_results"] == named
        single = client.get(f"/v1/tags/{image.tags.get().pk}")
        assert single.status_code == (200 if named else 404)
        finders |= {name} if found else set()
    return finders


EVERYBODY = {"owner", "other", "staff", "anonymous"}


def test_a_public_image_is_everybodys_to_see(callers, image):
    assert who_finds(callers, image) == EVERYBODY


def test_a_private_image_is_seen_by_owner_and_staff(callers, image):
    change(image, visibility=2)
    assert who_finds(callers, image) == {"owner", "staff"}


def test_an_anonymous_private_image_is_seen_by_staff_alone(callers):
    assert who_finds(callers, make_image("sun", private=True)) == {"staff"}


def test_an_image_that_has_ended_is_gone_for_all(callers, image):
    change(image, ended_at=timezone.now() - HOUR)
    assert who_finds(callers, image) == set()


def test_an_image_that_will_end_is_there_until_then(callers, image):
    change(image, ended_at=timezone.now() + HOUR)
    assert who_finds(callers, image) == EVERYBODY


def test_an_image_of_the_future_is_not_there_yet(callers, image):
    change(image, created_at=timezone.now() + HOUR)
    assert who_finds(callers, image) == set()


def test_a_deleted_image_is_gone_for_all(callers, image):
    deletion.delete(image)
    assert who_finds(callers, image) == set()


def test_a_trashed_image_is_gone_for_all(callers, image):
    change(image, trashed_at=timezone.now(), ended_at=timezone.now() - HOUR)
    assert who_finds(callers, image) == set()


@pytest.mark.parametrize("caller", ["other", "anonymous"])
def test_a_hidden_image_cannot_be_changed_either(callers, image, caller):
    change(image, visibility=2)
    client, path = callers[caller], f"/v1/images/{image.pk}"
    answers = [
        client.put(path, {"tags": ["moon"]}),
        client.delete(path),
        client.post(f"{path}/complete"),
    ]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(404, NOT_FOUND)] * 3
    assert image.tags.get().name == "sun"


def test_hidden_images_leave_no_gap_in_pages(callers, image):
    for private in (True, False, True, False):
        make_image("sun", private=private)
    page = callers["anonymous"].get("/v1/images?limit=2").json()
    assert len(page["results"]) == 2
    assert page["meta"] == {"current_page": 0, "has_more_pages": True, "total_results": 3}
