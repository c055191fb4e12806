"""What others write while a contract is judged."""

import threading

import pytest
from django.db import connection

from images.models import Image
from search.executor import tag_sets
from search.executor.blocks import Blocks
from search.tests.indexes import give_bitmaps, merge_all
from search.tests.thresholds import SMALL, SPARSE
from taggedimages.datasets.contracts import reports
from taggedimages.datasets.contracts.tests.examples import keep
from taggedimages.datasets.snapshots import one_state
from taggedimages.factories import TESTS, make_image, make_tag
from tags import tagging

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def by_bitmaps(monkeypatch):
    monkeypatch.setattr("search.executor.tag_sets.FEW", -1)


def elsewhere(write):
    """Have another connection write something, and end."""

    def run():
        try:
            write()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


def with_tag(name):
    every = Blocks.of(Image.objects.values_list("pk", flat=True))
    tag = make_tag(name).pk
    return list(tag_sets.of_targets([tag], every)[tag] & every)


def test_a_tag_is_told_the_same_whether_or_not_it_is_dense(by_bitmaps):
    images = [make_image("knee") for _ in range(3)]
    wanted = [image.pk for image in images]
    assert with_tag("knee") == wanted
    merge_all(SPARSE)
    assert with_tag("knee") == wanted
    give_bitmaps(["knee"])
    assert with_tag("knee") == wanted
    tagging.untag_named(images[0], {"knee": None}, TESTS)
    assert with_tag("knee") == wanted[1:]
    merge_all(SMALL)
    assert with_tag("knee") == wanted[1:]


def test_a_report_is_of_the_state_in_which_it_began(by_bitmaps, monkeypatch):
    """A tag becomes dense, and images change, between what is asked of names and of bitmaps."""
    good, bad = make_image("left"), make_image()
    version = keep({"all_of": ["left"]})
    merge_all(SPARSE)
    read = tag_sets.of_targets

    def write():
        tagging.tag(bad, ["left"], TESTS)
        tagging.untag_named(good, {"left": None}, TESTS)
        merge_all(SMALL)
        give_bitmaps(["left"])

    def read_late(targets, images):
        elsewhere(write)
        return read(targets, images)

    monkeypatch.setattr(tag_sets, "of_targets", read_late)
    with one_state(read_only=True):
        report = reports.report(version, reports.EVERYTHING)
    assert (report["checked"], report["rules"][0]["sample"]) == (2, [bad.pk])
    monkeypatch.setattr(tag_sets, "of_targets", read)
    with one_state(read_only=True):
        report = reports.report(version, reports.EVERYTHING)
    assert report["rules"][0]["sample"] == [good.pk]
