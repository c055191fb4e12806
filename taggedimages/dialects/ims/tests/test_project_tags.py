"""GET /v2/{project_id}/images/tags."""

from datetime import timedelta

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from images import deletion
from taggedimages.factories import TESTS, make_image, make_pending, make_tag, make_user
from tags import tagging

URL = "/v2/lab/images/tags"


def test_a_row_for_each_key_with_its_distinct_values(ims, owner):
    for value in ("mri", "ct", "", "mri"):
        tagging.set_values(make_image(by=owner), {"modality": value}, TESTS)
    make_image("reviewed", by=owner)
    make_pending("Waiting", by=owner, private=True)
    make_tag("unused")
    assert ims.get(URL).json() == {
        "tags": [
            {"key": "Waiting", "values": [""]},
            {"key": "modality", "values": ["", "ct", "mri"]},
            {"key": "reviewed", "values": [""]},
        ]
    }


def test_values_are_sorted_by_code_point(ims, owner):
    for value in ("b", "A", "a", "B", "ä"):
        tagging.set_values(make_image(by=owner), {"key": value}, TESTS)
    assert ims.get(URL).json()["tags"][0]["values"] == ["A", "B", "a", "b", "ä"]


def test_only_current_images_of_the_project(ims, owner):
    make_image("foreign", by=make_user("bob", project_id="theirs"))
    make_image("ended", by=owner, ended_at=timezone.now())
    deletion.delete(make_image("deleted", by=owner))
    make_image("ends-later", by=owner, ended_at=timezone.now() + timedelta(hours=1))
    assert ims.get(URL).json() == {"tags": [{"key": "ends-later", "values": [""]}]}


def test_a_project_without_tags(ims):
    assert ims.get(URL).json() == {"tags": []}


def test_as_many_statements_for_many_tags_as_for_one(ims, owner):
    make_image("a", by=owner)
    with CaptureQueriesContext(connection) as few:
        ims.get(URL)
    make_image(*"bcdefghi", by=owner)
    with CaptureQueriesContext(connection) as many:
        ims.get(URL)
    assert len(few) == len(many) == 4
