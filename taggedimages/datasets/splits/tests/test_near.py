"""Pictures that look alike across the borders of splits, held against all comparisons there are."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taggedimages.datasets.splits import near
from taggedimages.datasets.splits.asking import MAX_DISTANCE, Split
from taggedimages.datasets.splits.near import Comparison

Fingerprints = list[tuple[int, Split]]
PRINT = st.integers(-(2**63), 2**63 - 1)


def compared(prints: Fingerprints, distance: int) -> Comparison:
    comparison = Comparison(distance, near.MAX_COMPARISONS)
    for image, (fingerprint, split) in enumerate(prints):
        comparison.add(image, fingerprint, split)
    comparison.look()
    return comparison


def all_pairs(prints: Fingerprints, distance: int) -> set[tuple[int, tuple[int, int]]]:
    """Each protected image with those that are protected less, by plain counting of bits."""
    order = list(Split)
    return {
        (differing, (one, other))
        for one, (left, split) in enumerate(prints)
        for other, (right, another) in enumerate(prints)
        if order.index(split) < order.index(another)
        and (differing := ((left ^ right) & (2**64 - 1)).bit_count()) <= distance
    }


def found(comparison: Comparison) -> set[tuple[int, tuple[int, int]]]:
    return {(pair.distance, pair.images) for pair in comparison.sample}


def changed(fingerprint: int, bits: int, rng: random.Random) -> int:
    for bit in rng.sample(range(63), bits):
        fingerprint ^= 1 << bit
    return fingerprint


@pytest.mark.parametrize("distance", range(MAX_DISTANCE + 1))
def test_all_pairs_are_found_and_no_others(distance, monkeypatch):
    """Planted ones at each distance up to two bits more, among others at random."""
    monkeypatch.setattr(near, "SAMPLE", 1_000)
    rng = random.Random(distance)
    prints: Fingerprints = []
    for bits in range(distance + 3):
        for _ in range(3):
            one = rng.getrandbits(63)
            prints.append((one, rng.choice(list(Split))))
            prints.append((changed(one, bits, rng), rng.choice(list(Split))))
    prints += [(rng.getrandbits(63), rng.choice(list(Split))) for _ in range(300)]
    comparison = compared(prints, distance)
    expected = all_pairs(prints, distance)
    assert (found(comparison), comparison.pairs) == (expected, len(expected))
    assert comparison.pairs > 0
    assert not comparison.is_truncated


@given(
    st.lists(st.tuples(st.one_of(PRINT, st.integers(-3, 3)), st.sampled_from(Split)), max_size=20),
    st.integers(0, MAX_DISTANCE),
)
def test_each_pair_is_found_once(prints, distance):
    comparison = compared(prints, distance)
    assert comparison.pairs == len(all_pairs(prints, distance))


def test_of_several_split_pairs_the_nearest_are_shown():
    prints = [(0, Split.TEST), (0b111, Split.TRAIN), (0, Split.VALIDATION), (0b1, Split.TRAIN)]
    comparison = compared(prints, 3)
    assert comparison.told() == {
        "distance": 3,
        "pairs": 5,
        "truncated": False,
        "sample": [
            {"images": [0, 2], "splits": ["test", "validation"], "distance": 0},
            {"images": [0, 3], "splits": ["test", "train"], "distance": 1},
            {"images": [2, 3], "splits": ["validation", "train"], "distance": 1},
            {"images": [0, 1], "splits": ["test", "train"], "distance": 3},
            {"images": [2, 1], "splits": ["validation", "train"], "distance": 3},
        ],
    }


def test_pictures_of_one_split_may_look_alike():
    assert (
        compared([(5, Split.TEST), (5, Split.TEST), (9, Split.TRAIN), (9, Split.TRAIN)], 0).pairs
        == 0
    )


def test_where_very_many_share_a_part_some_are_passed_over_and_it_is_said(monkeypatch):
    monkeypatch.setattr(near, "MAX_SHARING", 2)
    comparison = compared([(7, Split.TEST), *[(7, Split.TRAIN)] * 3], 0)
    # The test image itself is one of the two.
    assert (comparison.pairs, comparison.is_truncated) == (1, True)


def test_a_pair_that_one_part_passes_over_is_found_by_another(monkeypatch):
    monkeypatch.setattr(near, "MAX_SHARING", 2)
    crowd = [(number << 16, Split.TRAIN) for number in range(1, 5)]
    comparison = compared([*crowd, (9 << 16, Split.TRAIN), (9 << 16, Split.TEST)], 0)
    assert (comparison.pairs, comparison.is_truncated) == (1, True)


def test_comparisons_come_to_an_end(monkeypatch):
    monkeypatch.setattr(near, "STEP", 1)
    comparison = Comparison(0, left=3)
    for image in range(10):
        comparison.add(image, 5, Split.TEST if image == 0 else Split.TRAIN)
    comparison.look()
    assert (comparison.pairs, comparison.is_truncated) == (0, True)


def test_nothing_at_all():
    assert compared([], 3).pairs == 0
    assert compared([(1, Split.TRAIN)], 3).pairs == 0
