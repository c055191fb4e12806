"""Data sets and releases in the admin: what they consist of, to be read by who may see them."""

import pytest
from django.urls import reverse

from taggedimages.datasets.models import Release
from taggedimages.datasets.tests.releases import make_dataset, ready_images, released
from taggedimages.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def release(who) -> Release:
    """Of twenty images, divided."""
    ready_images(20, "knee", by=who)
    dataset = make_dataset("knees", by=who, license="CC0-1.0")
    return released(dataset, by=who, splits={"ratios": {"train": 50, "test": 50}})


def page(client, model, *ids):
    name = "change" if ids else "changelist"
    answer = client.get(reverse(f"admin:datasets_{model}_{name}", args=ids))
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_release_is_told_with_its_digest_members_and_splits(staff, release):
    shown = page(staff, "release", release.pk)
    assert f"knees@1 {release.digest}" in shown
    assert "&quot;test&quot;: {" in shown
    assert "knees@1" in page(staff, "release")


def test_a_release_that_failed_says_why(boss, release):
    Release.objects.update(state="failed", problem="There are no <images>.")
    shown = page(boss, "release", release.pk)
    assert "There are no &lt;images&gt;." in shown


def test_a_data_set_is_told_without_its_salt(staff, release):
    shown = page(staff, "dataset", release.dataset_id)
    assert "CC0-1.0" in shown
    assert bytes(release.dataset.salt).hex() not in shown


@pytest.mark.parametrize("model", ["dataset", "release"])
def test_nothing_is_changed_here(boss, release, model):
    record = release if model == "release" else release.dataset
    for name, ids in (("add", []), ("delete", [record.pk])):
        url = reverse(f"admin:datasets_{model}_{name}", args=ids)
        assert boss.get(url).status_code == 403
    changed = boss.post(reverse(f"admin:datasets_{model}_change", args=[record.pk]), {"name": "x"})
    assert changed.status_code == 403


@pytest.mark.parametrize("model", ["dataset", "release"])
def test_who_may_not_look_at_them_does_not(client, release, model):
    client.force_login(make_user("omar", project_id="lab", staff=True))
    url = reverse(f"admin:datasets_{model}_changelist")
    assert client.get(url).status_code == 403
