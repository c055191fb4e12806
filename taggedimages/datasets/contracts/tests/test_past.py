"""Contracts by tags, values, names and rules as they were, and of releases of then."""

import json
from datetime import UTC, datetime

import pytest
from django.db import connection

from search.query import Named, Query
from search.results import SearchResults
from taggedimages.datasets.contracts import reports
from taggedimages.datasets.contracts.gate import gate
from taggedimages.datasets.contracts.reports import EVERYTHING, When
from taggedimages.datasets.contracts.tests.examples import keep
from taggedimages.datasets.tests.releases import ready_image, released
from taggedimages.factories import TESTS, make_image, make_tag
from taggedimages.identity.models import default_project_id
from tags import curation, tagging, vocabulary

pytestmark = pytest.mark.django_db(transaction=True)


def now():
    """The database's clock, which stamps lines."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


def then(rule, at, **more):
    return list(reports.failing(keep(rule), None, When(at, **more)))


def ids(*images):
    return [image.pk for image in images]


def test_tags_are_those_of_then():
    mended, spoilt = make_image("todo"), make_image("done")
    at = now()
    tagging.untag_named(mended, {"todo": None}, TESTS)
    tagging.tag(spoilt, ["todo"], TESTS)
    make_image("todo")
    assert then({"none_of": ["todo"]}, at) == ids(mended)
    assert then({"exactly_one_of": ["todo", "done"]}, at) == []
    assert then({"exactly_one_of": ["todo", "done"]}, None) == ids(mended, spoilt)
    assert then({"at_most": 1}, at) == []
    assert then({"at_most": 1}, None) == ids(spoilt)


def test_values_are_those_of_then():
    image, other = make_image(), make_image()
    tagging.set_values(image, {"age": "x"}, TESTS)
    tagging.set_values(other, {"age": "7"}, TESTS)
    at = now()
    tagging.set_values(image, {"age": "7"}, TESTS)
    tagging.set_values(other, {"age": "y"}, TESTS)
    rule = {"value": {"tag": "age", "pattern": "[0-9]+"}}
    assert (then(rule, at), then(rule, None)) == (ids(image), ids(other))


def test_names_and_rules_are_those_of_then_unless_todays_are_asked_for():
    image = make_image("lft")
    make_tag("side")
    at = now()
    tag = make_tag("lft")
    curation.rename(tag, "left", TESTS)
    vocabulary.imply(tag, [make_tag("side")], TESTS)
    assert then({"none_of": ["lft"]}, at) == ids(image)
    assert then({"none_of": ["left", "side"]}, at) == []
    assert then({"none_of": ["left"]}, at, vocabulary_now=True) == ids(image)
    assert then({"none_of": ["side"]}, at, vocabulary_now=True) == ids(image)


def test_who_it_is_for_is_told_by_the_tags_of_then():
    image = make_image("knee")
    at = now()
    tagging.untag_named(image, {"knee": None}, TESTS)
    version = keep({"all_of": ["left"]}, when={"exact_tags": ["knee"]})
    assert list(reports.failing(version, None, When(at))) == ids(image)
    assert list(reports.failing(version, None)) == []


def test_searches_of_then_find_what_failed_then():
    image = make_image("todo")
    at = now()
    tagging.untag_named(image, {"todo": None}, TESTS)
    keep({"none_of": ["todo"]}, name="tidy")
    query = Query(failing=Named("tidy"), as_of=at)
    found = SearchResults(query, EVERYTHING)
    assert (found.count(), list(found.all_images())) == (1, ids(image))
    assert [record.id for record in found.page(5).records] == ids(image)
    assert SearchResults(Query(failing=Named("tidy")), EVERYTHING).count() == 0


def test_the_gate_of_a_release_of_then():
    image = ready_image("todo")
    at = now()
    tagging.untag_named(image, {"todo": None}, TESTS)
    keep({"none_of": ["todo"]}, name="tidy")
    members = SearchResults(Query(), EVERYTHING).all_images()
    waive = {"tidy": "seen"}
    (told,) = gate(["tidy"], members, at, waive, default_project_id())
    assert (told["passes"], told["rules"][0]["sample"]) == (False, ids(image))
    (told,) = gate(["tidy"], members, None, waive, default_project_id())
    assert told["passes"]


def test_a_statement_says_what_was_waived_and_why():
    ready_image("todo")
    keep({"none_of": ["todo"]}, name="tidy")
    release = released(contracts=["tidy"], waive={"tidy": "They are done."})
    assert release.state == "released", release.problem
    for told in (release.report["contracts"], json.loads(release.statement)["contracts"]):
        assert [(one["contract"], one["passes"], one["waived"]) for one in told] == [
            ("tidy", False, "They are done.")
        ]
        assert told[0]["rules"][0]["failures"] == 1


def test_the_beginning_of_time():
    make_image("todo")
    assert then({"at_most": 0}, datetime(1970, 1, 2, tzinfo=UTC)) == []
