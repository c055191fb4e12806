"""docs/changes.md: its examples are taken, and its tables say what there is."""

import json
import re
from pathlib import Path

import pytest

from search.v1.json_conditions import MAX_IDS
from taggedimages.changes import lifecycle, planning
from taggedimages.changes.holdings import FEW
from taggedimages.changes.models import Outcome, State
from taggedimages.changes.plans import TAGS_MAX, estimate
from taggedimages.changes.samples import SAMPLE_IMAGES
from taggedimages.factories import make_image

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/changes.md").read_text()


def test_the_example_is_carried_out_and_looks_like_the_plan(api, settings):
    settings.ANONYMOUS = "open"
    make_image("left knee")
    sent = re.search(r"-d '\n(\{.*?\})'", PAGE, re.DOTALL)
    shown = re.search(r"## The plan\n\n```json\n(.*?)```", PAGE, re.DOTALL)
    assert sent
    assert shown
    answer = api.post("/v1/changes", json.loads(sent[1]))
    assert answer.status_code == 202
    plan, example = answer.json()["plan"], json.loads(shown[1])
    assert plan.keys() == example.keys()
    assert plan["sample"][0].keys() == example["sample"][0].keys()
    assert plan["tags"][0].keys() == example["tags"][0].keys()
    counted = (example["links_added"], example["links_removed"], example["values_changed"])
    assert example["estimate"] == estimate(*counted)


def test_every_state_and_outcome_is_on_the_page():
    words = {*State.values, *Outcome.labels, "target"} - {"target"}
    assert [word for word in sorted(words) if word not in PAGE] == []


def test_the_numbers_on_the_page_are_those_of_the_code():
    assert f"more than {FEW:,} images are found" in PAGE
    assert f"{MAX_IDS:,} at most" in PAGE
    assert f"the {TAGS_MAX:,} most frequent" in PAGE
    assert f"up to {SAMPLE_IMAGES} images" in PAGE
    assert f"may have {lifecycle.PLANNED_MAX:,} changes waiting" in PAGE
    assert planning.KEPT.days == 7
    assert "within seven days" in PAGE
    limits = (ROOT / "docs/limits.md").read_text()
    assert f"may have {lifecycle.PLANNED_MAX:,} changes that are planned" in limits
