"""POST /v2/{project_id}/images/resource_instances/action."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from images import deletion
from search.index import project_terms
from search.tests.indexes import merge_all
from search.tests.thresholds import SMALL
from taggedimages.dialects.ims.tests.requests import error
from taggedimages.factories import TESTS, make_image, make_pending, make_user, unknown_uuid
from tags import tagging

URL = "/v2/lab/images/resource_instances/action"


@pytest.fixture
def corpus(owner):
    """Images by name; their tags are told by the names of the tests below."""
    tags = {
        "plain": {},
        "ct": {"modality": "ct", "side": "left"},
        "mri": {"modality": "mri", "side": "left", "reviewed": ""},
        "Right MRI": {"modality": "mri", "side": "right"},
    }
    images = {}
    for name, values in tags.items():
        images[name] = make_image(by=owner, name=name)
        tagging.set_values(images[name], values, TESTS) if values else None
    return images


def names(ims, **asked):
    response = ims.post(URL, {"action": "filter", **asked})
    assert response.status_code == 200, response.json()
    found = [resource["resource_name"] for resource in response.json()["resources"]]
    counted = ims.post(URL, {"action": "count", **asked})
    assert counted.json() == {"total_count": response.json()["total_count"]}
    return found


def wanted(key, *values):
    return {"key": key, "values": list(values)}


def test_a_whole_answer(ims, corpus):
    response = ims.post(URL, {"action": "filter", "tags": [wanted("reviewed")]})
    assert response.status_code == 200
    assert response.json() == {
        "resources": [
            {
                "resource_id": str(corpus["mri"].uuid),
                "resource_name": "mri",
                "resource_detail": {"status": "active"},
                "tags": [
                    {"key": "modality", "value": "mri"},
                    {"key": "side", "value": "left"},
                    {"key": "reviewed", "value": ""},
                ],
            }
        ],
        "total_count": 1,
    }


def test_a_whole_count(ims, corpus):
    assert ims.post(URL, {"action": "count"}).json() == {"total_count": 4}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, ["Right MRI", "mri", "ct", "plain"]),
        ({"tags": []}, ["Right MRI", "mri", "ct", "plain"]),
        ({"tags": [wanted("modality")]}, ["Right MRI", "mri", "ct"]),
        ({"tags": [{"key": "modality"}]}, ["Right MRI", "mri", "ct"]),
        ({"tags": [wanted(" modality ", " ct ")]}, ["ct"]),
        ({"tags": [wanted("modality", "mri")]}, ["Right MRI", "mri"]),
        ({"tags": [wanted("modality", "mri", "ct"), wanted("side", "left")]}, ["mri", "ct"]),
        ({"tags": [wanted("modality", "MRI")]}, []),
        ({"tags": [wanted("Modality")]}, []),
        ({"tags": [wanted("modality"), wanted("absent")]}, []),
        ({"tags": [wanted("reviewed", "")]}, ["mri"]),
        ({"tags": [wanted("side", "")]}, []),
        ({"tags_any": [wanted("reviewed"), wanted("side", "right")]}, ["Right MRI", "mri"]),
        ({"tags_any": [wanted("absent"), wanted("modality", "ct")]}, ["ct"]),
        ({"tags_any": [wanted("absent")]}, []),
        ({"tags_any": []}, ["Right MRI", "mri", "ct", "plain"]),
        (
            {"not_tags": [wanted("modality", "mri"), wanted("side", "left")]},
            ["Right MRI", "ct", "plain"],
        ),
        ({"not_tags": [wanted("modality")]}, ["plain"]),
        ({"not_tags": [wanted("modality"), wanted("absent")]}, ["Right MRI", "mri", "ct", "plain"]),
        ({"not_tags_any": [wanted("modality", "ct"), wanted("side", "right")]}, ["mri", "plain"]),
        ({"not_tags_any": [wanted("absent")]}, ["Right MRI", "mri", "ct", "plain"]),
        ({"not_tags_any": [wanted("absent"), wanted("reviewed")]}, ["Right MRI", "ct", "plain"]),
        ({"without_any_tag": True}, ["plain"]),
        ({"without_any_tag": True, "tags": [wanted("modality")]}, ["plain"]),
        ({"without_any_tag": False, "tags": [wanted("modality", "ct")]}, ["ct"]),
        ({"matches": [{"key": "resource_name", "value": "MRI"}]}, ["Right MRI", "mri"]),
        ({"matches": [{"key": "resource_name", "value": "r%m"}]}, []),
        ({"matches": [{"key": "resource_name", "value": ""}]}, []),
        ({"matches": [{"key": "resource_id", "value": "malformed"}]}, []),
        ({"matches": [{"key": "resource_id", "value": unknown_uuid()}]}, []),
        ({"without_any_tag": True, "matches": [{"key": "resource_name", "value": "mri"}]}, []),
        (
            {
                "tags": [wanted("modality")],
                "tags_any": [wanted("side", "left"), wanted("reviewed")],
                "not_tags": [wanted("modality", "ct"), wanted("side", "left")],
                "not_tags_any": [wanted("absent")],
                "matches": [{"key": "resource_name", "value": "m"}],
            },
            ["mri"],
        ),
    ],
)
def test_what_is_found(ims, corpus, asked, expected):
    assert names(ims, **asked) == expected


def test_by_id_and_by_the_empty_name(ims, corpus, owner):
    nameless = make_image(by=owner, name="")
    assert names(ims, matches=[{"key": "resource_name", "value": ""}]) == [""]
    assert names(ims, matches=[{"key": "resource_id", "value": str(nameless.uuid)}]) == [""]


def test_private_and_waiting_and_failed_images_of_the_project(ims, owner):
    make_pending(by=owner, private=True)
    make_pending(by=owner, upload_error="size_mismatch: 1 and 2")
    resources = ims.post(URL, {"action": "filter"}).json()["resources"]
    assert [one["resource_detail"]["status"] for one in resources] == ["killed", "queued"]


def test_not_those_of_others_or_those_that_ended(ims, owner):
    make_image(by=make_user("bob", project_id="theirs"))
    make_image(by=owner, ended_at=timezone.now())
    deletion.delete(make_image(by=owner))
    assert names(ims) == []


def test_pages(ims, owner):
    made = [str(make_image(by=owner).uuid) for _ in range(25)][::-1]

    def page(**asked):
        answer = ims.post(URL, {"action": "filter", **asked}).json()
        assert answer["total_count"] == 25
        return [resource["resource_id"] for resource in answer["resources"]]

    assert page() == made[:10]
    assert page(limit="7", offset="3") == made[3:10]
    assert page(limit=1000, offset=20) == made[20:]
    assert page(offset=25) == page(offset=2**62) == []


def test_limit_and_offset_are_ignored_for_a_count(ims, corpus):
    asked = {"action": "count", "limit": "x", "offset": -1}
    assert ims.post(URL, asked).json() == {"total_count": 4}


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"action": None}, "IMG.0001"),
        ({"action": "Filter"}, "IMG.0001"),
        ({"action": "COUNT"}, "IMG.0001"),
        ({"action": {}}, "IMG.0001"),
        ({"limit": 0}, "IMG.0001"),
        ({"limit": 1001}, "IMG.0001"),
        ({"limit": "ten"}, "IMG.0001"),
        ({"limit": True}, "IMG.0001"),
        ({"limit": 1.5}, "IMG.0001"),
        ({"limit": [1]}, "IMG.0001"),
        ({"offset": -1}, "IMG.0001"),
        ({"offset": "9" * 30}, "IMG.0001"),
        ({"offset": "\u0661"}, "IMG.0001"),
        ({"tags": "modality"}, "IMG.0001"),
        ({"tags": {}}, "IMG.0001"),
        ({"tags": ["modality"]}, "IMG.0001"),
        ({"tags": [{"key": "a", "values": "b"}]}, "IMG.0001"),
        ({"tags": [{"key": "a", "values": [1]}]}, "IMG.0001"),
        ({"tags": [wanted(f"tag{n}") for n in range(11)]}, "IMG.0001"),
        ({"not_tags_any": [wanted("a", *"abcdefghijk")]}, "IMG.0001"),
        ({"without_any_tag": "yes"}, "IMG.0001"),
        ({"without_any_tag": 1}, "IMG.0001"),
        ({"matches": [{"key": "resource_size", "value": "1"}]}, "IMG.0001"),
        ({"matches": [{"key": "resource_name"}]}, "IMG.0001"),
        ({"matches": [{"key": "resource_name", "value": "\0"}]}, "IMG.0001"),
        ({"tags": [{"values": ["x"]}]}, "IMG.0115"),
        ({"tags": [wanted("")]}, "IMG.0115"),
        ({"tags": [wanted("k" * 129)]}, "IMG.0115"),
        ({"tags_any": [wanted("k", "v" * 256)]}, "IMG.0115"),
        ({"not_tags": [wanted("k", "\0")]}, "IMG.0115"),
        ({"tags": [wanted("a"), wanted("a", "b")]}, "IMG.0115"),
        ({"tags": [wanted("a", "b", "b")]}, "IMG.0115"),
        ({"matches": [{"key": "resource_id", "value": "a"}] * 2}, "IMG.0115"),
    ],
)
def test_what_is_refused(ims, asked, code):
    response = ims.post(URL, {"action": "filter"} | asked)
    assert (response.status_code, response.json()) == (400, error(code, response))


def test_an_empty_body(ims):
    response = ims.post(URL, b"", content_type="application/json")
    assert (response.status_code, response.json()) == (400, error("IMG.0007", response))


def test_as_many_statements_for_many_images_as_for_one(ims, owner):
    for number in range(12):
        make_image("a", f"tag{number}", by=owner)

    def statements(limit: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            ims.post(URL, {"action": "filter", "tags": [wanted("a")], "limit": limit})
        return len(captured)

    assert statements(1) == statements(12) == 9


@pytest.mark.parametrize(
    ("neighbours", "indexed"), [(0, False), (1, False), (1, True)], ids=["alone", "rows", "bitmaps"]
)
def test_totals_and_pages_are_the_projects_own(ims, owner, neighbours, indexed):
    soon, past = timezone.now() + timedelta(hours=1), timezone.now() - timedelta(hours=1)
    make_image("knee", by=owner, name="a")
    make_image("knee", by=owner, name="b", private=True)
    make_image("knee", by=owner, name="c", ended_at=soon)
    make_image("knee", by=owner, ended_at=past)
    make_image("knee", by=owner, created_at=soon)
    for _ in range(neighbours):
        make_image("knee", by=make_user(project_id="next"))
    merge_all(SMALL)
    if indexed:
        project_terms.adopt()
    assert names(ims, tags=[wanted("knee")]) == names(ims) == ["c", "b", "a"]
    assert names(ims, tags=[wanted("knee")], offset=1, limit=1) == ["b"]
    assert names(ims, offset=2**62) == []
