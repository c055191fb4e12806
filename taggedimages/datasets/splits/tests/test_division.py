"""What a divided release says of its members, of its splits and of what crosses their borders."""

import hashlib
import hmac
import json
import random

import pytest

from images.models import Facts
from taggedimages.datasets.refusals import Refused
from taggedimages.datasets.splits.asking import Split
from taggedimages.datasets.splits.assigning import bucket_of, hash_of, split_of
from taggedimages.datasets.splits.tests.divided import (
    BY_PATIENT,
    EIGHTY,
    grouped,
    members_of,
    patients,
    patients_in,
    splits_of,
)
from taggedimages.datasets.tests.releases import asked_for, released
from taggedimages.factories import TESTS
from tags import tagging

pytestmark = pytest.mark.django_db

RATIOS = {"ratios": EIGHTY}
SHARES = {Split.TRAIN: 8_000, Split.VALIDATION: 1_000, Split.TEST: 1_000}


def refused(dataset, **splits):
    with pytest.raises(Refused) as error:
        asked_for(dataset, splits=RATIOS | splits)
    return error.value


class TestALine:
    def test_has_the_hash_of_the_group_and_its_split(self):
        dataset = grouped()
        patients(["p7"])
        [member] = members_of(released(dataset, splits=RATIOS))
        digest = hmac.new(b"\1" * 32, b"p7", hashlib.sha256).hexdigest()
        bucket = int(digest[:16], 16) % 10_000
        expected = "test" if bucket < 1_000 else "validation" if bucket >= 9_000 else "train"
        assert (member["group"], member["split"]) == (digest[:32], expected)

    def test_of_a_data_set_without_groups_has_none_and_copies_stay_together(self):
        dataset = grouped(group=None)
        patients(["p"] * 20, sha256=b"\7" * 32)
        release = released(dataset, splits=RATIOS)
        members = members_of(release)
        digest = hmac.new(b"\1" * 32, (b"\7" * 32).hex().encode(), hashlib.sha256).digest()
        assert {member["group"] for member in members} == {None}
        assert {member["split"] for member in members} == {
            split_of(bucket_of(digest), SHARES).value
        }
        assert release.report["proof"]["copies_within_splits"] == 19

    def test_has_its_group_where_nothing_is_divided(self):
        dataset = grouped()
        patients(["p7", ""])
        groups = [member["group"] for member in members_of(released(dataset))]
        assert groups == [hash_of(b"\1" * 32, "p7").hex(), None]


class TestRatios:
    def test_are_met_as_well_as_so_many_groups_can(self):
        """Within three standard deviations, which the effective groups tell."""
        rng = random.Random(7)
        sizes = [rng.choice([1, 1, 2, 3, 8]) for _ in range(300)]
        patients(f"p{number}" for number, size in enumerate(sizes) for _ in range(size))
        release = released(grouped(), splits=RATIOS)
        splits = release.report["splits"]
        images, squares = sum(sizes), sum(size**2 for size in sizes)
        effective = images**2 / squares
        for name, ratio in EIGHTY.items():
            share, expected = splits[name]["images"] / images, ratio / 100
            assert abs(share - expected) < 3 * (expected * (1 - expected) / effective) ** 0.5
        assert sum(split["groups"] for split in splits.values()) == 300
        assert release.members == images

    def test_two_data_sets_divide_independently(self):
        names = [f"p{number}" for number in range(500)]
        patients(names)
        one, other = (patients_in(released(grouped(salt), splits=RATIOS)) for salt in (1, 2))
        tested = [name for name in names if one[name] == "test"]
        again = sum(other[name] == "test" for name in tested)
        assert 30 < len(tested) < 70
        assert abs(again - len(tested) / 10) < 3 * (len(tested) * 0.1 * 0.9) ** 0.5

    def test_a_split_may_be_empty(self):
        patients(["a", "b"])
        release = released(grouped(), splits={"ratios": {"train": 100}})
        nothing = {"images": 0, "groups": 0, "effective_groups": 0, "tags": {}}
        assert release.report["splits"] == {
            "train": {"images": 2, "groups": 2, "effective_groups": 2, "tags": {}},
            "validation": nothing,
            "test": nothing,
        }


def test_of_each_split_images_groups_effective_groups_and_tags_are_told():
    images = patients(["a", "a", "a", "a", "b"])
    tagging.tag(images[0], ["knee", "left"], TESTS)
    tagging.tag(images[4], ["knee"], TESTS)
    release = released(grouped(), splits={"ratios": {"train": 0, "test": 100}})
    assert release.report["splits"]["test"] == {
        "images": 5,
        "groups": 2,
        "effective_groups": 1.47,
        "tags": {"knee": 2, "left": 1},
    }
    assert release.report["splits"]["train"]["tags"] == {"knee": 0, "left": 0}
    assert release.report["asked"] == {
        "ratios": {"train": 0, "validation": 0, "test": 100},
        "missing": "refuse",
        "pins": {},
        "near": None,
    }
    assert release.report["proof"] == {
        "groups_in_two_splits": 0,
        "files_in_two_splits": 0,
        "copies_within_splits": 0,
        "without_group": 0,
        "left_out": 0,
        "moved_from_train": 0,
        "pinned_groups_found": 0,
        "near": None,
    }
    said = {name: release.report[name] for name in ("asked", "splits", "proof")}
    assert json.loads(release.statement)["splits"] == said


