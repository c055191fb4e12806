"""Which names go together, by the names alone and by how many images they have."""

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tags.cleanup.judging import COMMON, MUCH_RARER, is_slip
from tags.cleanup.models import Kind
from tags.cleanup.opposites import MAY_EXCLUDE, opposites
from tags.cleanup.parts import Part
from tags.cleanup.slips import Slip, slip, traces
from tags.cleanup.tests.names import PLANTED, UNLIKE, unlike
from tags.cleanup.twins import likeness
from tags.cleanup.words import words
from tags.names import folded

PAIRS = [(kind, pair[:2]) for kind, pairs in PLANTED.items() for pair in pairs]
OPPOSED = [
    ("left knee", "right knee"),
    ("right", "left"),
    ("benign", "malignant"),
    ("Normal", "ABNORMAL"),
    ("fracture", "no fracture"),
    ("not healed", "healed"),
    ("non-union", "union"),
    ("contrast", "without contrast"),
    ("w/o contrast", "contrast"),
    ("with contrast", "without contrast"),
    ("gluten-free", "gluten"),
]


@pytest.mark.parametrize(("kind", "pair"), PAIRS)
def test_a_pair_is_of_its_kind_whichever_comes_first(kind, pair):
    found = likeness(*pair)
    assert found
    assert (found.kind, likeness(*reversed(pair))) == (kind, found)
    assert found.why.endswith(".")


@pytest.mark.parametrize("pair", OPPOSED)
def test_opposites_exclude_each_other(pair):
    for one, other in (pair, pair[::-1]):
        assert (found := likeness(one, other))
        assert found.kind == Kind.CONTRADICTION


@pytest.mark.parametrize("line", UNLIKE)
def test_names_that_look_alike_are_no_twins(line):
    """Where one may be a slip of the other, numbers of images decide, and not in favour of it."""
    for one, other in combinations(line.split(), 2):
        found = likeness(one, other)
        if found and found.kind == Kind.SPELLING:
            assert found.slip
            assert not is_slip(found.slip, found.letters, 1, 1), (one, other)
        else:
            assert found is None or found.kind == Kind.CONTRADICTION, (one, other)


def test_a_slip_is_much_rarer():
    """From one image to the next it is another thing."""
    most = 1_000 // MUCH_RARER
    assert is_slip(Slip.REPLACED, 8, most, 1_000)
    assert not is_slip(Slip.REPLACED, 8, most + 1, 1_000)


def test_what_nobody_writes_on_purpose_is_a_slip_while_it_is_rare():
    assert is_slip(Slip.SWAPPED, 9, COMMON - 1, COMMON)
    assert not is_slip(Slip.SWAPPED, 9, COMMON, COMMON)


@pytest.mark.parametrize("kind", [Slip.REPLACED, Slip.ENDING])
def test_of_two_rare_names_that_somebody_may_mean_neither_is_a_slip(kind):
    assert not is_slip(kind, 8, 0, 0)
    assert not is_slip(kind, 8, 1, MUCH_RARER - 1)
    assert is_slip(kind, 8, 1, MUCH_RARER)


def test_another_letter_in_a_long_word_is_a_slip_of_whoever_uses_it_less():
    assert is_slip(Slip.REPLACED, 9, 1, 2)
    assert not is_slip(Slip.REPLACED, 9, 2, 2)
    assert not is_slip(Slip.REPLACED, 9, COMMON, COMMON + 1)


LETTERS = st.text("abcdefgh", min_size=4, max_size=9)
NAMES = st.lists(LETTERS, min_size=1, max_size=3).map(" ".join)


@st.composite
def slipped(draw: st.DrawFn) -> tuple[str, str]:
    """A name, and what a slip of the hand makes of it behind its first letter."""
    name = draw(NAMES)
    at = draw(st.integers(1, len(name) - 1))
    how = draw(st.sampled_from(["swap", "drop", "double", "replace"]))
    head, letter, tail = name[:at], name[at], name[at + 1 :]
    made = {
        "swap": head + tail[:1] + letter + tail[1:],
        "drop": head + tail,
        "double": head + letter + letter + tail,
        "replace": f"{head}i{tail}",
    }
    return name, made[how]


@given(slipped())
@settings(max_examples=400)
def test_names_with_a_slip_between_them_have_a_trace_in_common(pair):
    """Or they would not be found, however alike they are."""
    one, other = map(words, pair)
    if slip(one, other):
        assert set(traces(one)) & set(traces(other))


@given(NAMES, NAMES)
@settings(max_examples=400)
def test_likeness_has_no_direction(one, other):
    if one != other:
        assert likeness(one, other) == likeness(other, one)


@given(st.lists(slipped(), min_size=1, max_size=10), st.integers(1, 5))
@settings(max_examples=100)
def test_parts_find_what_a_look_at_each_with_each_finds(pairs, parts):
    names = dict(enumerate(dict.fromkeys([name for pair in pairs for name in pair]), 1))
    found = set()
    for number in range(parts):
        part = Part(number, parts)
        part.add(names.items())
        pairs_of_part = list(part.pairs())
        assert len(pairs_of_part) == len(set(pairs_of_part))
        found |= set(pairs_of_part)
    alike = {
        (one, other)
        for one, other in combinations(names, 2)
        if names[one] != names[other] and likeness(names[one], names[other])
    }
    assert alike <= found


def test_unlike_names_are_rarely_looked_at():
    """By keys that they share; each with each would be half a million."""
    part = Part(0, 1)
    part.add(enumerate(unlike(), 1))
    assert len(set(part.pairs())) < 100


@given(st.lists(st.sampled_from(["no", "left", "right", "knee", "free", "w", "o", "été", "x"])))
def test_what_may_exclude_another_is_seen_before_it_is_taken_apart(parts):
    name = " ".join(parts)
    if opposites(words(name)):
        assert MAY_EXCLUDE.search(folded(name))
