"""What a backup copies, keeps and drops; what it says of a bucket that lost something."""

import json
import os
import threading
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from images import deletion, previews, purging, storage
from images.models import Image
from images.tests.conftest import outage, own_bucket
from images.tests.files import encoded, photo
from taggedimages.backup import making, programs, readable, records
from taggedimages.backup.checking import check
from taggedimages.backup.folder import DATABASE, Folder, Unusable
from taggedimages.backup.making import Made
from taggedimages.backup.models import Backup
from taggedimages.backup.tests.corpus import inspected
from taggedimages.datasets import erasing
from taggedimages.engines import postgres
from taggedimages.engines.tests.conftest import eventually
from taggedimages.factories import make_image, make_png

__all__ = ["outage", "own_bucket"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_bucket")]


@pytest.fixture(autouse=True)
def _programs(settings) -> None:
    settings.PG_BIN = str(postgres.binaries())


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "backup")


def make(folder: Folder, **options: bool) -> tuple[Made, list[str]]:
    """A backup, and the faults that it told."""
    faults: list[str] = []
    made = making.make(folder.path, 2, deep=options.get("deep", False), warn=faults.append)
    return made, faults


def keys(folder: Folder) -> set[str]:
    return {stored.key for stored in folder.stored(folder.whole())}


def bytes_of(folder: Folder, key: str) -> bytes:
    (found,) = (one for one in folder.stored(folder.whole()) if one.key == key)
    return folder.object_path(found.sha256).read_bytes()


def test_the_next_one_copies_what_is_new_and_drops_what_went(folder: Folder) -> None:
    stays, goes = (inspected(encoded(photo(seed=seed), "PNG")) for seed in (1, 2))
    first, _ = make(folder)
    assert first.copied.new_objects == first.manifest.objects == 8
    deletion.delete(goes)
    purging.purge()
    comes = inspected(encoded(photo(seed=3), "PNG"))
    second, _ = make(folder)
    assert second.copied.new_objects == 4
    assert second.manifest.objects == 8
    # A small picture is the same in two sizes.
    assert second.removed == 3
    assert keys(folder) == {*deletion.stored_keys(stays), *deletion.stored_keys(comes)} - {
        stays.key.removeprefix("archive/"),
        comes.key.removeprefix("archive/"),
    }
    third, _ = make(folder)
    assert (third.copied.new_objects, third.removed) == (0, 0)
    assert third.manifest.run != second.manifest.run
    assert check(folder, 2) == third.manifest


def test_a_preview_that_was_made_anew_is_copied_anew(folder: Folder) -> None:
    image = inspected(make_png(9, 8))
    make(folder)
    storage.put(previews.keys(image.uuid)[0], b"another rendering")
    made, _ = make(folder)
    assert made.copied.new_objects == 1
    assert bytes_of(folder, previews.keys(image.uuid)[0]) == b"another rendering"


def test_equal_bytes_are_kept_once(folder: Folder) -> None:
    make_image(body=b"the same"), make_image(body=b"the same")
    made, _ = make(folder)
    assert made.manifest.objects == 2
    assert made.manifest.bytes == 16
    assert len([path for path in (folder.path / "objects").rglob("*") if path.is_file()]) == 1


def test_what_the_bucket_has_lost_is_in_the_backup_still(folder: Folder) -> None:
    image, _ = inspected(make_png(9, 8)), inspected(make_png(8, 9))
    make(folder)
    storage.delete(image.key)
    made, faults = make(folder)
    assert faults == [f"{image.key} is not in the bucket"]
    assert (made.copied.kept, made.copied.missing) == (1, 0)
    assert bytes_of(folder, image.key) == make_png(9, 8)


def test_a_file_whose_bytes_are_others_is_no_file_of_its_record(folder: Folder) -> None:
    changed, damaged = inspected(make_png(9, 8)), inspected(make_png(8, 9))
    storage.put(changed.key, make_png(8, 8))
    storage.delete(damaged.key)
    made, faults = make(folder)
    assert sorted(faults) == sorted(
        [
            f"{changed.key} has other bytes than its record says",
            f"{damaged.key} is not in the bucket",
        ]
    )
    assert made.copied.missing == 2
    assert not {changed.key, damaged.key} & keys(folder)
    lines = (folder.path / made.manifest.run / "missing.jsonl").read_text().splitlines()
    assert {json.loads(line)["key"] for line in lines} == {changed.key, damaged.key}
    # It stands, for all the rest that it has, and nobody takes it for whole.
    assert check(folder, 2).missing == 2
    assert records.last_verified_at() is None
    assert Backup.objects.get().verified_at is None
    with pytest.raises(CommandError, match="was made, and is not whole") as refusal:
        call_command("backup", folder.path)
    assert refusal.value.returncode == 1


def test_a_file_that_the_record_says_is_lost_is_no_fault(folder: Folder) -> None:
    image = make_image(body=b"gone")
    storage.delete(image.key)
    lost = "lost: the file is not in the bucket"
    Image.objects.filter(pk=image.pk).update(uploaded_at=None, upload_error=lost)
    made, faults = make(folder)
    assert (faults, made.copied.missing) == ([], 0)
    assert records.last_verified_at() is not None


