"""The data folder and its disk, as they are on a real file system."""

import pytest

from taggedimages.doctor import exposure, folders
from taggedimages.doctor.findings import Status
from taggedimages.doctor.tests.told import one
from taggedimages.engines import certificates, state


@pytest.fixture
def folder(settings, tmp_path):
    """A data folder as `up` makes one."""
    data = tmp_path / "data"
    state.load_or_create(data)
    for name in ("seaweedfs", "logs"):
        (data / name).mkdir(mode=0o700)
    certificates.ensure(data / "seaweedfs" / "tls")
    settings.DATA_FOLDER = data
    settings.DATABASE_IS_EMBEDDED = settings.S3_IS_EMBEDDED = True
    return data


def test_a_folder_as_up_makes_it_is_well(folder):
    assert one(folders.data_folder()).status == Status.OK


@pytest.mark.parametrize(
    ("name", "mode", "says"),
    [
        ("state.json", 0o644, "other users of this machine can read keys"),
        ("state.json.copy", 0o640, "other users of this machine can read keys"),
        ("seaweedfs/tls/key.pem", 0o604, "other users of this machine can read keys"),
        (".", 0o755, "other users can look into it"),
        ("logs", 0o755, "other users can enter it"),
    ],
)
def test_what_others_can_read_is_told(folder, name, mode, says):
    (folder / name).chmod(mode)
    found = one(folders.data_folder())
    assert found.status == Status.FAIL
    assert says in found.says
    assert "chmod" in found.do


def test_what_others_may_only_pass_through_is_no_fault(folder):
    """PostgreSQL's account does, where the service runs as root."""
    folder.chmod(0o711)
    assert one(folders.data_folder()).status == Status.OK


def test_a_disk_is_full_by_the_setting(folder, settings):
    settings.MIN_FREE_BYTES = 0
    assert next(iter(folders.disk())).status != Status.FAIL
    settings.MIN_FREE_BYTES = 2**60
    found = next(iter(folders.disk()))
    assert found.status == Status.FAIL
    assert found.says.startswith("The disk is full:")


def test_room_for_inspections_is_looked_at_everywhere(settings):
    settings.MAX_INSPECTED_BYTES = 2**60
    managed, temporary = folders.disk()
    assert managed.status == Status.OK
    assert temporary.status == Status.WARN
    assert "TAGGEDIMAGES_MAX_INSPECTED_BYTES" in temporary.do


def test_an_engine_that_listens_beyond_this_machine_is_told(folder):
    import socket

    assert one(exposure.ports()).status == Status.OK
    known = state.load(folder)
    assert known
    with socket.create_server(("0.0.0.0", known.ports["filer"])):
        found = one(exposure.ports())
    assert found.status == Status.FAIL
    assert f"filer (0.0.0.0:{known.ports['filer']})" in found.says


def test_the_certificate_of_the_embedded_store_is_read(folder, monkeypatch):
    assert one(exposure.certificates_end()).status == Status.OK
    monkeypatch.setattr(exposure, "SOON_SECONDS", 86_400 * 10_000)
    found = one(exposure.certificates_end())
    assert (found.status, found.says) == (
        Status.WARN,
        "The certificate of the embedded store ends in 3650 days.",
    )


def test_without_an_up_the_service_is_missed(folder):
    found = one(exposure.service(""))
    assert found.status == Status.FAIL
    assert found.do == "Start it: `manage.py up`."


def test_an_up_is_known_by_its_lock(folder):
    assert state.held_by(folder) == ""
    with state.held(folder, "http://127.0.0.1:1"):
        assert state.held_by(folder).endswith(", http://127.0.0.1:1")
        found = one(exposure.service(""))
    assert found.says == "The API at http://127.0.0.1:1 does not answer: NewConnectionError."
    assert state.held_by(folder) == ""
