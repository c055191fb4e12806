"""A backup in which anything is otherwise than it was is refused, before anything is written."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taggedimages.backup import folder as folders
from taggedimages.backup.checking import check
from taggedimages.backup.folder import File, Folder, Manifest, Stored, Unusable
from taggedimages.backup.tests.places import manage
from taggedimages.engines.tests.conftest import without_engines

RUN = "20260102T030405.000006Z"


def write(path: Path) -> Folder:
    """A backup of three objects under four keys, without a database that anybody would restore."""
    folder = Folder(path)
    run = path / RUN
    (run / "database").mkdir(parents=True)
    (run / "database" / "toc.dat").write_bytes(b"tables and all" * 9)
    (run / "keys.json").write_text("{}")
    objects = [("a", b"1"), ("b", b"22"), ("c", b"1"), ("d", b"")]
    stored = []
    for key, body in objects:
        new = path / key
        new.write_bytes(body)
        sha256 = folders.digest(new)
        folder.object_path(sha256).parent.mkdir(parents=True, exist_ok=True)
        new.replace(folder.object_path(sha256))
        stored.append(Stored(key, len(body), sha256, '"tag"'))
    (run / folders.LIST).write_bytes(b"".join(one.line for one in stored))
    folder.commit(
        Manifest(
            run=RUN,
            started_at="2026-01-02T03:04:05+00:00",
            finished_at="2026-01-02T03:04:06+00:00",
            service="1",
            postgresql=180006,
            migrations={"images": ["0001_initial"]},
            bucket="pictures",
            tables={"images_image": 4},
            ledgers={},
            images=4,
            objects=4,
            bytes=sum(len(body) for _, body in objects),
            missing=0,
            files=folders.files_of(run),
        )
    )
    return folder


def files(folder: Folder) -> list[Path]:
    """Every file that has bytes, in a known order."""
    return sorted(p for p in folder.path.rglob("*") if p.is_file() and p.stat().st_size)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return write(tmp_path_factory.mktemp("damage") / "backup")


def test_a_backup_that_is_as_it_was_is_whole(folder: Folder) -> None:
    assert check(folder, 2).objects == 4


@given(data=st.data())
def test_no_byte_can_be_another(folder: Folder, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(files(folder)))
    whole = path.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    flipped = bytes([whole[at] ^ data.draw(st.integers(1, 255))])
    path.write_bytes(whole[:at] + flipped + whole[at + 1 :])
    try:
        with pytest.raises(Unusable):
            check(folder, 2)
    finally:
        path.write_bytes(whole)
    assert check(folder, 2)


@given(data=st.data())
def test_no_file_can_be_shorter(folder: Folder, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(files(folder)))
    whole = path.read_bytes()
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    try:
        with pytest.raises(Unusable):
            check(folder, 2)
    finally:
        path.write_bytes(whole)


def test_no_file_can_lack(folder: Folder, tmp_path: Path) -> None:
    for path in files(folder):
        copy = Folder(shutil.copytree(folder.path, tmp_path / "copy"))
        (copy.path / path.relative_to(folder.path)).unlink()
        with pytest.raises(Unusable):
            check(copy, 2)
        shutil.rmtree(copy.path)


def lose(folder: Folder) -> None:
    folder.object_path(next(folder.stored(folder.whole())).sha256).unlink()


def cut_manifest(folder: Folder) -> None:
    manifest = folder.path / folders.MANIFEST
    manifest.write_bytes(manifest.read_bytes()[:-20])


def of_another_format(folder: Folder) -> None:
    manifest = folder.path / folders.MANIFEST
    manifest.write_text(manifest.read_text().replace('"format": 1', '"format": 2'))


def no_manifest(folder: Folder) -> None:
    (folder.path / folders.MANIFEST).unlink()


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (lose, "is not there"),
        (cut_manifest, "manifest.json is damaged"),
        (of_another_format, "of format 2"),
        (no_manifest, "holds no backup"),
    ],
)
def test_a_restore_refuses_it_and_writes_nothing(
    folder: Folder, tmp_path: Path, harm: Callable[[Folder], None], says: str
) -> None:
    copy = Folder(shutil.copytree(folder.path, tmp_path / "copy"))
    harm(copy)
    data = tmp_path / "data"
    done = manage("restore", copy.path, "--data", data, env=without_engines())
    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert not data.exists()


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "objects").mkdir()
    (tmp_path / "objects" / "mine").touch()
    with pytest.raises(Unusable, match="neither empty nor a backup's"), Folder(tmp_path).written():
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["objects"]


def test_one_at_a_time_writes_and_nobody_reads_meanwhile(folder: Folder) -> None:
    other = Folder(folder.path)
    with folder.written():
        for use in (other.written, other.read):
            with pytest.raises(Unusable, match="in use"), use():
                pass
    with folder.read(), other.read():
        pass


def test_files_are_named_with_all_that_is_known_of_them(folder: Folder) -> None:
    told = folder.whole().files["keys.json"]
    assert told == File(2, folders.digest(folder.path / RUN / "keys.json"))
