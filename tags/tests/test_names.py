"""Lists of names are written and read without loss; what a name may be."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tags import names
from tags.path_tags import path_pattern

TEXTS = st.text(alphabet=st.sampled_from(["a", "|", ";", "\\", "%", "é"]))


@given(st.lists(TEXTS, min_size=1), st.sampled_from("|;"))
def test_what_is_joined_is_split_again(items, delimiter):
    assert names.split(names.joined(items, delimiter), delimiter) == items


@given(TEXTS)
def test_a_text_without_the_meaning_ones_is_split_as_ever(text):
    plain = text.replace("\\|", "").replace("\\\\", "")
    if "\\|" not in plain and "\\\\" not in plain:
        assert names.split(plain) == plain.split("|")


@given(st.text())
def test_a_name_that_entered_is_normal_trimmed_and_stays_as_it_is(text):
    try:
        name = names.entered(text)
    except names.BadName:
        return
    assert unicodedata.is_normalized("NFC", name)
    assert names.entered(name) == name == name.strip()


def test_joiners_and_selectors_may_stand_within_what_is_seen():
    for name in ("👩‍🔬", "❤️", "می‌خواهم", "soft\u00adhyphen", "\u200f\u05e9\u05dc"):
        assert names.entered(name) == name


@pytest.mark.parametrize("text", ["a" * 256, "\ufb2c" * 86, ""])
def test_length_is_that_of_the_normal_form(text):
    # U+FB2C is three characters in form NFC.
    with pytest.raises(names.BadName):
        names.entered(text)


def test_folders_tell_names_as_all_doors_take_them():
    tags_of = path_pattern("{tags}/{filename}")
    assert tags_of("knee /Zu\u0308rich/a.png") == {"knee": "", "Zürich": ""}
    with pytest.raises(names.BadName):
        tags_of("knee/\u200b/a.png")
