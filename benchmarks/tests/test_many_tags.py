"""Tags and their names are asked for in every way, and answered."""

import json

import pytest

from benchmarks import tables
from benchmarks.generating import generate
from benchmarks.loading import load
from benchmarks.many_tags import ManyTags, kinds, token
from taggedimages.factories import make_credentials

TAGS = 300


@pytest.fixture
def measured(tmp_path, live_server) -> ManyTags:
    corpus = generate(50, tmp_path, tags=TAGS)
    load(corpus, say=lambda line: None)
    signed = token({name: str(value) for name, value in make_credentials().as_dict().items()})
    return ManyTags(live_server.url, signed, corpus, seconds=0.01)


def test_every_kind_of_request_is_answered(measured):
    found = json.loads(json.dumps(measured.run()))
    assert found["tags"] == TAGS
    assert [set(kind["statuses"]) for kind in found["kinds"].values()] == [{"200"}] * len(
        found["kinds"]
    )
    stamped = {"vocabulary": found, "measured_at": "2026-01-02T03:04:05+00:00", "commit": ""}
    assert "20 infixes of 3" in tables.of(stamped)


def test_deep_pages_are_in_the_second_half_of_the_list():
    deep = kinds([f"tag{number}" for number in range(10_000)])["tags, deep pages"]
    pages = {int(path.rpartition("=")[2]) for path in deep.paths}
    assert 49 <= min(pages) < max(pages) <= 99
