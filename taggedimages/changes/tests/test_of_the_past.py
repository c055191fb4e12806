"""Changes of the images that had tags at an instant (docs/time-travel.md)."""

import pytest

from taggedimages.changes.models import Change
from taggedimages.changes.tests.corpora import applied
from taggedimages.factories import TESTS, make_image
from tags import curation, tagging
from tags.models import Tag
from tags.past.tests.ageing import let_pass

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def everybody_writes(settings):
    settings.ANONYMOUS = "open"


def proposed(api, **query):
    answer = api.post(
        "/v1/changes", {"query": query, "operation": {"add": ["seen"]}}, format="json"
    )
    assert answer.status_code == 202, answer.content
    return Change.objects.get(pk=answer.json()["id"])


def applied_by(api, change):
    """The change as it is once whoever proposed it has had it applied."""
    digest = {"digest": change.digest}
    answer = api.post(f"/v1/changes/{change.pk}/apply", digest, format="json")
    assert answer.status_code == 202, answer.content
    return applied(change)


def tags_of(image):
    return sorted(image.tags.values_list("name", flat=True))


def test_what_had_a_tag_then_is_tagged_now(api):
    image, other = make_image("knee"), make_image("hip")
    at = let_pass()
    tagging.retag(image, [], TESTS)
    tagging.tag(other, ["knee"], TESTS)
    change = proposed(api, exact_tags=["knee"], as_of=at)
    assert change.plan["images"] == 1
    assert applied_by(api, change).outcomes == {"changed": 1}
    assert tags_of(image) == ["seen"]
    assert tags_of(other) == ["hip", "knee"]


@pytest.mark.parametrize(("vocabulary", "name"), [("then", "knee"), ("now", "left knee")])
def test_the_question_means_the_same_when_the_tag_is_renamed_before_it_is_applied(
    api, vocabulary, name
):
    image = make_image("knee")
    at = let_pass()
    tag = Tag.objects.get(name="knee")
    curation.rename(tag, "left knee", TESTS)
    change = proposed(api, exact_tags=[name], as_of=at, vocabulary=vocabulary)
    curation.rename(tag, "joint", TESTS)
    assert applied_by(api, change).outcomes == {"changed": 1}
    assert tags_of(image) == ["joint", "seen"]
