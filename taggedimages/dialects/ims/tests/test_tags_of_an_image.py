"""GET /v2/{project_id}/images/{image_id}/tags (the seed)."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from taggedimages.dialects.ims.tests.requests import error, tags_url
from taggedimages.factories import TESTS, make_image, make_user, unknown_uuid
from tags import tagging


def test_keys_and_values_in_the_order_they_were_added(ims, image):
    tagging.set_values(image, {"modality": "mri"}, TESTS)
    tagging.tag(image, ["reviewed"], TESTS)
    tagging.set_values(image, {"modality": "ct"}, TESTS)
    response = ims.get(tags_url(image))
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"
    assert response.json() == {
        "tags": [{"key": "modality", "value": "ct"}, {"key": "reviewed", "value": ""}]
    }


def test_an_image_without_tags(ims, image):
    assert ims.get(tags_url(image)).json() == {"tags": []}


def test_names_made_elsewhere_are_listed_at_full_length(ims, image):
    tagging.tag(image, ["x" * 160, *[f"tag{n}" for n in range(20)]], TESTS)
    assert len(ims.get(tags_url(image)).json()["tags"]) == 21


@pytest.mark.parametrize("id", [unknown_uuid(), "1", "x", "%00", "a%2Fb", "\u00e9"])
def test_an_unknown_or_malformed_id(ims, id):
    response = ims.get(f"/v2/lab/images/{id}/tags")
    assert response.status_code == 404
    assert response.json() == error("IMG.0027", response)


def test_as_many_statements_for_many_tags_as_for_one(ims, image):
    tagging.tag(image, ["one"], TESTS)
    with CaptureQueriesContext(
        connection,
    ) as few:
        ims.get(tags_url(image))
    tagging.tag(image, [f"tag{n}" for n in range(50)], TESTS)
    with CaptureQueriesContext(connection) as many:
        ims.get(tags_url(image))
    assert len(few) == len(many) == 4


def test_no_trailing_slash(ims, image):
    response = ims.get(tags_url(image) + "/")
    assert response.status_code == 404
    assert response.json() == error("IMG.0027", response)


def test_tags_of_a_public_image_of_another_project(ims):
    foreign = make_image("knee", by=make_user("bob", project_id="theirs"))
    assert ims.get(tags_url(foreign)).json() == {"tags": [{"key": "knee", "value": ""}]}
