"""PATCH /v2/images/{image_id}: a JSON patch of tags and name (Glance's image update)."""

import json

import pytest

from images.models import Image
from taggedimages.dialects.ims.patches import V20, V21
from taggedimages.dialects.ims.tests.requests import error, held
from taggedimages.factories import TESTS, make_image, unknown_uuid
from tags import tagging
from tags.models import ImageTag


def patch(client, image, operations, media_type=V21, **more):
    url = f"/v2/images/{getattr(image, 'uuid', image)}"
    body = operations if isinstance(operations, str) else json.dumps(operations)
    return client.generic("PATCH", url, body, media_type, **more)


@pytest.fixture
def knee(owner):
    image = make_image(by=owner, name="knee")
    tagging.set_values(image, {"modality": "mri", "reviewed": "", "a b": "", "v1.2": ""}, TESTS)
    return image


def tags(operation="replace", path="/tags", **more):
    return [{"op": operation, "path": path, **more}]


@pytest.mark.parametrize("operation", ["add", "replace"])
@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (["modality=mri", "new"], [("modality", "mri"), ("new", "")]),
        (["modality", "a b", "v1.2"], [("modality", "mri"), ("a b", ""), ("v1.2", "")]),
        (["modality=ct"], [("modality", "ct")]),
        (["new=1", "new=1"], [("new", "1")]),
        ([], []),
    ],
)
def test_the_whole_list(ims, knee, operation, wanted, expected):
    response = patch(ims, knee, tags(operation, value=wanted))
    assert response.status_code == 200
    assert response.json() == ims.get(f"/v2/images/{knee.uuid}").json()
    assert held(knee) == expected


def test_tags_that_stay_keep_who_put_them_there_and_when(ims, knee):
    before = ImageTag.objects.get(image=knee, tag__name="modality")
    patch(ims, knee, tags(value=["modality=mri", "new"]))
    kept = ImageTag.objects.get(image=knee, tag__name="modality")
    assert (kept.pk, kept.uuid, kept.user_id) == (before.pk, before.uuid, before.user_id)
    assert (kept.created_at, kept.value) == (before.created_at, "mri")


def test_the_name(ims, knee):
    response = patch(ims, knee, [{"op": "replace", "path": "/name", "value": "Left knee"}])
    assert (response.status_code, response.json()["name"]) == (200, "Left knee")
    assert Image.objects.get(pk=knee.pk).filename == knee.filename
    assert len(held(knee)) == 4


def test_the_older_draft(ims, knee):
    operations = [{"replace": "/name", "value": "x"}, {"add": "/tags", "value": ["y"]}]
    response = patch(ims, knee, operations, V20)
    assert (response.json()["name"], response.json()["tags"]) == ("x", ["y"])
    assert patch(ims, knee, operations, V21).status_code == 400
    assert patch(ims, knee, tags(value=[]), V20).status_code == 400


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        (tags("add", "/tags/-", value="new"), ["modality", "reviewed", "a b", "v1.2", "new"]),
        (tags("add", "/tags/4", value="new"), ["modality", "reviewed", "a b", "v1.2", "new"]),
        (tags("remove", "/tags/0"), ["reviewed", "a b", "v1.2"]),
        (tags("replace", "/tags/1", value="new"), ["modality", "a b", "v1.2", "new"]),
        (
            [*tags("move", "/tags/0", **{"from": "/tags/3"}), *tags("remove", "/tags/0")],
            ["modality", "reviewed", "a b"],
        ),
        ([*tags(value=["x", "y"]), *tags("remove", "/tags/0")], ["y"]),
        ([], ["modality", "reviewed", "a b", "v1.2"]),
    ],
)
def test_single_elements_as_clients_that_compare_lists_send_them(ims, knee, operations, expected):
    assert patch(ims, knee, operations).status_code == 200
    assert [key for key, _ in held(knee)] == expected


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": "/visibility", "value": "public"},
        {"op": "replace", "path": "/id", "value": "x"},
        {"op": "add", "path": "/colour", "value": "red"},
        {"op": "replace", "path": "/protected", "value": True},
        {"op": "remove", "path": "/name"},
        {"op": "remove", "path": "/tags"},
        {"op": "add", "path": "/name/0", "value": "x"},
        {"op": "add", "path": "/Tags", "value": []},
        {"op": "add", "path": "/", "value": []},
        {"op": "move", "path": "/tags/0", "from": "/name"},
    ],
)
def test_other_paths_are_forbidden_and_nothing_is_changed(ims, knee, operation):
    response = patch(ims, knee, [*tags(value=[]), operation])
    assert (response.status_code, response.json()) == (403, error("IMG.0026", response))
    assert len(held(knee)) == 4


