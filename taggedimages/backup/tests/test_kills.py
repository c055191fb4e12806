"""A backup that is killed leaves one whole backup: that of before, or the new one.

BACKUP_KILLS says how many are killed, each somewhere else on its way.
"""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from images import deletion, storage
from taggedimages.backup.checking import check
from taggedimages.backup.folder import Folder
from taggedimages.backup.tests import ending_backup
from taggedimages.backup.tests.conftest import Source
from taggedimages.engines.state import CHECKOUT
from taggedimages.factories import make_image, make_png

pytestmark = pytest.mark.django_db
KILLS = int(os.environ.get("BACKUP_KILLS", "4"))


def run(source: Source, number: int, folder: Path) -> "subprocess.CompletedProcess[str]":
    """A backup that is killed before the step of this number."""
    return subprocess.run(
        [sys.executable, "-m", ending_backup.__name__, str(number), str(folder)],
        env=source.place.environment | {"DJANGO_SETTINGS_MODULE": "taggedimages.settings"},
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def before(source: Source, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup, after which images came and went."""
    folder = tmp_path_factory.mktemp("kills") / "before"
    first = run(source, 0, folder)
    assert first.returncode == 0, first.stderr
    for number in range(5):
        make_image("new", body=make_png(5, 5 + number))
    gone = source.images["trashed"]
    deletion.delete(gone)
    for key in deletion.stored_keys(gone):
        storage.delete(key)
    return folder


def test_wherever_it_is_killed_one_whole_backup_is_there(
    source: Source, before: Path, tmp_path: Path
) -> None:
    old = check(Folder(before), 1)
    whole = tmp_path / "whole"
    shutil.copytree(before, whole)
    ended = run(source, 0, whole)
    assert ended.returncode == 0, ended.stderr
    steps = int(ended.stdout.split()[-1])
    # Steps of the end are where one takes the place of the other, and what is old is removed.
    kills = {round(steps * (number + 1) / (KILLS + 1)) for number in range(KILLS)}
    found = set()
    for kill in sorted(kills | {steps - 1, steps - 4}):
        folder = tmp_path / f"killed-{kill}"
        shutil.copytree(before, folder)
        assert run(source, kill, folder).returncode == -signal.SIGKILL
        manifest = check(Folder(folder), 1)
        found.add(manifest.run == old.run)
    assert found == {True, False}
    # What was left half done is in nobody's way, and no byte of it stays.
    assert run(source, 0, folder).returncode == 0
    assert names(folder) == names(whole)


def names(folder: Path) -> set[str]:
    """All objects of a backup, by the names of their files."""
    check(Folder(folder), 1)
    assert len([entry for entry in folder.iterdir() if entry.is_dir()]) == 2
    return {path.name for path in (folder / "objects").rglob("*") if path.is_file()}
