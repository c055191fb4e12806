"""SQL is composed of pieces that say what they need, and refused where that lacks."""

import pytest

from taggedimages.postgresql.fragments import (
    Fragment,
    MissingNeed,
    bigint,
    bigints,
    column,
    compose,
    join,
    statement,
)

CURRENT = compose("{ended} IS NULL", ended=column("i", "ended_at"))


def test_a_piece_needs_what_its_own_pieces_need():
    both = join(" AND ", [CURRENT, column("l", "shown")])
    assert both == Fragment("i.ended_at IS NULL AND l.shown", needs=frozenset({"i", "l"}))
    assert compose("({both})", both=both).needs == {"i", "l"}


def test_a_statement_without_the_alias_of_a_piece_is_refused():
    with pytest.raises(MissingNeed, match="i in: SELECT FROM images_image WHERE"):
        statement("SELECT FROM images_image WHERE {current}", current=CURRENT)


def test_a_statement_gives_its_pieces_what_it_provides():
    asked = statement("SELECT FROM images_image i WHERE {current}", provides=["i"], current=CURRENT)
    assert asked == Fragment("SELECT FROM images_image i WHERE i.ended_at IS NULL")


def test_a_cte_that_a_template_names_itself_is_needed_around_it():
    piece = compose("SELECT image FROM recheck", needs=frozenset({"recheck"}))
    with pytest.raises(MissingNeed, match="recheck"):
        statement("{piece}", piece=piece)


def test_parameters_travel_with_their_pieces():
    start = Fragment("at >= %(start)s", {"start": 1})
    end = Fragment("at < %(end)s", {"end": 2})
    asked = statement(
        "SELECT WHERE {both} LIMIT %(limit)s",
        both=join(" AND ", [start, end]),
        parameters={"limit": 3},
    )
    assert asked.text == "SELECT WHERE at >= %(start)s AND at < %(end)s LIMIT %(limit)s"
    assert asked.parameters == {"start": 1, "end": 2, "limit": 3}


def test_a_parameter_of_two_values_is_refused():
    with pytest.raises(ValueError, match="Two values for the parameter start"):
        join(" AND ", [Fragment("a", {"start": 1}), Fragment("b", {"start": 2})])
    assert join(" AND ", [Fragment("a", {"at": 1}), Fragment("b", {"at": 1})]).parameters == {
        "at": 1
    }


def test_numbers_are_written_by_code():
    assert bigint(-10).text == "'-10'::bigint"
    assert bigints([1, 2]).text == "'{1,2}'::bigint[]"
    assert bigints([]).text == "'{}'::bigint[]"


def test_a_brace_is_written_twice():
    assert compose("'{{}}'::bigint[] {piece}", piece=Fragment("x")).text == "'{}'::bigint[] x"
