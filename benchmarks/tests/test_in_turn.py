"""Two services are asked in turn; one that answers otherwise is told. No time is asserted."""

import json

import pytest

from benchmarks import doors
from benchmarks.__main__ import main
from benchmarks.corpus import Corpus
from benchmarks.generating import generate
from benchmarks.in_turn import POST
from benchmarks.loading import load
from images.models import Image
from taggedimages.identity.credentials import issue

IMAGES = 300
SHORT = ["--rounds=2", "--seconds=0.02", "--json"]


@pytest.fixture
def corpus(tmp_path, live_server) -> Corpus:
    corpus = generate(IMAGES, tmp_path)
    load(corpus, say=lambda line: None)
    return corpus


def test_all_kinds_are_asked_of_both_services_and_nothing_made_stays(
    corpus, live_server, capsys, tmp_path
):
    known = tmp_path / "credentials.json"
    known.write_text(json.dumps(issue("reader", staff=True).as_dict()))
    bases = ["--bases", live_server.url, live_server.url, f"--credentials={known}"]
    assert main(["in_turn", str(corpus.folder), *bases, *SHORT]) == 0
    found = json.loads(capsys.readouterr().out)["in_turn"]
    further = {kind for kind in corpus.further_kinds if "two projects" not in kind}
    by_id = {"common_tag by id", "rare_tag by id"}
    assert set(found) == {*corpus.kinds, *further, *by_id, POST}
    assert {len(times) for kind in found.values() for times in kind["rounds"]} == {2}
    assert all(first for kind in found if kind != POST for first in found[kind]["first"])
    assert Image.objects.current().count() == IMAGES


def test_other_answers_are_told(corpus, live_server, capsys):
    bases = ["--bases", live_server.url, "http://127.0.0.1:1"]
    asked = ["in_turn", str(corpus.folder), *bases, *SHORT, "--kinds=first_page,rare_tag by id"]
    assert main(asked) == 1
    found = json.loads(capsys.readouterr().out)["in_turn"]
    assert '/v1/images?limit=100&page=0: 0: b"Connection' in found["first_page"]["different"][0]


def test_what_one_service_does_not_know_is_asked_of_neither(
    corpus, live_server, capsys, monkeypatch
):
    earlier = doors.known_parameters
    monkeypatch.setattr(doors, "known_parameters", lambda client: earlier(client) - {"modality"})
    bases = ["--bases", live_server.url, live_server.url]
    asked = ["in_turn", str(corpus.folder), *bases, *SHORT, "--kinds=modality,body part"]
    assert main(asked) == 0
    told = capsys.readouterr()
    assert set(json.loads(told.out)["in_turn"]) == {"body part"}
    assert "modality: not known here" in told.err
