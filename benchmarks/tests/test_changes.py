"""A change of all images is planned, applied and taken back while others search; nothing stays but
the lines of the ledger. No time is asserted."""

import json
from collections.abc import Iterator

import pytest
from django.core.management import call_command

from benchmarks.__main__ import main
from benchmarks.changes import BulkChange, Refused, statements
from benchmarks.corpus import Corpus
from benchmarks.generating import generate
from benchmarks.loading import load
from benchmarks.tests.beside import beside
from benchmarks.tests.test_search import IMAGES
from images.models import Image
from search.models import PendingChange
from taggedimages.changes import worker
from taggedimages.changes.models import Change
from tags.models import ImageTag, Tag, TagChange

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def corpus(tmp_path) -> Corpus:
    """One that is loaded."""
    corpus = generate(IMAGES, tmp_path)
    load(corpus, say=lambda line: None)
    return corpus


@pytest.fixture
def worker_beside(corpus) -> Iterator[None]:
    """The service's worker, for as long as the test runs."""
    with beside(worker.sweep):
        yield


@pytest.mark.usefixtures("worker_beside")
def test_each_step_is_measured_and_every_answer_right(corpus, live_server, settings, capsys):
    settings.ANONYMOUS = "open"
    tags, links = Tag.objects.count(), set(ImageTag.objects.values_list("pk", flat=True))
    asked = ["changes", str(corpus.folder), f"--base={live_server.url}", "--seconds=0.2", "--json"]
    assert main(asked) == 0
    found = json.loads(capsys.readouterr().out)["change"]
    assert list(found["steps"]) == ["plan", "apply", "plan of undo", "undo"]
    assert (found["images"], found["links"], found["wrong"]) == (IMAGES, IMAGES, [])
    for outcome in found["outcomes"].values():
        assert outcome["outcomes"]["changed"] == outcome["of"] == IMAGES
    assert found["searches"]["nothing"]["n"] > 0
    assert found["steps"]["apply"]["grown"]["ledger"] > 0
    assert len(set(found["statements"].values())) == 1
    assert set(ImageTag.objects.values_list("pk", flat=True)) == links
    assert Tag.objects.count() == tags
    assert TagChange.objects.exclude(bulk=None).count() == 2 * IMAGES


def test_counting_statements_leaves_nothing(corpus):
    call_command("tagindex", rebuild=True)
    # Names that the corpus has given up are changes, too.
    before = Change.objects.count()
    assert statements(10) == statements(100)
    assert Change.objects.count() == before
    assert not PendingChange.objects.exists()
    assert Image.objects.count() == IMAGES


def test_a_service_that_refuses_is_told(corpus, live_server, settings):
    settings.ANONYMOUS = "none"
    with pytest.raises(Refused, match="401 instead of 202"):
        BulkChange(live_server.url, "", corpus, 0, say=lambda line: None).run()
