"""A group by the value of a tag goes by the name that the tag has in the lines of the release."""

import pytest
from django.db import connection

from taggedimages.datasets.splits.tag_names import name_in_lines
from taggedimages.factories import TESTS, make_tag
from tags import curation, renaming, vocabulary

pytestmark = pytest.mark.django_db(transaction=True)


def now():
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


def test_a_name_is_its_own_and_so_is_one_that_nobody_has():
    make_tag("patient")
    assert name_in_lines("patient", None) == "patient"
    assert name_in_lines("nobody", None) == "nobody"
    assert name_in_lines("nobody", now()) == "nobody"


def test_an_alias_goes_by_its_target_from_then_on():
    alias, target = make_tag("patient no"), make_tag("patient")
    before = now()
    vocabulary.alias(alias, target, TESTS)
    assert name_in_lines("patient no", None) == "patient"
    assert name_in_lines("patient no", now()) == "patient"
    assert name_in_lines("patient no", before) == "patient no"


def test_a_tag_that_was_renamed_is_found_by_either_name():
    tag = make_tag("patient")
    before = now()
    renaming.rename(tag, "subject", TESTS, keep_old=True)
    assert name_in_lines("patient", None) == "subject"
    assert name_in_lines("patient", now()) == "subject"
    assert name_in_lines("patient", before) == "patient"
    # As a data set says it that was made after the renaming.
    assert name_in_lines("subject", before) == "patient"


def test_what_another_tag_was_called_then_is_that_tag():
    first = make_tag("patient")
    before = now()
    curation.delete(first, TESTS)
    make_tag("patient")
    assert name_in_lines("patient", before) == "patient"
