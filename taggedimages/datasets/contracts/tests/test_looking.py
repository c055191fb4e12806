"""The worker's look at contracts."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from taggedimages.datasets.contracts import keeping, looking
from taggedimages.datasets.contracts.looking import Look, due, look
from taggedimages.datasets.contracts.models import ContractReport
from taggedimages.datasets.contracts.tests.examples import keep
from taggedimages.factories import make_image, make_user

pytestmark = pytest.mark.django_db


def all_looked_at(looks):
    done = 0
    while looks():
        done += 1
    return done


def report_on(version):
    report = ContractReport.objects.get(pk=version.contract_id).report
    assert report is not None
    return report


def test_each_contract_is_looked_at_once_a_night():
    one, other = keep({"at_most": 0}), keep({"at_most": 9})
    image = make_image("a")
    assert all_looked_at(Look()) == 2
    assert [one.contract_id, other.contract_id] == list(
        ContractReport.objects.order_by("pk").values_list("pk", flat=True)
    )
    report = report_on(one)
    assert (report["passes"], report["rules"][0]["sample"]) == (False, [image.pk])
    assert all_looked_at(Look()) == 0
    ContractReport.objects.filter(pk=other.contract_id).update(
        checked_at=Now() - timedelta(days=1, minutes=1)
    )
    assert [contract.pk for contract in due()] == [other.contract_id]


def test_a_new_version_is_looked_at_soon():
    version = keep({"at_most": 0}, name="few")
    all_looked_at(Look())
    keep({"at_most": 1}, name="few")
    assert all_looked_at(Look()) == 1
    assert ContractReport.objects.get(pk=version.contract_id).version == 2


def test_one_that_was_given_up_is_left_alone():
    keeping.delete(keep({"at_most": 0}).contract)
    assert all_looked_at(Look()) == 0


def test_nobody_looks_where_that_is_not_wanted(settings):
    settings.CONTRACTS_SECONDS = 0
    keep({"at_most": 0})
    assert all_looked_at(Look()) == 0


def test_only_what_every_member_is_shown_is_looked_at():
    owner = make_user(project_id="lab")
    version = keep({"at_most": 0}, by=owner)
    shown = [make_image("a"), make_image("a", by=owner, visibility=1)]
    make_image("a", by=owner, private=True)
    make_image("a", by=make_user(project_id="far"), visibility=1)
    look(version.contract_id)
    report = report_on(version)
    assert report["rules"][0]["sample"] == [image.pk for image in shown]


def test_what_takes_too_long_is_told(monkeypatch):
    version = keep({"value": {"tag": "age", "pattern": "a"}})
    monkeypatch.setattr(looking, "STATEMENT_MS", 1)
    slow = "SELECT image_id FROM tags_imagetag, pg_sleep(1) WHERE {of_these}"
    monkeypatch.setattr("taggedimages.datasets.contracts.present.UNLIKE", slow)
    make_image("age")
    assert look(version.contract_id)
    kept = ContractReport.objects.get()
    assert (kept.report, kept.problem) == (None, looking.TOO_LONG)
    assert all_looked_at(Look()) == 0