class TestWithoutAGroup:
    def test_images_refuse_the_release(self):
        none = patients(["", ""])
        patients(["p7"])
        error = refused(grouped())
        assert str(error) == "Images without a group: 2."
        assert error.details == {
            "missing": {"count": 2, "images": [image.pk for image in none]},
        }

    def test_of_very_many_a_hundred_are_named(self):
        patients([""] * 130)
        told = refused(grouped()).details["missing"]
        assert (told["count"], len(told["images"])) == (130, 100)

    def test_images_are_left_out_where_that_is_asked(self):
        patients(["", "p7"])
        release = released(grouped(), splits=RATIOS | {"missing": "exclude"})
        assert [member["name"].split("_")[0] for member in members_of(release)] == ["p7"]
        assert release.report["proof"]["left_out"] == 1

    def test_each_file_is_its_own_where_that_is_asked(self):
        [image, _] = patients(["", "p7"])
        release = released(grouped(), splits=RATIOS | {"missing": "own"})
        sha256 = str(Facts.objects.get(image=image).sha256_hex)
        assert members_of(release)[0]["group"] == hash_of(b"\1" * 32, sha256).hex()
        assert release.report["proof"]["without_group"] == 1
        assert release.report["proof"]["left_out"] == 0


class TestBordersAreCrossed:
    @pytest.fixture
    def dataset(self):
        return grouped()

    @pytest.fixture
    def where(self, dataset):
        """A patient of each split."""
        found: dict[str, str] = {}
        for number in range(200):
            split = split_of(bucket_of(hash_of(bytes(dataset.salt), f"p{number}")), SHARES)
            found.setdefault(split.value, f"p{number}")
        return found

    def test_by_copies_which_refuse_the_release(self, dataset, where):
        one = patients([where["train"]], sha256=b"\7" * 32)
        copies = patients([where["test"], where["train"]], sha256=b"\7" * 32)
        patients(f"p{number}" for number in range(20))
        error = refused(dataset)
        assert str(error) == "Images that are copies of one in another split: 1."
        assert error.details == {
            "crossing": {
                "count": 1,
                "sample": [
                    {
                        "sha256": "07" * 32,
                        "images": [one[0].pk, copies[0].pk],
                        "splits": ["train", "test"],
                    }
                ],
            }
        }

    def test_not_by_copies_that_are_no_members(self, dataset, where):
        patients([where["train"]], sha256=b"\7" * 32)
        patients([where["test"]], sha256=b"\7" * 32)[0].delete()
        assert released(dataset, splits=RATIOS).report["proof"]["files_in_two_splits"] == 0

    def test_by_pictures_that_look_alike_which_is_told(self, dataset, where):
        one = patients([where["train"]], fingerprint=0b1011)
        two = patients([where["validation"], where["validation"]], fingerprint=0b1000)
        patients([where["test"]], fingerprint=-1)
        patients([where["test"]], fingerprint=None)
        release = released(dataset, splits=RATIOS | {"near": {"distance": 2}})
        near = release.report["proof"]["near"]
        assert near == {
            "distance": 2,
            "pairs": 2,
            "truncated": False,
            "sample": [
                {
                    "images": [image.pk, one[0].pk],
                    "splits": ["validation", "train"],
                    "distance": 2,
                }
                for image in two
            ],
        }

    def test_by_more_of_these_than_may(self, dataset, where):
        patients([where["train"], where["test"]], fingerprint=7)
        error = refused(dataset, near={"distance": 0, "max_pairs": 0})
        assert str(error) == "Pairs in two splits that look alike: 1; 0 may."
        assert error.details["near"]["pairs"] == 1
        asked = RATIOS | {"near": {"distance": 0, "max_pairs": 1}}
        assert released(dataset, splits=asked).state == "released"

    def test_by_so_many_that_nobody_can_tell(self, dataset, where, monkeypatch):
        """The worker takes its time before it says so."""
        monkeypatch.setattr("taggedimages.datasets.splits.near.MAX_SHARING", 1)
        patients([where["train"], where["train"], where["test"]], fingerprint=7)
        release = released(dataset, splits=RATIOS | {"near": {"distance": 0, "max_pairs": 5}})
        assert release.state == "failed"
        assert "it cannot be told" in release.problem
        assert release.refusal
        assert release.refusal["near"]["truncated"] is True
        release = released(dataset, splits=RATIOS | {"near": {"distance": 0}})
        assert release.report["proof"]["near"]["truncated"] is True


def test_who_is_where_is_told_by_nothing_but_the_salt_and_the_group():
    dataset = grouped(9)
    patients(f"p{number}" for number in range(30))
    release = released(dataset, splits=RATIOS)
    assert dataset.group == BY_PATIENT
    assert patients_in(release) == {
        f"p{number}": split_of(bucket_of(hash_of(b"\x09" * 32, f"p{number}")), SHARES).value
        for number in range(30)
    }
    assert len(splits_of(release)) == 30
