"""Errors quote what was sent: they are rendered whatever that is, few of them, and cut."""

import json

import pytest

from taggedimages.dialects.tests.doors import Atmosphere, Deployed, Ims, SharinPix, Tim
from taggedimages.factories import make_tag

SURROGATE = r'"\ud800"'
MANY, SOME = 55_000, 999


def send(http, method, path, body):
    return http.generic(method, path, body, content_type="application/json")


@pytest.mark.parametrize("odd", [SURROGATE, r'"a\u0000b"', "1" + "0" * 30, '"' + "9" * 5000 + '"'])
@pytest.mark.parametrize("door", [Atmosphere, Deployed])
def test_a_link_that_names_what_is_no_id(doors, image, door, odd):
    root = "/api/v2" if door is Atmosphere else "/current/api/v2"
    tag = make_tag("knee")
    for body in (f'{{"image": {odd}, "tag": {tag.pk}}}', f'{{"image": {image.pk}, "tag": {odd}}}'):
        answer = send(doors[door].http, "POST", f"{root}/image_tags", body)
        assert answer.status_code == 400
        (lines,) = answer.json().values()
        assert lines[0].startswith('Invalid pk "')
        assert len(lines[0]) <= 200


@pytest.mark.parametrize("part", ["key", "value"])
def test_a_match_of_an_odd_property(doors, part):
    match = json.dumps({"key": "resource_name", "value": "x"} | {part: "\ud800"})
    body = f'{{"action": "count", "matches": [{match}]}}'
    path = "/v2/lab/images/resource_instances/action"
    answer = send(doors[Ims].http, "POST", path, body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "IMG.0001"


BODIES = [
    (Tim, "POST", "/v1/images", '{"filename": "a.png", "tags": %s}'),
    (Tim, "POST", "/v1/images", '{"filename": "a.png", "unread": {"deep": [%s]}}'),
    (Tim, "POST", "/v1/images/lookup", '{"sha256": %s}'),
    (Tim, "POST", "/v1/tags", "%s"),
    (Atmosphere, "PATCH", "/api/v2/images/{image}", '{"tags": %s}'),
    (Atmosphere, "POST", "/api/v2/tags", '{"name": "a", "unread": %s}'),
    (Deployed, "PATCH", "/current/api/v2/images/{image}", '{"tags": %s}'),
    (SharinPix, "DELETE", "/api/v1/images", '{"image_ids": %s}'),
    (SharinPix, "POST", "/api/v1/token", '{"permission": {"abilities": %s}}'),
    (SharinPix, "POST", "/api/v1/tags", '{"name": "a", "unread": %s}'),
    (Ims, "POST", "/v2/lab/images/{uuid}/tags/action", '{"action": "create", "tags": %s}'),
    (Ims, "POST", "/v2/lab/images/resource_instances/action", '{"action": "count", "tags": %s}'),
    (Ims, "POST", "/v2/lab/images/resource_instances/action", '{"action": "count", "matches": %s}'),
]


@pytest.mark.parametrize("item", ["{}", "[]", "7", SURROGATE, '{"key": 1}'])
@pytest.mark.parametrize(("door", "method", "path", "body"), BODIES)
def test_a_list_of_very_many_items_is_refused_before_they_are_looked_at(
    doors, image, door, method, path, body, item
):
    items = "[" + ", ".join([item] * MANY) + "]"
    path = path.format(image=image.pk, uuid=image.uuid)
    answer = send(doors[door].http, method, path, body % items)
    assert answer.status_code == 400
    assert len(answer.content) < 500
    told = answer.get("X-message") or json.dumps(answer.json())
    assert "more than 1000 items" in told or "At most 1000 tags." in told


@pytest.mark.parametrize("item", ["{}", "[]", "null", SURROGATE, '{"key": "\\ud800"}'])
@pytest.mark.parametrize(("door", "method", "path", "body"), BODIES)
def test_of_many_errors_ten_are_told(doors, image, door, method, path, body, item):
    items = "[" + ", ".join([item] * SOME) + "]"
    path = path.format(image=image.pk, uuid=image.uuid)
    answer = send(doors[door].http, method, path, body % items)
    assert answer.status_code < 500
    assert len(answer.content) < 20_000
    if door is Tim and answer.status_code == 400:
        assert 0 < len(answer.json()["errors"]) <= 10
