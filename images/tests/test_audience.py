"""Whom an image is shown to: what indexes know of it is what `visible_to` says, in every state."""

from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from images import deletion, editing
from images.models import Image
from images.visibility import EVERYBODY, LATEST, Viewer
from taggedimages.factories import TESTS, make_image, make_pending, make_tag, make_user
from tags import tagging
from tags.models import ImageTag

pytestmark = pytest.mark.django_db

NOW = timezone.now()
HOUR = timedelta(hours=1)
ENDS = {"current": None, "ended": NOW - HOUR, "ending": NOW + HOUR}
STARTS = {"past": NOW - HOUR, "ahead": NOW + HOUR}


@pytest.fixture
def people() -> dict[str, Any]:
    return {
        "anonymous": None,
        "owner": make_user("owner"),
        "other": make_user("other"),
        "staff": make_user("staff", staff=True),
    }


@pytest.fixture
def images(people) -> set[int]:
    """An image in every state that there is, all with one tag."""
    states = product((False, True), (None, people["owner"]), STARTS.values(), ENDS.values())
    made = [
        make_image("x", private=private, by=by, created_at=created_at, ended_at=ended_at)
        for private, by, created_at, ended_at in states
    ]
    trashed, restored, deleted, unclaimed = (make_image("x") for _ in range(4))
    deletion.trash(trashed, restored)
    deletion.restore(restored)
    deletion.delete(deleted)
    Image.objects.filter(pk=unclaimed.pk).update(
        ended_at=unclaimed.created_at, trashed_at=unclaimed.created_at
    )
    made += [trashed, restored, deleted, unclaimed, make_pending("x", private=True)]
    return {image.pk for image in made}


def rows(statement: str, *values: Any) -> set[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return {row[0] if len(row) == 1 else row for row in cursor.fetchall()}


def shown(user: Any) -> set[int]:
    return set(Image.objects.visible_to(user).values_list("pk", flat=True))


def audience_of(image: Image) -> Any:
    """What the database keeps on the image's only link: its creation time and its audience."""
    return ImageTag.objects.values_list("image_created_at", "audience").get(image=image.pk)


@pytest.mark.parametrize("who", ["anonymous", "owner", "other", "staff"])
def test_a_viewer_s_condition_is_what_visible_to_says(people, images, who):
    viewer = Viewer.of(people[who])
    statement = f"SELECT i.id FROM images_image i WHERE {viewer.visible}"
    assert rows(statement) == shown(people[who]) < images


@pytest.mark.parametrize("who", ["anonymous", "owner", "other", "staff"])
def test_the_audience_of_a_link_shows_all_that_has_no_end(people, images, who):
    audiences = Viewer.of(people[who]).audiences
    seen = rows(
        f"SELECT image_id FROM tags_imagetag WHERE image_created_at <= {LATEST}"
        " AND (audience = ANY(%s) OR %s AND audience IS NOT NULL)",
        list(audiences or ()),
        audiences is None,
    )
    unended = Image.objects.visible_to(people[who]).filter(ended_at=None)
    assert seen == set(unended.values_list("pk", flat=True))
    assert len(seen) >= 3


@pytest.mark.parametrize("who", ["anonymous", "owner", "other", "staff"])
def test_links_are_shown_as_their_images_are(people, images, who):
    links = ImageTag.objects.visible_to(people[who])
    assert set(links.values_list("image", flat=True)) == shown(people[who])


def test_an_end_takes_an_image_out_of_every_audience(images):
    without = set(ImageTag.objects.filter(audience=None).values_list("image", flat=True))
    assert without == set(Image.objects.exclude(ended_at=None).values_list("pk", flat=True))


# --- Links follow their image --------------------------------------------------------------------


@pytest.fixture
def image(people) -> Image:
    return make_image("x", by=people["owner"], created_at=NOW)


def test_a_new_link_carries_its_image_s_time_and_audience(image, people):
    assert audience_of(image) == (NOW, EVERYBODY)
    private = make_image("x", by=people["owner"], private=True, created_at=NOW - HOUR)
    assert audience_of(private) == (NOW - HOUR, people["owner"].pk)


@pytest.mark.parametrize("change", ["save", "update", "edit", "sql"])
def test_links_follow_their_image_whatever_makes_it_private(image, people, change):
    match change:
        case "save":
            image.private = True
            image.save()
        case "update":
            Image.objects.all().update(private=True)
        case "edit":
            editing.edit(image, {"private": True})
        case "sql":
            rows("UPDATE images_image SET private = true RETURNING id")
    assert audience_of(image) == (NOW, people["owner"].pk)


def test_links_follow_an_image_to_its_end_and_back(image):
    for end in (deletion.trash, deletion.delete):
        Image.objects.update(deleted_at=None, ended_at=None)
        assert audience_of(image) == (NOW, EVERYBODY)
        end(image)
        assert audience_of(image) == (NOW, None)
        deletion.restore(image)
    Image.objects.update(deleted_at=None, ended_at=None)
    editing.edit(image, {"ended_at": NOW + HOUR})
    assert audience_of(image) == (NOW, None)


def test_links_follow_a_creation_time_that_is_corrected(image):
    Image.objects.update(created_at=NOW - HOUR)
    assert audience_of(image) == (NOW - HOUR, EVERYBODY)


def test_a_private_image_whose_owner_is_gone_is_staff_s(image, people):
    editing.edit(image, {"private": True})
    people["owner"].delete()
    assert audience_of(image) == (NOW, -1)
    assert shown(None) == shown(people["other"]) == set()
    assert shown(people["staff"]) == {image.pk}


def test_a_link_that_is_moved_carries_what_its_new_image_is(image, people):
    other = make_image(by=people["other"], private=True, created_at=NOW - HOUR)
    rows("UPDATE tags_imagetag SET image_id = %s RETURNING id", other.pk)
    assert audience_of(other) == (NOW - HOUR, people["other"].pk)


def test_links_made_by_plain_sql_and_in_bulk_carry_it_too(image, people):
    private = make_image(by=people["other"], private=True, created_at=NOW - HOUR)
    ended = make_image(ended_at=NOW, created_at=NOW - HOUR)
    tag = make_tag("y")
    rows(
        "INSERT INTO tags_imagetag (uuid, image_id, tag_id, value)"
        " SELECT gen_random_uuid(), id, %s, '' FROM images_image WHERE id <> %s RETURNING id",
        tag.pk,
        image.pk,
    )
    assert audience_of(private) == (NOW - HOUR, people["other"].pk)
    assert audience_of(ended) == (NOW - HOUR, None)
    tagging.tag_each([image], [tag], TESTS)
    assert set(ImageTag.objects.filter(image=image).values_list("audience", flat=True)) == {0}
