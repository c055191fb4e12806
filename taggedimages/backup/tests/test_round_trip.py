"""What is restored from a backup is what was backed up: every record, and every byte."""

import json
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from images import previews
from taggedimages import engines
from taggedimages.backup import records
from taggedimages.backup.folder import Folder
from taggedimages.backup.models import Backup
from taggedimages.backup.tests.conftest import Source
from taggedimages.backup.tests.places import Place, empty_place, manage, of_folder
from taggedimages.engines import process
from taggedimages.engines.state import CHECKOUT
from taggedimages.engines.tests.conftest import without_engines

BEFORE = "a-secret-key-of-before-which-still-reads-something"
# What is backed up is there before the transactions of these tests, and stays.
pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def backed_up(source: Source, tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """A backup by the command, as an operator of managed engines runs it."""
    folder = tmp_path_factory.mktemp("backups") / "one"
    env = source.place.environment | {"SECRET_KEY_FALLBACKS": BEFORE}
    done = manage("backup", folder, "--json", env=env)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["is_whole"] is True
    return Folder(folder)


def test_a_data_folder_is_restored_record_by_record_and_byte_by_byte(
    source: Source, backed_up: Folder, tmp_path: Path
) -> None:
    data = tmp_path / "copy"
    done = manage("restore", backed_up.path, "--data", data, env=without_engines())
    assert done.returncode == 0, done.stdout + done.stderr
    with engines.running(data) as known:
        copy = of_folder(known, data)
        assert kept(copy) == kept(source.place)
        assert copy.objects() == objects_of(source)
    # It reads what the original encrypted, and nobody who knows the engines of the one is let into
    # those of the other.
    assert known.secret_key == source.place.variables["SECRET_KEY"]
    assert known.secret_key_fallbacks == (BEFORE,)
    assert known.hook_secret == source.place.variables["TAGGEDIMAGES_HOOK_SECRET"]
    assert known.s3_secret_key != source.place.variables["AWS_SECRET_ACCESS_KEY"]
    assert known.database_url.split("@")[0] not in source.place.variables["DATABASE_URL"]
    again = manage("restore", backed_up.path, "--data", data, env=without_engines())
    assert again.returncode == 1
    assert "is not empty" in again.stderr


def kept(place: Place) -> dict[str, list[str]]:
    """All tables but the mark of the history, which another place has of its own."""
    return {name: rows for name, rows in place.tables().items() if name != "identity_history"}


def test_managed_engines_get_the_same(source: Source, backed_up: Folder) -> None:
    with empty_place(source.place, "restored") as copy:
        done = manage("restore", backed_up.path, env=copy.environment)
        assert done.returncode == 0, done.stdout + done.stderr
        assert kept(copy) == kept(source.place)
        assert copy.objects() == objects_of(source)
        again = manage("restore", backed_up.path, env=copy.environment)
        assert again.returncode == 1
        assert "The database is not empty" in again.stderr


def objects_of(source: Source) -> dict[str, bytes]:
    """What records name of a bucket."""
    return {key: body for key, body in source.place.objects().items() if key != source.orphan}


def test_files_that_were_deleted_are_in_it_as_long_as_the_bucket_has_them(
    source: Source, backed_up: Folder
) -> None:
    kept = {stored.key for stored in backed_up.stored(backed_up.whole())}
    # One waits for its retention, one is a member of a release, and one is in the trash.
    for name in ("deleted", "member", "trashed", "arrived"):
        assert source.images[name].key in kept
    assert set(previews.keys(source.images["trashed"].uuid)) <= kept
    assert source.images["pending"].key not in kept
    assert source.orphan not in kept


def test_the_manifest_says_what_is_in_it(source: Source, backed_up: Folder) -> None:
    manifest = backed_up.whole()
    rows = {name: len(rows) for name, rows in source.place.tables().items()}
    del rows["sequences"]
    assert manifest.tables == rows | {"taggedimages_backup": 0}
    assert manifest.objects == len(source.place.keys()) - 1
    assert manifest.ledgers["tags_tagchange"] > 0
    assert manifest.bucket == source.place.bucket


def test_only_its_owner_reads_it(backed_up: Folder) -> None:
    run = backed_up.path / backed_up.whole().run
    for private in (backed_up.path, run, run / "keys.json", run / "settings.json"):
        assert stat.S_IMODE(private.stat().st_mode) & 0o077 == 0, private


def test_the_service_knows_when_it_was_last_backed_up(backed_up: Folder) -> None:
    (made,) = Backup.objects.all()
    assert made.folder == str(backed_up.path)
    assert made.verified_at is not None
    assert records.last_verified_at() == made.verified_at
    assert str(made).startswith(str(backed_up.path))


def test_another_secret_key_could_not_read_it(source: Source, backed_up: Folder) -> None:
    wrong = source.place.environment | {"SECRET_KEY": "x" * 50}
    done = manage("restore", backed_up.path, env=wrong)
    assert done.returncode == 1
    assert "SECRET_KEY is another" in done.stderr


@pytest.mark.parametrize("only", ["DATABASE_URL", "S3_BUCKET"])
def test_it_is_restored_to_managed_engines_or_to_embedded_ones(
    source: Source, backed_up: Folder, tmp_path: Path, only: str
) -> None:
    env = without_engines() | {only: source.place.variables[only], "SECRET_KEY": "x" * 50}
    done = manage("restore", backed_up.path, "--data", tmp_path / "copy", env=env)
    assert done.returncode == 2
    assert "given together" in done.stderr
    assert not (tmp_path / "copy").exists()


def test_a_data_folder_that_is_half_restored_is_refused(backed_up: Folder, tmp_path: Path) -> None:
    data = tmp_path / "half"
    env = without_engines() | {"TAGGEDIMAGES_DATA": str(data)}
    kill_amid_restore(backed_up, env)
    process.end_left(data, 5)
    for command in (["up", "--port=0"], ["restore", backed_up.path]):
        done = manage(*command, env=env)
        assert done.returncode == 1
        assert "is half restored" in done.stderr
        assert "Remove the folder" in done.stderr


def test_a_database_that_is_half_restored_is_refused(source: Source, backed_up: Folder) -> None:
    with empty_place(source.place, "half") as half:
        kill_amid_restore(backed_up, half.environment)
        for command in (["restore", backed_up.path], ["prepare"]):
            done = manage(*command, env=half.environment)
            assert done.returncode == 1
            assert "half restored" in done.stderr
            assert "DROP DATABASE" in done.stderr


def kill_amid_restore(backup: Folder, env: dict[str, str]) -> None:
    """Have a restore killed once the database is there, and before all objects are."""
    restoring = subprocess.Popen(
        [sys.executable, str(CHECKOUT / "manage.py"), "restore", str(backup.path)],
        env=env,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert restoring.stdout
    with restoring.stdout as lines:
        assert any("The database is there" in line for line in lines)
        restoring.kill()
    assert restoring.wait() == -signal.SIGKILL
