"""GET /v1/tags/{id}/related: the tags that images have beside one."""

import pytest

from taggedimages.factories import make_credentials, make_image, make_tag
from taggedimages.identity.models import User

pytestmark = pytest.mark.django_db


def related(client, name, **parameters):
    """The names and counts of what goes with the tag of a name."""
    answer = client.get(f"/v1/tags/{make_tag(name).pk}/related", parameters)
    assert answer.status_code == 200, answer.json()
    return [(tag["name"], tag["count"]) for tag in answer.json()["results"]]


def test_the_most_frequent_come_first_and_equal_ones_by_name(api):
    make_image("knee", "left", "x-ray")
    make_image("knee", "left")
    make_image("knee", "MRI")
    make_image("left", "hand")
    assert related(api, "knee") == [("left", 2), ("MRI", 1), ("x-ray", 1)]
    assert related(api, "hand") == [("left", 1)]


def test_each_is_a_tag_with_its_count(api):
    make_image("knee", "left")
    knee, left = make_tag("knee"), make_tag("left")
    assert api.get(f"/v1/tags/{knee.pk}/related").json() == {
        "results": [{"id": left.pk, "name": "left", "count": 1}]
    }


def test_a_tag_of_no_image_goes_with_nothing(api):
    assert related(api, "unused") == []


def test_the_limit_is_how_many_there_are_at_most(api):
    make_image("knee", *"abcdefghijklmnopqrstuvwxyz")
    assert len(related(api, "knee")) == 20
    assert related(api, "knee", limit=2) == [("a", 1), ("b", 1)]
    assert len(related(api, "knee", limit=100)) == 26


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "limit="])
def test_a_bad_limit_is_400(api, query):
    assert api.get(f"/v1/tags/{make_tag().pk}/related?{query}").status_code == 400


def test_images_that_the_caller_is_not_shown_count_for_nothing(api, api_as):
    mira = make_credentials("mira")
    make_image("knee", "left")
    make_image("knee", "left", "secret", by=User.objects.get(username="mira"), private=True)
    assert related(api, "knee") == [("left", 1)]
    assert related(api_as(mira), "knee") == [("left", 2), ("secret", 1)]


def test_of_a_tag_that_is_not_shown_nothing_is_told(api):
    hidden = make_image("hidden", "left", private=True).tags.get(name="hidden")
    answer = api.get(f"/v1/tags/{hidden.pk}/related")
    assert (answer.status_code, answer.json()) == (404, {"code": 404, "message": "Not found."})


def test_it_is_limited_as_other_searches_are(api, settings):
    settings.ANONYMOUS, settings.RATE_SEARCHES = "read-only", 1
    path = f"/v1/tags/{make_tag().pk}/related"
    assert [api.get(path).status_code for _ in range(2)] == [200, 429]
