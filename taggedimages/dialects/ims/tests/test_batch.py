"""POST .../tags/action, and DELETE with a body under /v1/{project_id}/cloudimages."""

import json

import pytest

from taggedimages.dialects.ims.tests.requests import error, held, tags_url
from taggedimages.factories import TESTS, make_image
from tags import history, tagging


def batch(ims, image, action, *tags):
    return ims.post(tags_url(image, "action"), {"action": action, "tags": list(tags)})


def tag(key, value=""):
    return {"key": key, "value": value}


def remove(ims, image, body):
    return ims.delete(f"/v1/lab/cloudimages/{image.uuid}/tags/delete", body)


def test_creates(ims, image):
    tagging.set_values(image, {"a": "old"}, TESTS)
    response = batch(ims, image, "create", tag("a", "new"), tag("b"), tag("c", "3"))
    assert (response.status_code, response.content) == (204, b"")
    assert held(image) == [("a", "new"), ("b", ""), ("c", "3")]


def test_a_batch_is_one_change(ims, image):
    batch(ims, image, "create", tag("a"), tag("b"))
    assert len(set(history.of_image(image.pk).values_list("change_id"))) == 1


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        ([tag("ok"), tag("k" * 37)], "IMG.0115"),
        ([tag("ok"), {"key": "no value"}], "IMG.0115"),
        ([tag("twice", "1"), tag(" twice ", "2")], "IMG.0115"),
        ([tag(f"tag{n}") for n in range(11)], "IMG.0116"),
        ([], "IMG.0001"),
        ([tag("ok"), 1], "IMG.0001"),
        ([tag("ok"), tag(2)], "IMG.0001"),
        ([tag(f"tag{n}") for n in range(1001)], "IMG.0001"),
    ],
)
def test_all_or_nothing(ims, image, tags, code):
    response = batch(ims, image, "create", *tags)
    assert (response.status_code, response.json()) == (400, error(code, response))
    assert held(image) == []


def test_keys_that_are_there_do_not_count_again(ims, image):
    tagging.tag(image, [f"tag{n}" for n in range(10)], TESTS)
    assert batch(ims, image, "create", *[tag(f"tag{n}", "x") for n in range(10)]).status_code == 204
    response = batch(ims, image, "create", tag("tag1", "y"), tag("more"))
    assert (response.status_code, response.json()) == (400, error("IMG.0116", response))
    assert ("tag1", "x") in held(image)


@pytest.mark.parametrize(
    "body",
    [
        {"tags": [tag("a")]},
        {"action": None, "tags": [tag("a")]},
        {"action": "Create", "tags": [tag("a")]},
        {"action": "DELETE", "tags": [tag("a")]},
        {"action": ["create"], "tags": [tag("a")]},
        {"action": "update", "tags": [tag("a")]},
        {"action": "create"},
        {"action": "create", "tags": {"key": "a", "value": ""}},
        {"action": "delete", "tags": []},
        {"action": "delete", "tags": None},
        {"action": "delete", "tags": ["a"]},
    ],
)
def test_what_has_the_wrong_shape(ims, image, body):
    response = ims.post(tags_url(image, "action"), body)
    assert (response.status_code, response.json()) == (400, error("IMG.0001", response))


def test_an_empty_body(ims, image):
    response = ims.post(tags_url(image, "action"), b"", content_type="application/json")
    assert (response.status_code, response.json()) == (400, error("IMG.0007", response))


def in_batch(ims, image, tags):
    return batch(ims, image, "delete", *tags)


def with_delete(ims, image, tags):
    return remove(ims, image, {"tags": tags})


@pytest.mark.parametrize("removal", [in_batch, with_delete])
class TestRemoval:
    def test_removes_and_passes_over_what_is_absent(self, ims, image, removal):
        tagging.set_values(image, {"a": "1", "b": "2", "c": "3"}, TESTS)
        assert removal(ims, image, [{"key": "a"}, tag("b"), tag("absent")]).status_code == 204
        assert held(image) == [("c", "3")]
        assert removal(ims, image, [{"key": "a"}]).status_code == 204

    def test_a_value_that_is_told_must_be_the_tags(self, ims, image, removal):
        tagging.set_values(image, {"a": "1", "b": "2"}, TESTS)
        assert removal(ims, image, [tag("a", "other"), tag("b", "2")]).status_code == 204
        assert held(image) == [("a", "1")]

    def test_keys_are_case_sensitive(self, ims, image, removal):
        tagging.tag(image, ["Knee"], TESTS)
        removal(ims, image, [tag("knee")])
        assert held(image) == [("Knee", "")]

    def test_longer_keys_than_can_be_written(self, ims, image, removal):
        tagging.tag(image, ["x" * 127], TESTS)
        assert removal(ims, image, [tag("x" * 127)]).status_code == 204
        assert held(image) == []

    @pytest.mark.parametrize(
        "wrong",
        [tag("x" * 128), tag("x", "v" * 256), tag(""), tag("  "), tag("a\0"), {"value": ""}],
    )
    def test_what_breaks_the_rules(self, ims, image, removal, wrong):
        tagging.tag(image, ["x"], TESTS)
        response = removal(ims, image, [{"key": "x"}, wrong])
        assert (response.status_code, response.json()) == (400, error("IMG.0115", response))
        assert held(image) == [("x", "")]

    def test_a_key_twice(self, ims, image, removal):
        response = removal(ims, image, [tag("a", "1"), tag("a", "2")])
        assert (response.status_code, response.json()) == (400, error("IMG.0115", response))

    def test_no_tags(self, ims, image, removal):
        response = removal(ims, image, [])
        assert (response.status_code, response.json()) == (400, error("IMG.0001", response))


def test_a_delete_without_its_body(ims, image):
    response = ims.delete(f"/v1/lab/cloudimages/{image.uuid}/tags/delete")
    assert (response.status_code, response.json()) == (400, error("IMG.0007", response))


def test_a_delete_with_a_broken_body(ims, image):
    url = f"/v1/lab/cloudimages/{image.uuid}/tags/delete"
    response = ims.delete(url, "{", content_type="application/json")
    assert (response.status_code, response.json()) == (400, error("IMG.0001", response))


def test_other_images_keep_their_tags(ims, image, owner):
    other = make_image("a", by=owner)
    tagging.tag(image, ["a"], TESTS)
    remove(ims, image, json.loads('{"tags": [{"key": "a"}]}'))
    assert held(other) == [("a", "")]
