"""Tags with values, limits, and removing by name."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from images.models import Image
from taggedimages.factories import TESTS, make_image
from tags import history, tagging
from tags.models import ImageTag, Tag
from tags.usage import names_and_values_of

pytestmark = pytest.mark.django_db


def held(image):
    return dict(ImageTag.objects.filter(image=image).values_list("tag__name", "value"))


def test_values_that_stay_are_not_written_again():
    image = make_image()
    tagging.set_values(image, {"a": "1", "b": "2"}, TESTS)
    links = list(ImageTag.objects.values_list("id", "uuid", "created_at"))
    tagging.set_values(image, {"a": "1", "b": "3"}, TESTS)
    assert held(image) == {"a": "1", "b": "3"}
    assert list(ImageTag.objects.order_by("id").values_list("id", "uuid", "created_at")) == links
    assert [change.tag_name for change in history.of_image(image.pk)] == ["b", "b", "a"]


def test_what_would_be_too_many_changes_nothing():
    image = make_image("a", "b")
    with pytest.raises(tagging.TooManyTags):
        tagging.set_values(image, {"a": "1", "c": ""}, TESTS, at_most=2)
    with pytest.raises(tagging.TooManyTags):
        tagging.tag(image, ["a", "c"], TESTS, at_most=2)
    assert held(image) == {"a": "", "b": ""}
    assert not Tag.objects.filter(name="c").exists()


def test_what_is_there_counts_only_once_one_more_is_added():
    image = make_image("a", "b", "c")
    tagging.set_values(image, {"a": "1"}, TESTS, at_most=2)
    tagging.tag(image, ["b"], TESTS, at_most=2)
    assert held(image) == {"a": "1", "b": "", "c": ""}


def test_without_a_limit_nothing_is_counted():
    image = make_image()
    with CaptureQueriesContext(connection) as queries:
        tagging.tag(image, ["a"], TESTS)
    assert not [query for query in queries if "JOIN" in query["sql"]]


def test_untagging_by_name():
    image, other = make_image(), make_image("a")
    tagging.set_values(image, {"a": "1", "b": "2", "c": "", "d": "4"}, TESTS)
    wanted = {"a": None, "b": "other", "c": "", "absent": None}
    assert tagging.untag_named(image, wanted, TESTS) == 2
    assert held(image) == {"b": "2", "d": "4"}
    assert held(other) == {"a": ""}


def test_names_and_values_of_some_images():
    image = make_image()
    tagging.set_values(image, {"b": "ä", "B": "z", "a": ""}, TESTS)
    tagging.set_values(make_image(), {"b": "Z", "a": ""}, TESTS)
    images = Image.objects.all()
    of_both = [("B", "z"), ("a", ""), ("b", "Z"), ("b", "ä")]
    assert list(names_and_values_of(images)) == of_both
    of_one = [("B", "z"), ("a", ""), ("b", "ä")]
    assert list(names_and_values_of(images.filter(pk=image.pk))) == of_one
