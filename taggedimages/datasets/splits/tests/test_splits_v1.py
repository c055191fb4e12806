"""Groups and splits as /v1 takes, refuses and tells them."""

import hashlib
import hmac
import re
from pathlib import Path
from typing import Any

import pytest

from taggedimages.datasets import building
from taggedimages.datasets.models import Dataset, Release
from taggedimages.datasets.splits.tests.divided import BY_PATIENT, EIGHTY, members_of, patients

pytestmark = pytest.mark.django_db

PAGE = (Path(__file__).resolve().parents[4] / "docs/splits.md").read_text()
EVERYTHING = {"query": {"filename": "png"}}


@pytest.fixture
def knees(api):
    assert api.post("/v1/datasets", {"name": "knees", "group": BY_PATIENT}).status_code == 201


def ask(api, **splits):
    body = EVERYTHING | {"splits": {"ratios": EIGHTY} | splits}
    return api.post("/v1/datasets/knees/releases", body)


def test_a_group_is_told_as_it_was_sent(api, knees):
    assert api.get("/v1/datasets/knees").json()["group"] == BY_PATIENT


@pytest.mark.parametrize(
    ("group", "why"),
    [
        ({"filename": "((a)"}, "group: filename: invalid regular expression"),
        ({"dicom": "PatientName"}, "group: dicom: Must be a field that is kept"),
        ({"album": "knees"}, "group: album and sha256: Must be true."),
        ([], "group: Must be an object with one of"),
        (False, "group: Must be an object with one of"),
    ],
)
def test_a_group_that_cannot_be_is_400_and_makes_no_data_set(api, group, why):
    answer = api.post("/v1/datasets", {"name": "knees", "group": group})
    assert answer.status_code == 400
    assert answer.json()["message"].startswith(why)
    assert not Dataset.objects.exists()


@pytest.mark.parametrize(
    ("splits", "why"),
    [
        ({"ratios": {"train": 80}}, "splits: ratios: They sum up to 80, not to 100."),
        ({"missing": "keep"}, "splits: missing: Must be one of: refuse, exclude, own."),
        ({"near": {"distance": 64}}, "splits: near.distance: Must be a whole number from 0 to 10."),
    ],
)
def test_splits_that_cannot_be_are_400(api, knees, splits, why):
    answer = ask(api, **splits)
    assert (answer.status_code, answer.json()["message"]) == (400, why)
    assert not Release.objects.exists()


def test_what_refuses_a_release_is_422_with_the_list(api, knees):
    images = patients(["", "p7", ""])
    answer = ask(api)
    assert answer.status_code == 422
    assert answer.json()["message"] == "Images without a group: 2."
    assert answer.json()["missing"] == {"count": 2, "images": [images[0].pk, images[2].pk]}
    assert not Release.objects.exists()


def test_a_release_tells_of_its_splits_and_the_page_how_they_came_about(api, knees):
    patients(f"p{number}" for number in range(40))
    assert ask(api, pins={"validation": ["p1"]}, near={"distance": 0}).status_code == 202
    building.sweep()
    told = api.get("/v1/datasets/knees/releases/1").json()
    assert set(told["splits"]["train"]) == {"images", "groups", "effective_groups", "tags"}
    assert sum(split["images"] for split in told["splits"].values()) == told["members"] == 40
    assert told["proof"]["near"]["pairs"] == 0
    assert set(told["proof"]) <= set(re.findall(r"`(\w+)`", PAGE))

    [program] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(program, names)
    salt = bytes.fromhex(api.get("/v1/datasets/knees").json()["salt"])
    for member in members_of(Release.objects.get()):
        patient = member["name"].split("_")[0]
        of_hash = names["split"](salt, patient, test=10, validation=10)
        assert member["split"] == ("validation" if patient == "p1" else of_hash)
        digest = hmac.digest(salt, patient.encode(), hashlib.sha256)
        assert member["group"] == digest[:16].hex()


def test_the_page_names_all_that_refuses():
    named = set(re.findall(r"`(\w+)`", PAGE))
    assert {"missing", "ambiguous", "crossing", "moved", "shrinking", "pins", "near"} <= named