@pytest.mark.parametrize(
    "operations",
    [
        {"op": "replace", "path": "/tags", "value": []},
        ["replace"],
        [{}],
        [{"path": "/tags", "value": []}],
        [{"op": "replace", "value": []}],
        [{"op": "replace", "path": "tags", "value": []}],
        [{"op": "replace", "path": "", "value": []}],
        [{"op": "replace", "path": 1, "value": []}],
        [{"op": "replace", "path": "/tags~2", "value": []}],
        [{"op": "replace", "path": "/tags"}],
        [{"op": "test", "path": "/tags", "value": []}],
        [{"op": ["replace"], "path": "/tags", "value": []}],
        tags(value="new"),
        tags(value=[1]),
        tags(value=None),
        tags("add", "/tags/9", value="new"),
        tags("replace", "/tags/-1", value="new"),
        tags("remove", "/tags/4"),
        tags("remove", "/tags/x"),
        tags("move", "/tags/0"),
        [{"op": "replace", "path": "/name", "value": ""}],
        [{"op": "replace", "path": "/name", "value": None}],
        [{"op": "replace", "path": "/name", "value": "x" * 256}],
        [{"op": "replace", "path": "/name", "value": "a\0b"}],
        "{",
        "null",
    ],
)
def test_a_bad_patch(ims, knee, operations):
    response = patch(ims, knee, operations)
    assert (response.status_code, response.json()) == (400, error("IMG.0001", response))
    assert len(held(knee)) == 4


@pytest.mark.parametrize(
    "wanted", [["two words"], ["x" * 256], ["k" * 37 + "=v"], ["k=" + "v" * 44], ["=v"], [""]]
)
def test_new_tags_keep_to_the_rules(ims, knee, wanted):
    response = patch(ims, knee, tags(value=["modality=mri", *wanted]))
    assert (response.status_code, response.json()) == (400, error("IMG.0115", response))
    assert len(held(knee)) == 4


def test_a_key_with_two_values(ims, knee):
    response = patch(ims, knee, tags(value=["new=1", "new=2"]))
    assert (response.status_code, response.json()) == (400, error("IMG.0115", response))


def test_ten_tags_unless_there_are_more_already(ims, owner):
    image = make_image(*[f"tag{number}" for number in range(12)], by=owner)
    names = [name for name, _ in held(image)]
    assert patch(ims, image, tags(value=names)).status_code == 200
    assert patch(ims, image, tags(value=names[1:])).status_code == 200
    response = patch(ims, image, tags(value=[*names[2:], "new"]))
    assert (response.status_code, response.json()) == (400, error("IMG.0116", response))
    assert len(held(image)) == 11
    assert patch(ims, image, tags(value=[*names[3:], "new"])).status_code == 200


def test_an_empty_body(ims, knee):
    response = patch(ims, knee, "")
    assert (response.status_code, response.json()) == (400, error("IMG.0007", response))


@pytest.mark.parametrize("media_type", ["application/json", "application/json-patch+json", ""])
def test_other_media_types(ims, knee, media_type):
    response = patch(ims, knee, tags(value=[]), media_type)
    assert response.status_code == 415
    assert response.json() == error("IMG.0001", response)
    assert response.headers["Accept-Patch"] == f"{V20}, {V21}"


def test_parameters_of_the_media_type(ims, knee):
    assert patch(ims, knee, tags(value=[]), f"{V21.upper()}; charset=utf-8").status_code == 200


def test_the_vendor_s_path_takes_plain_json(ims, knee):
    operations = [{"op": "replace", "path": "/name", "value": "new"}]
    response = ims.patch(f"/v2/cloudimages/{knee.uuid}", operations)
    assert (response.status_code, response.json()["name"]) == (200, "new")


def test_whose_image_it_is(ims_as, ims, eve, knee):
    knee.visibility = 2
    knee.save()
    assert patch(ims_as(eve), knee, tags(value=[])).status_code == 404
    knee.visibility = 0
    knee.save()
    assert patch(ims_as(eve), knee, tags(value=[])).status_code == 403
    assert patch(ims, unknown_uuid(), tags(value=[])).status_code == 404
    assert len(held(knee)) == 4


def test_only_the_state_that_was_read(ims, knee):
    etag = ims.get(f"/v2/images/{knee.uuid}").headers["ETag"]
    name = [{"op": "replace", "path": "/name", "value": "new"}]
    assert patch(ims, knee, name, headers={"If-Match": etag}).status_code == 200
    assert patch(ims, knee, name, headers={"If-Match": etag}).status_code == 412
