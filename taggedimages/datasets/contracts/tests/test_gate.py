"""Contracts as a gate of releases."""

import pytest

from search.executor.blocks import Blocks
from taggedimages.datasets.contracts.gate import gate
from taggedimages.datasets.contracts.rules import BadContract
from taggedimages.datasets.contracts.tests.examples import keep
from taggedimages.datasets.refusals import Refused
from taggedimages.factories import make_image, make_user
from taggedimages.identity.models import default_project_id

pytestmark = pytest.mark.django_db


@pytest.fixture
def images():
    return [make_image("left"), make_image("left", "right"), make_image()]


@pytest.fixture
def judged(images):
    """What the gate says of all images but the last."""

    def judged(*names, **waive):
        members = Blocks.of(image.pk for image in images[:-1])
        return gate(names, members, None, waive, default_project_id())

    return judged


def test_what_is_kept_passes(judged):
    keep({"at_least_one_of": ["left", "right"]}, name="sides")
    assert judged("sides") == [
        {
            "contract": "sides",
            "severity": "error",
            "waived": None,
            "version": 1,
            "checked": 2,
            "passes": True,
            "rules": [
                {"rule": 0, "failures": 0, "sample": [], "message": "at least one of left, right"}
            ],
            "unknown_tags": [],
        }
    ]


def test_what_is_broken_refuses_with_the_reports_of_all(judged, images):
    keep({"exactly_one_of": ["left", "right"]}, name="sides")
    keep({"at_most": 9}, name="few")
    with pytest.raises(Refused, match="sides") as refused:
        judged("sides", "few")
    report = refused.value.details["report"]
    assert {name: one["passes"] for name, one in report.items()} == {"sides": False, "few": True}
    assert report["sides"]["rules"][0]["sample"] == [images[1].pk]


def test_a_waiver_lets_it_through_with_its_reason(judged):
    keep({"exactly_one_of": ["left", "right"]}, name="sides")
    (told,) = judged("sides", sides="Both knees on one plate.")
    assert (told["passes"], told["waived"]) == (False, "Both knees on one plate.")


def test_a_warning_is_told_and_refuses_nothing(judged):
    keep({"exactly_one_of": ["left", "right"]}, name="sides", severity="warning")
    assert [one["passes"] for one in judged("sides")] == [False]


def test_no_contract_says_nothing(judged):
    assert judged() == []


@pytest.mark.parametrize(
    ("names", "waive"),
    [
        (["hands"], {}),
        (["sides", "sides"], {}),
        (["sides"], {"hands": "why"}),
        (["sides"], {"sides": " "}),
        (["sides"], {"sides": "x" * 2_001}),
    ],
)
def test_what_names_nothing_is_a_mistake(judged, names, waive):
    keep({"at_most": 9}, name="sides")
    with pytest.raises(BadContract):
        judged(*names, **waive)


def test_contracts_of_other_projects_are_not_known(judged):
    keep({"at_most": 9}, name="sides", by=make_user(project_id="far"))
    with pytest.raises(BadContract):
        judged("sides")
