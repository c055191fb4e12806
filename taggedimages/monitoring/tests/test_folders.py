"""Where processes share their numbers: a folder of their own, while they run."""

import os
from pathlib import Path

from taggedimages.monitoring import folders
from taggedimages.monitoring.exposition import forget_the_dead
from taggedimages.monitoring.folders import FOLDER


def test_the_folder_of_an_up_is_nobody_elses_and_goes_with_it(tmp_path):
    with folders.of_up(tmp_path):
        folder = Path(os.environ[FOLDER])
        (folder / "counter_1.db").write_bytes(b"")
        assert folder.stat().st_mode & 0o077 == 0
    assert not folder.exists()
    assert FOLDER not in os.environ


def test_one_that_was_killed_leaves_nothing_to_the_next(tmp_path):
    with folders.of_up(tmp_path):
        folder = Path(os.environ[FOLDER])
    folder.mkdir(mode=0o700)
    (folder / "counter_1.db").write_bytes(b"of before")
    with folders.of_up(tmp_path):
        assert Path(os.environ[FOLDER]) == folder
        assert list(folder.iterdir()) == []


def test_a_folder_that_others_may_write_to_is_not_used(tmp_path):
    with folders.of_up(tmp_path):
        folder = Path(os.environ[FOLDER])
    folder.mkdir()
    folder.chmod(0o777)
    try:
        with folders.of_up(tmp_path):
            assert os.environ[FOLDER] == str(tmp_path / "metrics")
    finally:
        folder.rmdir()


def test_two_services_have_two_folders(tmp_path):
    with folders.of_up(tmp_path / "a"):
        first = os.environ[FOLDER]
    with folders.of_up(tmp_path / "b"):
        assert os.environ[FOLDER] != first


def test_who_is_given_a_folder_uses_that(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER, str(tmp_path))
    with folders.shared():
        assert os.environ[FOLDER] == str(tmp_path)
    assert tmp_path.exists()


def test_the_dead_are_not_at_anything(tmp_path):
    living, dead = os.getpid(), 2**22 + 1
    for pid in (living, dead):
        for kind in ("gauge_livesum", "counter"):
            (tmp_path / f"{kind}_{pid}.db").write_bytes(b"")
    forget_the_dead(tmp_path)
    left = {file.name for file in tmp_path.iterdir()}
    assert left == {f"gauge_livesum_{living}.db", f"counter_{living}.db", f"counter_{dead}.db"}
