"""Searches of the past, a contract and a release of a loaded corpus are measured, and each answer
is right. No time is asserted."""

import json
from collections.abc import Iterator

import pytest

from benchmarks.__main__ import main
from benchmarks.changes import Refused
from benchmarks.churn import USUAL
from benchmarks.client import Answer
from benchmarks.corpus import Corpus
from benchmarks.generating import generate
from benchmarks.loading import load
from benchmarks.past import AGES, faults
from benchmarks.releases import Releases
from benchmarks.tests.beside import beside
from benchmarks.tests.test_search import IMAGES
from taggedimages.datasets import building
from taggedimages.datasets.contracts.models import Contract
from taggedimages.datasets.models import Release

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def corpus(tmp_path) -> Corpus:
    """One that is loaded with the ledger of years; one image in ten has no file."""
    corpus = generate(IMAGES, tmp_path)
    load(corpus, say=lambda line: None, lines=USUAL)
    return corpus


@pytest.fixture
def worker_beside(corpus) -> Iterator[None]:
    """What builds releases in the service's worker, for as long as the test runs."""
    with beside(building.sweep):
        yield


def asked(corpus: Corpus, base: str) -> list[str]:
    return ["releases", str(corpus.folder), f"--base={base}", "--seconds=0.1"]


@pytest.mark.usefixtures("worker_beside")
def test_each_figure_is_taken_and_every_answer_right(corpus, live_server, settings, capsys):
    settings.ANONYMOUS = "open"
    assert main([*asked(corpus, live_server.url), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["releases"]
    assert found["past"]["wrong"] == []
    assert all(list(ages) == list(AGES) for ages in found["past"]["kinds"].values())
    assert found["contract"]["checked"] == IMAGES
    assert found["contract"]["failures"] > 0
    release = Release.objects.get()
    assert (release.state, release.members) == ("retired", found["build"]["members"])
    assert found["members"]["lines"] == release.members
    assert IMAGES * 0.8 < release.members < IMAGES
    assert not Contract.objects.filter(deleted_at=None).exists()


def test_a_wrong_answer_is_told(corpus):
    question = corpus.kinds["common_tag"][0]
    answered = {"meta": {"total_results": question.total - 1}, "results": []}
    told = list(faults(question, None, Answer(200, json.dumps(answered).encode())))
    assert len(told) == 2
    assert f"{question.total - 1} found instead of {question.total}" in told[0]
    assert list(faults(question, 1, Answer(503, b"busy"))) == [
        f"{question.tags[0]} as of 1: 503: b'busy'"
    ]


def test_a_service_that_refuses_is_told(corpus, live_server, settings):
    settings.ANONYMOUS = "none"
    run = Releases(live_server.url, "", corpus, 0, say=lambda line: None)
    with pytest.raises(Refused, match="401 instead of 201"):
        run.contract()
