"""Patterns among very many tags: what they read, what they find, and when they are refused."""

import pytest
from django.db import connection, connections, transaction

from images.visibility import Viewer
from search.executor import predicates
from search.index.thresholds import DEFAULT, Thresholds
from search.models import Rebuild
from search.planner.named_tags import Clause
from search.planner.resolution import resolve
from search.query import Query
from search.results import SearchResults
from search.tests.indexes import merge_all
from taggedimages.factories import TESTS, make_image, make_spare_tags, make_tag
from taggedimages.tests.explaining import explained
from tags import curation
from tags.models import Tag

SEARCH = "/v1/search/images"
UNUSED = 20_000


@pytest.fixture
def spare() -> None:
    make_spare_tags(UNUSED)


def found(*patterns: str, thresholds: Thresholds = DEFAULT) -> list[int]:
    results = SearchResults(Query(match_tags=patterns), Viewer.of(None), thresholds=thresholds)
    return [record.id for record in results.page(10).records]


# --- What is found -------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("pattern", ["knee", "kn%", "%ee", "%nee%", "%n%", "%k%n%e%"])
def test_a_tag_that_the_index_does_not_know_yet_is_found(pattern):
    make_image("other")
    merge_all()
    assert found(pattern) == []
    image = make_image("knee").pk
    assert found(pattern) == [image]
    merge_all()
    assert found(pattern) == [image]


@pytest.mark.django_db
def test_a_tag_that_was_renamed_or_lost_its_last_image_is_found_as_it_is():
    image = make_image("knee")
    merge_all()
    curation.rename(Tag.objects.get(), "elbow", TESTS)
    assert (found("kn%"), found("elb%")) == ([], [image.pk])
    image.imagetag_set.all().delete()
    merge_all()
    assert found("elb%") == []
    again = make_image("elbow").pk
    assert found("elb%") == [again]


@pytest.mark.django_db
def test_while_the_index_is_not_trusted_no_tag_is_left_to_it():
    image = make_image("knee").pk
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE search_unindexed, search_setsize")
    Rebuild.objects.create()
    assert found("kn%") == [image]


@pytest.mark.django_db
@pytest.mark.parametrize("most", [0, 1, 2, 3])
def test_however_many_tags_a_pattern_stands_for_the_answer_is_the_same(most):
    few = Thresholds(pattern_tags_max=most)
    both = make_image("knee", "left").pk
    one = make_image("knee").pk
    merge_all()
    assert found("%ee", thresholds=few) == [one, both]
    assert found("%ee", "%e%t", thresholds=few) == [both]


# --- What is read --------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("pattern", "index"),
    [("spare aaa%", "tag_by_name"), ("%dcb%", "tag_folded_part"), ("%dc", "tag_folded_part")],
)
def test_a_pattern_that_tells_enough_is_looked_up(api, spare, pattern, index):
    read = explained(lambda: api.get(SEARCH, {"match_tags": pattern}))
    assert index in set().union(*(statement.indexes for statement in read))
    assert not any("tags_tag" in statement.scanned for statement in read)
    assert sum(statement.rows({"tags_tag"}) for statement in read) < UNUSED / 20


@pytest.mark.django_db
def test_a_pattern_of_single_letters_leaves_the_index_of_parts_alone(api, spare):
    read = explained(lambda: api.get(SEARCH, {"match_tags": "%_c%"}))
    assert not any("tag_folded_part" in statement.indexes for statement in read)


@pytest.mark.django_db
def test_the_tags_of_each_image_are_looked_up_in_a_table_of_those_wanted():
    """Also where a plan is made for any tags, which knows none of them."""
    many = Clause(sparse=tuple(range(1, 30)))
    wanted = predicates.has_any_tag(predicates.RECORD_ID, many, DEFAULT.probed_tags_max)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        cursor.execute(f"EXPLAIN SELECT FROM images_image i WHERE {wanted.text}")
        shown = " ".join(line for (line,) in cursor.fetchall())
    assert "hashed SubPlan" in shown


@pytest.mark.django_db
def test_only_tags_of_images_are_listed(spare):
    make_image("spare knee")
    merge_all()
    resolved = resolve(Query(match_tags=("spare%",)), Viewer.of(None))
    assert resolved
    assert [len(clause.tag_ids) for clause in resolved.clauses] == [1]


@pytest.mark.django_db
@pytest.mark.parametrize("patterns", [1, 20])
def test_patterns_are_resolved_at_once(patterns, django_assert_num_queries):
    names = [f"tag {number}" for number in range(patterns)]
    make_image(*names)
    merge_all()
    found("tag%")
    # Patterns, and total and page in one.
    with django_assert_num_queries(2):
        assert len(found(*(f"{name}%" for name in names))) == 1


# --- When it takes too long ----------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_search_by_patterns_that_takes_too_long_is_503_and_no_other_is(api, settings):
    settings.PATTERN_TIMEOUT_MS = 50
    make_image("knee")
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN; LOCK TABLE search_setsize")
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = '20s'")
        refused = api.get(SEARCH, {"match_tags": "kn%"})
        with other.cursor() as cursor:
            cursor.execute("ROLLBACK")
    finally:
        other.close()
    assert refused.status_code == 503
    assert refused["Retry-After"] == "2"
    assert refused.json() == {"code": 503, "message": "The request takes too long; ask for less."}
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)
        cursor.execute("SELECT pg_sleep(0.1)")
    assert api.get(SEARCH, {"match_tags": "kn%"}).json()["meta"]["total_results"] == 1


@pytest.mark.django_db(transaction=True)
def test_a_search_within_a_transaction_leaves_its_limits_alone(settings):
    settings.PATTERN_TIMEOUT_MS = 50
    make_tag("knee")
    with transaction.atomic(), connection.cursor() as cursor:
        assert found("kn%") == []
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)
