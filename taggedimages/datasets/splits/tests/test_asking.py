"""What a release may ask of its splits."""

import pytest

from taggedimages.datasets.splits import asking
from taggedimages.datasets.splits.asking import BadSplits, Missing, Near, Split

NO_GROUP = "pins: A group is a text of 1 to 255 characters."
RATIOS = {"train": 80, "validation": 10, "test": 10}


def test_ratios_are_shares_of_ten_thousand_buckets():
    assert asking.read({"ratios": RATIOS}).shares == {
        "train": 8000,
        "validation": 1000,
        "test": 1000,
    }


def test_a_split_that_is_not_named_is_empty():
    assert asking.read({"ratios": {"train": 100}}).shares == {
        "train": 10000,
        "validation": 0,
        "test": 0,
    }


@pytest.mark.parametrize("thirds", [(33.33, 33.33, 33.34), (0.01, 0.07, 99.92), (80.0, 19.9, 0.1)])
def test_two_decimals_are_exact(thirds):
    shares = asking.read({"ratios": dict(zip(Split, thirds, strict=True))}).shares
    assert sum(shares.values()) == 10_000
    assert [share / 100 for share in shares.values()] == list(thirds)


def test_what_is_not_asked_for_is_the_careful_thing():
    splits = asking.read({"ratios": RATIOS})
    assert (splits.missing, splits.pins, splits.near) == (Missing.REFUSE, {}, None)


def test_pins_and_near_duplicates():
    splits = asking.read(
        {
            "ratios": RATIOS,
            "missing": "own",
            "pins": {"test": ["a", "b", "a"], "train": ["c"]},
            "near": {"distance": 3, "max_pairs": None},
        }
    )
    assert splits.missing == Missing.OWN
    assert splits.pins == {"a": Split.TEST, "b": Split.TEST, "c": Split.TRAIN}
    assert splits.near == Near(3, None)


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ([], "splits: Must be an object."),
        ({}, "ratios: This is needed, such as {'train': 80, 'test': 20}."),
        ({"ratios": RATIOS, "seed": 7}, "splits: 'seed' is not known here."),
        ({"ratios": 80}, "ratios: Must be an object."),
        ({"ratios": RATIOS | {"dev": 0}}, "ratios: 'dev' is not known here."),
        ({"ratios": {"train": 80, "test": 10}}, "ratios: They sum up to 90, not to 100."),
        ({"ratios": {"train": 110, "test": -10}}, "ratios.test: Must be a number from 0 to 100."),
        ({"ratios": {"train": "100"}}, "ratios.train: Must be a number from 0 to 100."),
        ({"ratios": {"train": True, "test": 99}}, "ratios.train: Must be a number from 0 to 100."),
        ({"ratios": {"train": float("nan")}}, "ratios.train: Must be a number from 0 to 100."),
        ({"ratios": {"train": 99.999, "test": 0.001}}, "ratios.test: At most two decimals."),
        ({"ratios": RATIOS, "missing": "drop"}, "missing: Must be one of: refuse, exclude, own."),
        ({"ratios": RATIOS, "missing": ["own"]}, "missing: Must be one of: refuse, exclude, own."),
        ({"ratios": RATIOS, "pins": {"holdout": []}}, "pins: 'holdout' is not known here."),
        ({"ratios": RATIOS, "pins": {"test": "a"}}, "pins: Each split has a list of groups."),
        (
            {"ratios": RATIOS, "pins": {"test": [7]}},
            NO_GROUP,
        ),
        (
            {"ratios": RATIOS, "pins": {"test": [""]}},
            NO_GROUP,
        ),
        (
            {"ratios": RATIOS, "pins": {"test": ["\0"]}},
            NO_GROUP,
        ),
        (
            {"ratios": RATIOS, "pins": {"test": ["a"], "train": ["a"]}},
            "pins: 'a' is in two splits.",
        ),
        (
            {"ratios": RATIOS, "pins": {"test": [str(n) for n in range(10_001)]}},
            "pins: At most 10000 groups.",
        ),
        ({"ratios": RATIOS, "near": 3}, "near: Must be an object."),
        ({"ratios": RATIOS, "near": {}}, "near.distance: Must be a whole number from 0 to 10."),
        (
            {"ratios": RATIOS, "near": {"distance": 11}},
            "near.distance: Must be a whole number from 0 to 10.",
        ),
        (
            {"ratios": RATIOS, "near": {"distance": 3.0}},
            "near.distance: Must be a whole number from 0 to 10.",
        ),
        (
            {"ratios": RATIOS, "near": {"distance": 3, "max_pairs": -1}},
            "near.max_pairs: Must be a whole number from 0, or null.",
        ),
        (
            {"ratios": RATIOS, "near": {"distance": 3, "pairs": 1}},
            "near: 'pairs' is not known here.",
        ),
    ],
)
def test_what_is_refused(asked, why):
    with pytest.raises(BadSplits) as refused:
        asking.read(asked)
    assert str(refused.value) == why
