"""No page of images is over 4 MB: with very many tags on it, each image shows its first 20."""

import json

import pytest

from images.models import Facts
from taggedimages.factories import TESTS, make_image
from tags import page_links, tagging

pytestmark = pytest.mark.django_db

PATHS = ["/v1/images?", "/v1/search/images?any_tags=tag0&", "/v1/images?order=largest&"]


@pytest.fixture
def most(monkeypatch):
    """Two images may show 200 tags, or 100 each."""
    monkeypatch.setattr(page_links, "MAX_LINKS", 200)


def names(count, template="tag{}"):
    return [template.format(number) for number in range(count)]


def shown(api, path):
    answer = api.get(path)
    assert answer.status_code == 200
    assert len(answer.content) <= 4_000_000
    records = answer.json()["results"]
    return {record["id"]: [tag["name"] for tag in record["tags"]] for record in records}


@pytest.mark.parametrize("path", PATHS)
def test_a_page_past_the_limit_shows_the_first_20_of_each(api, most, path):
    many, few = make_image(*names(199)), make_image(*names(2))
    assert shown(api, f"{path}limit=2") == {many.pk: names(20), few.pk: names(2)}
    tagging.untag_named(many, {"tag198": None}, TESTS)
    assert shown(api, f"{path}limit=2") == {many.pk: names(198), few.pk: names(2)}
    # The rule is one of pages: their limit is not what counts.
    assert shown(api, f"{path}limit=100") == {many.pk: names(198), few.pk: names(2)}


def test_a_single_record_and_a_line_of_a_stream_show_all(api, most):
    images = [make_image(*names(150)) for _ in range(2)]
    assert len(api.get(f"/v1/images/{images[0].pk}").json()["tags"]) == 150
    lines = b"".join(api.get("/v1/images", HTTP_ACCEPT="application/x-ndjson")).splitlines()
    assert [len(json.loads(line)["tags"]) for line in lines] == [150, 150]


def test_similar_images_are_a_page_too(api, most):
    images = [make_image(*names(150)) for _ in range(3)]
    for image in images:
        Facts.objects.create(image=image, fingerprint=0x0F0F_3C3C_55AA)
    answer = api.get(f"/v1/images/{images[0].pk}/similar").json()
    assert [len(one["image"]["tags"]) for one in answer["results"]] == [20, 20]


def test_very_long_names_leave_room_for_fewer(api):
    image = make_image(*names(4_000, "\U0001d11e" * 240 + "{}"))
    assert 2_000 < len(shown(api, "/v1/images")[image.pk]) < 4_000
