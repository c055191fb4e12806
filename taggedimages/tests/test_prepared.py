"""A connection plans a statement once, and answers rightly whatever became of its plans."""

import pytest
from django.db import DatabaseError, connection, transaction

from taggedimages.postgresql import prepared
from taggedimages.postgresql.prepared import execute_prepared, ids, number

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_prepared(transactional_db):
    forget()
    yield
    forget()


def forget():
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
        cursor.connection.prepared.clear()


def answer(statement, parameters=()):
    with connection.cursor() as cursor:
        execute_prepared(cursor, statement, parameters)
        return cursor.fetchone()[0]


def plans():
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_prepared_statements")
        return {name for (name,) in cursor.fetchall()}


def twice(value):
    return answer(f"SELECT 2 * {number(value)}")


def test_statements_that_differ_in_numbers_share_a_plan():
    assert [twice(2), twice(-3)] == [4, -6]
    assert len(plans()) == 1


def test_statements_that_differ_in_lists_and_parameters_share_a_plan():
    statement = "SELECT cardinality({}) + %(more)s + %(more)s + length(%(text)s::text)"
    assert answer(statement.format(ids([1, 2, 3])), {"more": 2, "text": "'{5}'::bigint[]"}) == 22
    assert answer(statement.format(ids([])), {"more": 1, "text": ""}) == 2
    assert len(plans()) == 1


def test_parameters_by_place_stay_in_place_among_the_numbers():
    assert answer(f"SELECT %s::int * 100 + {number(2)} * 10 + %s::int", [1, 3]) == 123


def test_the_plan_that_was_not_used_for_longest_makes_room(monkeypatch):
    monkeypatch.setattr(prepared, "PREPARED_MAX", 2)
    answer("SELECT 'one'")
    first = plans()
    answer("SELECT 'two'")
    answer("SELECT 'one'")
    answer("SELECT 'three'")
    assert len(plans()) == 2
    assert first < plans()


def test_a_statement_that_fails_fails_as_ever_and_works_later():
    for _ in range(2):
        with pytest.raises(DatabaseError, match="division by zero"):
            answer(f"SELECT 1 / {number(0)}")
        assert answer(f"SELECT 1 / {number(1)}") == 1


def test_a_plan_that_failed_once_is_used_again_in_a_transaction_too():
    answer(f"SELECT 1 / {number(1)}")
    with pytest.raises(DatabaseError, match="division by zero"):
        answer(f"SELECT 1 / {number(0)}")
    with transaction.atomic():
        assert answer(f"SELECT 1 / {number(-1)}") == -1
    assert len(plans()) == 1


def test_a_statement_that_failed_at_first_works_in_a_transaction_later():
    with pytest.raises(DatabaseError):
        answer(f"SELECT 1 / {number(0)}")
    with transaction.atomic():
        assert answer(f"SELECT 1 / {number(1)}") == 1


def test_behind_a_pool_a_plan_that_is_gone_is_made_again():
    twice(1)
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
    assert twice(2) == 4
    assert not plans()
    assert twice(3) == 6
    assert len(plans()) == 1


def test_behind_a_pool_a_plan_of_somebody_else_is_used():
    twice(1)
    with connection.cursor() as cursor:
        cursor.connection.prepared.clear()
    assert [twice(2), twice(3)] == [4, 6]
    assert len(plans()) == 1


def test_a_plan_whose_table_is_another_one_by_now_is_given_up():
    """As it is where a database is put back whose tables had other columns."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE odd AS SELECT 1 AS number")
    assert answer("SELECT * FROM odd") == 1
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE odd; CREATE TEMPORARY TABLE odd AS SELECT 'a'::text AS letter")
    assert [answer("SELECT * FROM odd"), answer("SELECT * FROM odd")] == ["a", "a"]


def test_nothing_is_prepared_where_the_settings_say_so(settings):
    settings.DATABASE_PREPARES = False
    assert twice(2) == 4
    assert answer("SELECT %(a)s::int", {"a": 5}) == 5
    assert not plans()
