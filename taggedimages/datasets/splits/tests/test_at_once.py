"""Two releases of one data set that are built at the same time."""

import threading

import pytest
from django.db import DatabaseError, connection

from taggedimages.datasets import building, collecting
from taggedimages.datasets.models import Release
from taggedimages.datasets.splits.models import SplitHistory
from taggedimages.datasets.splits.tests.divided import EIGHTY, grouped, patients
from taggedimages.datasets.tests.releases import asked_for, released
from taggedimages.transactions import PASSING, sqlstate

pytestmark = pytest.mark.django_db(transaction=True)

LARGER_TEST = {"ratios": {"train": 60, "validation": 10, "test": 30}}


def built_meanwhile(release):
    """Build a release on a connection of its own."""

    def build():
        try:
            building.build(release.pk)
        finally:
            connection.close()

    thread = threading.Thread(target=build)
    thread.start()
    thread.join()


@pytest.mark.parametrize("is_first", [True, False], ids=["the first two", "later ones"])
def test_the_later_begins_anew_and_finds_what_binds_it(is_first, monkeypatch):
    """It read what binds it before the other was there: the two could contradict each other."""
    dataset = grouped()
    patients(f"p{number}" for number in range(20))
    if not is_first:
        released(dataset, splits={"ratios": EIGHTY})
    larger, smaller = (asked_for(dataset, splits=s) for s in (LARGER_TEST, {"ratios": EIGHTY}))

    collector, met = collecting.Collector, list[bool]()

    def meanwhile(release, by):
        made = collector(release, by)
        if release.pk == smaller.pk and not met:
            met.append(True)
            built_meanwhile(larger)
        return made

    monkeypatch.setattr(building, "Collector", meanwhile)
    with pytest.raises(DatabaseError) as error:
        building.build(smaller.pk)
    assert sqlstate(error.value) in PASSING
    assert Release.objects.get(pk=larger.pk).state == "released"
    assert Release.objects.get(pk=smaller.pk).state == "building"
    building.sweep()
    again = Release.objects.get(pk=smaller.pk)
    assert (again.state, "shrinking" in (again.refusal or {})) == ("failed", True)
    assert SplitHistory.objects.get().test == 3_000
