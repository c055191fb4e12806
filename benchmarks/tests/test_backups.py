"""What a backup is measured on is whole: records have the files and previews that they name."""

from pathlib import Path

import pytest

from benchmarks import backups
from benchmarks.options import read
from images.tests.conftest import own_bucket
from taggedimages.backup import making
from taggedimages.engines import postgres

__all__ = ["own_bucket"]

pytestmark = pytest.mark.django_db(transaction=True)


def test_images_with_files_are_backed_up_whole(own_bucket, settings, tmp_path: Path) -> None:
    settings.PG_BIN = str(postgres.binaries())
    said: list[str] = []
    backups._make_files(3, said.append)
    made = making.make(tmp_path / "backup", 2, deep=False, warn=pytest.fail)
    assert said == ["3 images with files are stored."]
    assert made.manifest.objects == 3 * (1 + len(backups.PREVIEW_BYTES))
    assert made.manifest.bytes == 3 * (backups.FILE_BYTES + sum(backups.PREVIEW_BYTES))


def test_it_is_asked_for_by_how_much_there_is() -> None:
    options = read(["backup", "--images", "5", "--files", "7"])
    assert (options.command, options.images, options.files) == ("backup", 5, 7)
