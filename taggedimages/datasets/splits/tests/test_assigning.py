"""Which split a group is in: by its keyed hash alone (contract of releases, splits)."""

import hashlib
import hmac
import random
import statistics

from hypothesis import given
from hypothesis import strategies as st

from taggedimages.datasets.splits.asking import BUCKETS, Split
from taggedimages.datasets.splits.assigning import bucket_of, hash_of, split_of

SALTS = st.binary(min_size=32, max_size=32)


@st.composite
def shares(draw, least_test: int = 0, least_validation: int = 0):
    test = draw(st.integers(least_test, BUCKETS - least_validation))
    validation = draw(st.integers(least_validation, BUCKETS - test))
    return {
        Split.TEST: test,
        Split.VALIDATION: validation,
        Split.TRAIN: BUCKETS - test - validation,
    }


@given(SALTS, st.text(st.characters(codec="utf-8")))
def test_a_bucket_is_what_the_contract_says(salt, group):
    digest = hmac.new(salt, group.encode(), hashlib.sha256).digest()
    hashed = hash_of(salt, group)
    assert hashed == digest[:16]
    assert bucket_of(hashed) == int(digest.hex()[:16], 16) % 10_000


@given(shares())
def test_each_split_has_its_share_of_buckets(asked):
    found = [split_of(bucket, asked) for bucket in range(BUCKETS)]
    assert {split: found.count(split) for split in Split} == asked


@given(st.data(), st.integers(0, BUCKETS - 1))
def test_what_grows_takes_from_train_alone(data, bucket):
    before = data.draw(shares())
    after = data.draw(shares(before[Split.TEST], before[Split.VALIDATION]))
    was, now = split_of(bucket, before), split_of(bucket, after)
    assert now == was or was == Split.TRAIN


def test_two_salts_are_independent():
    """Of those that one salt puts into its tenth for testing, another does not put more there."""
    groups = [f"patient {number}" for number in range(20_000)]
    one, other = bytes(32), bytes([1]) * 32
    tested = [group for group in groups if bucket_of(hash_of(one, group)) < 1_000]
    again = sum(bucket_of(hash_of(other, group)) < 1_000 for group in tested)
    # A tenth of some 2,000, within 4 standard deviations.
    assert 1_800 < len(tested) < 2_200
    assert abs(again - len(tested) / 10) < 4 * (len(tested) * 0.1 * 0.9) ** 0.5


def test_images_are_divided_as_evenly_as_their_effective_groups_can():
    """Over many salts, the deviations from the ratio are those that (Σs)²/Σs² groups would have."""
    rng = random.Random(7)
    sizes = [min(40, int(rng.paretovariate(1))) for _ in range(300)]
    images, effective = sum(sizes), sum(sizes) ** 2 / sum(size**2 for size in sizes)
    shares = {Split.TRAIN: 8_000, Split.VALIDATION: 1_000, Split.TEST: 1_000}
    deviations = []
    for salt in range(200):
        tested = sum(
            size
            for number, size in enumerate(sizes)
            if split_of(bucket_of(hash_of(bytes([salt]) * 32, f"p{number}")), shares) == Split.TEST
        )
        deviations.append((tested / images - 0.1) / (0.1 * 0.9 / effective) ** 0.5)
    assert 0.85 < statistics.pstdev(deviations) < 1.15
    assert abs(statistics.mean(deviations)) < 3 / len(deviations) ** 0.5