def test_another_bucket_is_no_reason_to_give_up_what_there_is(folder: Folder, settings) -> None:
    for _ in range(101):
        make_image(body=b"some file")
    made, _ = make(folder)
    settings.S3_BUCKET += "-other"
    storage.ensure_bucket()
    with pytest.raises(Unusable, match="Is it the right bucket"):
        make(folder)
    assert check(folder, 2) == made.manifest
    assert not [path for path in folder.path.iterdir() if path.name not in whole(folder)]


def whole(folder: Folder) -> set[str]:
    """What lies in the folder of a backup that is done."""
    return {"manifest.json", "backup.lock", "objects", folder.whole().run}


def test_what_is_damaged_in_the_backup_is_mended_by_a_deep_one(folder: Folder) -> None:
    image = inspected(make_png(9, 8))
    make(folder)
    (stored,) = (one for one in folder.stored(folder.whole()) if one.key == image.key)
    path = folder.object_path(stored.sha256)
    path.write_bytes(b"x" * stored.bytes)
    made, _ = make(folder)
    assert made.copied.new_objects == 0
    with pytest.raises(CommandError, match="damaged"):
        call_command("backup", folder.path, check=True)
    made, _ = make(folder, deep=True)
    assert made.copied.new_objects == 1
    assert check(folder, 2) == made.manifest


def test_nothing_is_removed_while_it_is_made(folder: Folder) -> None:
    image = inspected(make_png(9, 8))
    for _ in range(30):
        make_image(body=os.urandom(9))
    made: list[Made] = []
    thread = threading.Thread(target=in_thread, args=(folder, made))
    thread.start()
    # Once pg_dump writes, the state of the database that is backed up is fixed.
    assert eventually(lambda: any(folder.path.glob(f"2*/{DATABASE}/toc.dat")))
    deletion.delete(image)
    purged = purging.purge()
    erased = threading.Thread(target=erase_in_thread, args=(image.pk,))
    erased.start()
    thread.join()
    erased.join()
    assert purged["remove_deleted"] == 0
    assert made[0].copied.missing == 0
    assert bytes_of(folder, image.key) == make_png(9, 8)
    assert storage.head(image.key) is None
    assert not Image.objects.filter(pk=image.pk).exists()


def in_thread(folder: Folder, made: list[Made]) -> None:
    from django.db import connection

    made.append(make(folder)[0])
    connection.close()


def erase_in_thread(image_id: int) -> None:
    from django.db import connection

    erasing.erase(image_id, "for good")
    connection.close()


def test_a_store_that_is_away_leaves_the_backup_of_before(folder: Folder, outage) -> None:
    make_image(body=b"one")
    before, _ = make(folder)
    make_image(body=b"two")
    with outage(), pytest.raises(CommandError, match="left as it was"):
        call_command("backup", folder.path)
    assert check(folder, 2) == before.manifest
    assert set(os.listdir(folder.path)) == whole(folder)


def test_programs_that_are_not_there_or_too_old_are_told(
    folder: Folder, settings, tmp_path
) -> None:
    settings.PG_BIN = str(tmp_path)
    with pytest.raises(CommandError, match=r"pg_dump is not there\. Install"):
        call_command("backup", folder.path)
    old = tmp_path / "pg_dump"
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 13.4'\n")
    old.chmod(0o700)
    with pytest.raises(CommandError, match="of PostgreSQL 13, and the server of"):
        call_command("backup", folder.path)
    assert not folder.path.exists() or set(os.listdir(folder.path)) == {"backup.lock"}


def test_passwords_are_on_no_command_line_of_a_program() -> None:
    dsn, secret = programs._connection()
    assert secret["PGPASSWORD"]
    assert secret["PGPASSWORD"] not in dsn
    assert "dbname=test_" in dsn


def test_within_the_data_folder_it_would_be_lost_with_it(settings, tmp_path: Path) -> None:
    settings.DATA_FOLDER = tmp_path
    with pytest.raises(CommandError, match="would be lost with it"):
        call_command("backup", tmp_path / "backups" / "here")
    assert not (tmp_path / "backups").exists()


@pytest.mark.parametrize(
    ("name", "value", "is_told"),
    [
        ("TAGGEDIMAGES_ANONYMOUS", "read-only", True),
        ("AWS_REGION", "eu-central-1", True),
        ("AWS_ENDPOINT_URL_S3", "https://s3.example.org", True),
        ("AWS_ENDPOINT_URL_S3", "https://me:canary@s3.example.org", False),
        ("AWS_SECRET_ACCESS_KEY", "canary", False),
        ("AWS_ACCESS_KEY_ID", "canary", False),
        ("AWS_SESSION_TOKEN", "canary", False),
        ("DATABASE_URL", "postgres://me:canary@db/images", False),
        ("DATABASE_REPLICA_URLS", "postgres://me:canary@db/images,", False),
        ("TAGGEDIMAGES_HOOK_SECRET", "canary", False),
        ("TAGGEDIMAGES_METRICS_TOKEN", "canary", False),
        ("HOME", "/root", False),
    ],
)
def test_settings_are_kept_and_secrets_are_none(name: str, value: str, is_told: bool) -> None:
    assert readable.told({name: value}) == ({name: value} if is_told else {})
