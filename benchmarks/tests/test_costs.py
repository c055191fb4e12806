"""What the planner takes steps to cost is measured, all of it. No time is asserted."""

import json

import pytest

from benchmarks import costs
from benchmarks.__main__ import main
from benchmarks.generating import generate
from benchmarks.inside import TooFewTags
from benchmarks.loading import load
from search.planner.costs import LINK_READ_COST_US


def test_every_constant_that_is_a_measurement_can_be_measured():
    assert set(costs.names()) == set(costs.MEASUREMENTS)


@pytest.mark.django_db(transaction=True)
def test_each_is_told_beside_what_the_code_says(tmp_path, capsys):
    # Enough that some tags have bitmaps, and most have none.
    load(generate(3_000, tmp_path, tags_per_image=40), say=lambda line: None)
    assert main(["costs", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["costs"]
    assert set(found) == set(costs.MEASUREMENTS)
    assert found["LINK_READ_COST_US"]["code"] == LINK_READ_COST_US


@pytest.mark.django_db
def test_without_a_corpus_there_is_nothing_to_measure():
    with pytest.raises(TooFewTags):
        costs.measure(say=lambda line: None)
