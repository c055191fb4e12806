"""What each kind of rule asks, image by image."""

import pytest

from search.executor.blocks import Blocks
from taggedimages.datasets.contracts import reports
from taggedimages.datasets.contracts.tests.examples import keep
from taggedimages.factories import TESTS, make_image, make_tag
from tags import tagging, vocabulary

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["links", "bitmaps"])
def failing(request, monkeypatch):
    """The images that fail a rule, by whichever way sets of tags are read."""
    if request.param == "bitmaps":
        monkeypatch.setattr("search.executor.tag_sets.FEW", -1)
        monkeypatch.setattr("taggedimages.datasets.contracts.present.FEW", -1)

    def failing(rule, **when):
        return list(reports.failing(keep(rule, when=when or None), None))

    return failing


def ids(*images):
    return [image.pk for image in images]


def test_exactly_one_of(failing):
    none, _, both = make_image("knee"), make_image("left"), make_image("left", "right")
    assert failing({"exactly_one_of": ["left", "right"]}) == ids(none, both)


def test_at_least_one_of(failing):
    none, *_ = make_image("knee"), make_image("left"), make_image("left", "right")
    assert failing({"at_least_one_of": ["left", "right"]}) == ids(none)


def test_all_of(failing):
    none, one, _ = make_image(), make_image("left"), make_image("left", "right")
    assert failing({"all_of": ["left", "right"]}) == ids(none, one)


def test_none_of(failing):
    _, one, two = make_image(), make_image("todo"), make_image("todo", "blurred")
    assert failing({"none_of": ["todo", "blurred"]}) == ids(one, two)


def test_a_condition_has_all_of_its_tags(failing):
    make_image("ct"), make_image("contrast"), make_image("ct", "contrast", "phase")
    bad = make_image("ct", "contrast")
    assert failing({"if": ["ct", "contrast"], "all_of": ["phase"]}) == ids(bad)


def test_at_most(failing):
    make_image(), make_image("a", "b")
    three = make_image("a", "b", "c")
    assert failing({"at_most": 2}) == ids(three)
    assert failing({"if": ["c"], "at_most": 3}) == []


def test_no_tag_at_all(failing):
    _, one = make_image(), make_image("a")
    assert failing({"at_most": 0}) == ids(one)


def valued(name, value):
    image = make_image()
    tagging.set_values(image, {name: value}, TESTS)
    return image


def test_values_match_as_a_whole(failing):
    make_image("knee"), valued("age", "7"), valued("age", "103")
    bad = [valued("age", value) for value in ("1030", "12 y", "", "-1", "7\n")]
    assert failing({"value": {"tag": "age", "pattern": "[0-9]{1,3}"}}) == ids(*bad)


def test_either_side_of_an_alternative_is_a_whole(failing):
    make_image(), valued("side", "left"), valued("side", "right")
    bad = valued("side", "left or so")
    assert failing({"value": {"tag": "side", "pattern": "left|right"}}) == ids(bad)


def test_what_implies_a_tag_has_it(failing):
    implying, bad = make_image("mri"), make_image("x-ray")
    vocabulary.imply(make_tag("mri"), [make_tag("modality")], TESTS)
    assert failing({"all_of": ["modality"]}) == ids(bad)
    assert failing({"exactly_one_of": ["mri", "modality"]}) == ids(implying, bad)


def test_an_alias_and_its_target_are_one(failing):
    image = make_image("left", "links")
    vocabulary.alias(make_tag("links"), make_tag("left"), TESTS)
    assert failing({"exactly_one_of": ["left", "links"]}) == []
    assert failing({"at_most": 1}) == []
    assert failing({"at_most": 0}) == ids(image)


def test_values_of_what_stands_for_a_tag_match_too(failing):
    vocabulary.alias(make_tag("alter"), make_tag("age"), TESTS)
    make_image("age"), valued("age", "12")
    bad = valued("alter", "zwölf")
    assert failing({"value": {"tag": "age", "pattern": "[0-9]*"}}) == ids(bad)


def test_names_that_no_tag_has_are_told(failing):
    image = make_image("left")
    rule = {"if": ["lft"], "all_of": ["rigth", "left"]}
    assert failing(rule) == []
    assert failing({"all_of": ["rigth", "left"]}) == ids(image)
    report = reports.of_members(keep(rule), Blocks.of([image.pk]), None)
    assert report["unknown_tags"] == ["lft", "rigth"]


def test_only_images_that_it_is_for(failing):
    make_image(), make_image("knee", "left")
    bad = make_image("knee")
    assert failing({"at_least_one_of": ["left", "right"]}, exact_tags=["knee"]) == ids(bad)
