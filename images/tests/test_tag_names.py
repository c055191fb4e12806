"""Names of tags in a request: most are taken as they are, and all as the checks would have it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ValidationError

from taggedimages.http.fields import TagNameField
from tags.v1.serializers import TagNamesField, is_plain

one_by_one = TagNameField(min_length=1, max_length=160)
# Often near what decides: lengths around the limit, blanks at an end, what no text may hold.
texts = st.text(st.characters(exclude_categories=()), max_size=3) | st.builds(
    lambda start, middle, end: start + "m" * middle + end,
    st.sampled_from(["", " ", "\t", "\0", "\ud800", "\x1c", "é", "🦴", "\u3164", "\ufb2c"]),
    st.integers(0, 162),
    st.sampled_from(["", " ", "\n", "\0", "\ud800", "\x1f", "é", "."]),
)


@given(texts)
def test_a_plain_name_is_what_the_checks_leave_as_it_is(text):
    if is_plain(text):
        assert one_by_one.run_validation(text) == text


@given(st.lists(texts | st.integers() | st.none() | st.booleans(), max_size=3))
def test_a_list_is_what_its_names_are_one_by_one(data):
    try:
        expected = [one_by_one.run_validation(item) for item in data]
    except ValidationError:
        with pytest.raises(ValidationError):
            TagNamesField().run_validation(data)
    else:
        assert TagNamesField().run_validation(data) == expected


def test_usual_names_are_plain():
    names = ("knee", "left knee", "city:Köln", "2026-01-02", "a/b.c", "膝", "x" * 160, "_")
    assert all(map(is_plain, names))
