"""From one release of a data set to the next nobody moves, but from train into what grows."""

import pytest

from taggedimages.datasets.models import Release
from taggedimages.datasets.refusals import Refused
from taggedimages.datasets.splits.models import SplitSet
from taggedimages.datasets.splits.tests.divided import (
    EIGHTY,
    grouped,
    patients,
    patients_in,
    splits_of,
)
from taggedimages.datasets.tests.releases import asked_for, released

pytestmark = pytest.mark.django_db

RATIOS = {"ratios": EIGHTY}
LARGER_TEST = {"ratios": {"train": 60, "validation": 10, "test": 30}}


def names(count, first=0):
    return [f"p{number}" for number in range(first, first + count)]


def test_a_fifth_more_images_move_nobody():
    dataset = grouped()
    # Each patient with one image, and some with three.
    patients([*names(150), *names(40) * 2])
    before = splits_of(released(dataset, splits=RATIOS))
    # Of known patients and of new ones.
    patients([*names(20), *names(26, first=150)])
    release = released(dataset, splits=RATIOS)
    after = splits_of(release)
    assert len(after) == len(before) * 1.2
    assert {image: after[image] for image in before} == before
    assert set(before.values()) == set(EIGHTY)
    assert len(set(patients_in(release).items())) == 176


def test_what_test_grows_by_was_in_train():
    dataset = grouped()
    patients(names(150))
    before = splits_of(released(dataset, splits=RATIOS))
    release = released(dataset, splits=LARGER_TEST)
    after = splits_of(release)
    moved = {(before[image], after[image]) for image in before if before[image] != after[image]}
    assert moved == {("train", "test")}
    taken = sum(after[image] != split for image, split in before.items())
    assert release.report["proof"]["moved_from_train"] == taken
    # They are at home in test from then on.
    again = released(dataset, splits=LARGER_TEST)
    assert again.report["proof"]["moved_from_train"] == 0


@pytest.mark.parametrize("smaller", ["test", "validation"])
def test_neither_test_nor_validation_shrinks(smaller):
    dataset = grouped()
    patients(names(40))
    released(dataset, splits=RATIOS)
    with pytest.raises(Refused) as refused:
        asked_for(dataset, splits={"ratios": EIGHTY | {smaller: 9.99, "train": 80.01}})
    assert refused.value.details == {"shrinking": {smaller: {"earlier": 10, "asked": 9.99}}}
    assert Release.objects.count() == 1


def test_nor_do_they_after_a_larger_release_or_one_without_splits():
    dataset = grouped()
    patients(names(40))
    released(dataset, splits=RATIOS)
    released(dataset, splits=LARGER_TEST)
    assert released(dataset).report["splits"] is None
    with pytest.raises(Refused, match="neither may be smaller"):
        asked_for(dataset, splits=RATIOS)
    assert released(dataset, splits=LARGER_TEST).state == "released"


def test_another_data_set_is_free_to_divide_otherwise():
    patients(names(40))
    released(grouped(), splits=LARGER_TEST)
    assert released(grouped(), splits=RATIOS).state == "released"


def test_a_release_that_is_refused_binds_nobody():
    dataset = grouped()
    patients([*names(40), ""])
    with pytest.raises(Refused, match="Images without a group: 1"):
        asked_for(dataset, splits=LARGER_TEST)
    assert not SplitSet.objects.exists()
    assert released(dataset, splits=RATIOS | {"missing": "exclude"}).state == "released"


def find(release, split):
    return next(name for name, there in patients_in(release).items() if there == split)


def renamed(image, patient):
    image.filename = f"{patient}_again.png"
    image.save()


@pytest.mark.parametrize(
    ("was", "becomes"), [("test", "train"), ("validation", "test"), ("train", "test")]
)
def test_an_image_that_has_another_group_now_may_not_move_by_that(was, becomes):
    dataset = grouped()
    images = {image.filename.split("_")[0]: image for image in patients(names(60))}
    before = released(dataset, splits=RATIOS)
    image = images[find(before, was)]
    renamed(image, find(before, becomes))
    with pytest.raises(Refused) as refused:
        asked_for(dataset, splits=RATIOS)
    assert refused.value.details == {"moved": {"count": 1, "images": [image.pk]}}
    assert "Images that were in another split in an earlier release: 1." in str(refused.value)


def test_who_was_left_out_meanwhile_is_remembered():
    dataset = grouped()
    images = {image.filename.split("_")[0]: image for image in patients(names(60))}
    before = released(dataset, splits=RATIOS)
    image = images[find(before, "test")]
    type(image).objects.filter(pk=image.pk).update(visibility=2)
    assert len(splits_of(released(dataset, splits=RATIOS))) == 59
    type(image).objects.filter(pk=image.pk).update(visibility=0)
    image.refresh_from_db()
    renamed(image, find(before, "train"))
    with pytest.raises(Refused, match="were in another split in an earlier release: 1"):
        asked_for(dataset, splits=RATIOS)


def test_who_stays_in_the_split_may_have_another_group():
    dataset = grouped()
    images = patients(names(60))
    before = patients_in(released(dataset, splits=RATIOS))
    one, other = [image for image in images if before[image.filename.split("_")[0]] == "train"][:2]
    renamed(one, other.filename.split("_")[0])
    assert released(dataset, splits=RATIOS).report["splits"]["train"]["groups"] == (
        list(before.values()).count("train") - 1
    )
