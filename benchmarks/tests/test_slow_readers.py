"""Readers who stop amid streams, beside pages. No time is asserted."""

import json

from benchmarks import slow_readers
from benchmarks.__main__ import main
from benchmarks.generating import generate
from benchmarks.loading import load

IMAGES = 300


def test_readers_stop_and_go_on_beside_pages(tmp_path, live_server, capsys):
    corpus = generate(IMAGES, tmp_path)
    load(corpus, say=lambda line: None)
    asked = ["slow_readers", str(tmp_path), f"--base={live_server.url}", "--readers=4"]
    assert main([*asked, "--seconds=0.1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["slow_readers"]
    assert found["statuses"] == {"200": 4}
    assert found["before"]["errors"] == found["beside"]["errors"] == 0
    assert found["quick"]["lines"] == IMAGES
    assert found["wrong"] == []


def test_a_stream_that_ends_early_is_told(tmp_path, live_server, monkeypatch):
    corpus = generate(IMAGES, tmp_path)
    load(corpus, say=lambda line: None)
    run = slow_readers.SlowReaders(live_server.url, "", corpus, 1, 0.1, lambda line: None)
    with run.stalled() as (reader,):
        monkeypatch.setattr(slow_readers, "LINES", IMAGES - 1)
        (wrong,) = run.resumed([reader])
    assert wrong.startswith(f"{IMAGES} lines of {IMAGES - 1}")
