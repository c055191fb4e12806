"""Groups that are pinned, such as an external test set's, whatever their hashes say."""

import pytest

from taggedimages.datasets.refusals import Refused
from taggedimages.datasets.splits import history
from taggedimages.datasets.splits.assigning import hash_of
from taggedimages.datasets.splits.tests.divided import (
    EIGHTY,
    grouped,
    members_of,
    patients,
    patients_in,
)
from taggedimages.datasets.tests.releases import asked_for, released

pytestmark = pytest.mark.django_db

RATIOS = {"ratios": EIGHTY}
ALL_TRAIN = {"ratios": {"train": 100}}


def pinned(pins, ratios=RATIOS):
    return ratios | {"pins": pins}


def hashed(name, salt=b"\1" * 32):
    return hash_of(salt, name).hex()


def refused(dataset, splits):
    with pytest.raises(Refused) as error:
        asked_for(dataset, splits=splits)
    return error.value


def test_a_pinned_group_is_where_it_is_pinned():
    patients(["a", "a", "b", "c", "d"])
    pins = {"test": ["a"], "validation": ["b", "nobody"]}
    release = released(grouped(), splits=pinned(pins, ALL_TRAIN))
    assert patients_in(release) == {"a": "test", "b": "validation", "c": "train", "d": "train"}
    assert release.report["proof"]["pinned_groups_found"] == 2
    assert release.report["asked"]["pins"] == {
        "test": [hashed("a")],
        "validation": sorted([hashed("b"), hashed("nobody")]),
    }
    assert '"nobody"' not in release.statement


def test_a_group_is_pinned_by_its_hash_too_as_a_line_shows_it():
    dataset = grouped()
    patients(["a", "b"])
    line = members_of(released(dataset, splits=ALL_TRAIN))[0]
    other = grouped()
    release = released(other, splits=pinned({"test": [line["group"]]}, ALL_TRAIN))
    assert patients_in(release) == {"a": "test", "b": "train"}
    assert release.report["asked"]["pins"] == {"test": [hashed("a")]}


def test_a_group_that_is_called_like_a_hash_is_pinned_by_its_name():
    name = "0123456789abcdef" * 2
    patients([name])
    release = released(grouped(), splits=pinned({"test": [name]}, ALL_TRAIN))
    assert patients_in(release) == {name: "test"}
    assert release.report["asked"]["pins"] == {"test": [hashed(name)]}


def test_pins_are_carried_over_to_later_releases():
    dataset = grouped()
    patients(["a", "b"])
    released(dataset, splits=pinned({"test": ["a", "new"]}, ALL_TRAIN))
    patients(["a", "new"])
    release = released(dataset, splits=ALL_TRAIN)
    assert patients_in(release) == {"a": "test", "b": "train", "new": "test"}
    assert release.report["asked"]["pins"] == {"test": sorted([hashed("a"), hashed("new")])}
    later = released(dataset, splits=pinned({"test": ["a"], "validation": ["c"]}, ALL_TRAIN))
    assert patients_in(later) == patients_in(release)


def test_a_pin_is_not_taken_back():
    dataset = grouped()
    patients(["a", "b"])
    released(dataset, splits=pinned({"test": ["a"]}, ALL_TRAIN))
    error = refused(dataset, pinned({"train": ["a"]}, ALL_TRAIN))
    assert error.details == {
        "pins": {
            "count": 1,
            "sample": [{"group": hashed("a"), "earlier": "test", "asked": "train"}],
        }
    }
    assert str(error) == "Pinned groups that were in another split in an earlier release: 1."


@pytest.mark.parametrize("group", [None, {"filename": "^([^_]+)_"}])
def test_nor_does_one_move_a_group_of_an_earlier_release_though_its_images_are_gone(group):
    dataset = grouped(group=group)
    [image] = patients(["a"])
    of = "a" if group else image.facts.sha256_hex
    patients(["b"])
    released(dataset, splits=ALL_TRAIN)
    type(image).objects.filter(pk=image.pk).update(visibility=2)
    error = refused(dataset, pinned({"test": [of]}, ALL_TRAIN))
    assert error.details["pins"]["sample"] == [
        {"group": hashed(of), "earlier": "train", "asked": "test"}
    ]
    where_it_is = pinned({"train": [of], "test": ["new"]}, ALL_TRAIN)
    assert released(dataset, splits=where_it_is).state == "released"


def test_where_earlier_releases_are_very_many_the_worker_tells(monkeypatch):
    monkeypatch.setattr(history, "CHUNKS_AT_ONCE", 0)
    dataset = grouped()
    patients(["a", "b"])
    released(dataset, splits=ALL_TRAIN)
    patients(["c"])
    release = released(dataset, query={"filename": "c_"}, splits=pinned({"test": ["a"]}, ALL_TRAIN))
    assert release.state == "failed"
    assert release.refusal
    assert release.refusal["pins"]["count"] == 1


def test_a_retired_release_binds_too():
    dataset = grouped()
    patients(["a", "b"])
    release = released(dataset, splits=ALL_TRAIN)
    type(release).objects.update(state="retired")
    assert refused(dataset, pinned({"test": ["a"]}, ALL_TRAIN)).details["pins"]["count"] == 1


def test_one_group_is_not_pinned_to_two_splits_by_its_name_and_its_hash():
    patients(["a"])
    error = refused(grouped(), pinned({"test": ["a"], "train": [hashed("a")]}))
    assert error.details == {"pins": {"count": 1, "sample": [{"group": hashed("a")}]}}
