"""Python and PostgreSQL fold texts alike, letter by letter."""

import sys
import unicodedata
from importlib import import_module

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from images.visibility import Viewer
from search.query import Query
from search.results import SearchResults
from taggedimages.factories import make_image
from taggedimages.postgresql.folding import folded

pytestmark = pytest.mark.django_db
MIGRATION = import_module("images.migrations.0014_folded_texts")
# Python's Unicode is older: what it does not know yet is left out, and what cannot be stored.
LETTERS = [
    letter
    for letter in map(chr, range(1, sys.maxunicode + 1))
    if unicodedata.category(letter) not in ("Cn", "Cs")
]
# As migrations make it on PostgreSQL before 18, and on the present one.
FUNCTIONS = ("pg_temp.folded_by_table", "text_folded")


@pytest.fixture(params=FUNCTIONS)
def function(request):
    if request.param != "text_folded":
        with connection.cursor() as cursor:
            cursor.execute(MIGRATION.definition(150000, request.param).replace("%", "%%"), [])
    return request.param


def in_sql(function: str, texts: list[str]) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {function}(t) FROM unnest(%s::text[]) WITH ORDINALITY x(t, n) ORDER BY n",
            [texts],
        )
        return [text for (text,) in cursor.fetchall()]


def test_every_letter_alone_and_with_a_mark(function):
    for texts in (LETTERS, [f"{letter}\u0301" for letter in LETTERS[::7]]):
        assert in_sql(function, texts) == [folded(text) for text in texts]


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.text(alphabet=st.sampled_from(LETTERS)), max_size=20))
def test_any_texts(function, texts):
    assert in_sql(function, texts) == [folded(text) for text in texts]


@pytest.mark.parametrize(
    ("filename", "asked"),
    [
        ("Straße.png", "strasse"),
        ("STRASSE.png", "straße"),
        ("Zu\u0308rich.png", "ZÜRICH"),
        ("Zürich.png", "zu\u0308rich"),
        ("ΣΊΣΥΦΟΣ.png", "σίσυφος"),
        ("50%_a.png", "50%_A"),
    ],
)
def test_a_part_of_a_filename_in_any_case(filename, asked):
    image = make_image(filename=filename)
    make_image(filename="50 other.png")
    for query in (
        Query(filename_contains=asked),
        Query(name_contains=asked),
        Query(words=(asked,)),
    ):
        assert list(SearchResults(query, Viewer.of(None)).images) == [image]
