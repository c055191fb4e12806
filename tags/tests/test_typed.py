"""Lists of names are read as people type them, and written so that they are read again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tags import names
from tags.admin.typed import typed_names, written

PIECES = st.sampled_from([*'ab"",;|\n\t\r ', "é", '""', '",', " "])
TEXTS = st.lists(PIECES, max_size=12).map("".join)


def is_name(text):
    try:
        return names.entered(text) == text
    except names.BadName:
        return False


@given(st.lists(TEXTS.map(str.strip).filter(is_name), unique=True))
def test_what_is_written_is_read_again(given_names):
    assert typed_names(written(given_names)) == given_names


@given(TEXTS)
def test_what_is_read_is_written_so_that_it_stays(text):
    try:
        read = typed_names(text)
    except names.BadName:
        return
    assert typed_names(written(read)) == read
    assert len(set(read)) == len(read)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("", []),
        (" ,;| \r\n\t ", []),
        ("knee", ["knee"]),
        (" left knee ,left knee,\tright", ["left knee", "right"]),
        ("a\r\nb\nc\td;e|f,g", ["a", "b", "c", "d", "e", "f", "g"]),
        ('"a, b";" c|d "', ["a, b", "c|d"]),
        ('"say ""ah"""', ['say "ah"']),
        ('5" screw, 6"', ['5" screw', '6"']),
        ("Zu\u0308rich, Zürich", ["Zürich"]),
    ],
)
def test_separators_and_quotes(text, read):
    assert typed_names(text) == read


@pytest.mark.parametrize(
    "text", ['"a, b', '"a" b, c', '"', '"a\nb"', "a\x07", '"\u200b"', "x" * 256]
)
def test_what_can_be_no_name_is_refused(text):
    with pytest.raises(names.BadName):
        typed_names(text)
