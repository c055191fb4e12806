"""The store's certificate: made once, and anew as a whole when it would not outlast a run."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from taggedimages.engines import certificates

NOW = datetime.now(UTC)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def expiry(folder: Path) -> datetime:
    pem = (folder / certificates.CERTIFICATE).read_bytes()
    return x509.load_pem_x509_certificate(pem).not_valid_after_utc


def test_it_is_made_once_and_closed_to_other_users(tmp_path: Path) -> None:
    folder = tmp_path / "tls"

    certificates.ensure(folder, NOW)
    made = contents(folder)
    certificates.ensure(folder, NOW + timedelta(days=365))

    assert contents(folder) == made
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_nobody_can_sign_another_certificate(tmp_path: Path) -> None:
    certificates.ensure(tmp_path / "tls", NOW)

    keys = [text for text in contents(tmp_path / "tls").values() if b"PRIVATE KEY" in text]

    assert keys == [(tmp_path / "tls" / certificates.KEY).read_bytes()]


def test_it_is_made_anew_when_it_nears_its_end(tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    certificates.ensure(folder, NOW)
    end = expiry(folder)

    certificates.ensure(folder, end - certificates.LEFT_AT_START - timedelta(hours=1))
    assert expiry(folder) == end
    certificates.ensure(folder, end - certificates.LEFT_AT_START + timedelta(hours=1))

    assert expiry(folder) > end


def test_one_of_a_future_clock_is_made_anew(tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    certificates.ensure(folder, NOW + timedelta(days=300))
    made = contents(folder)

    certificates.ensure(folder, NOW)

    assert contents(folder) != made


@pytest.mark.parametrize("name", ["ca.pem", "cert.pem", "key.pem"])
@pytest.mark.parametrize("damage", ["gone", "cut", "another's"])
def test_what_does_not_fit_together_is_made_anew(tmp_path: Path, name: str, damage: str) -> None:
    folder, other = tmp_path / "tls", tmp_path / "other"
    certificates.ensure(folder, NOW)
    certificates.ensure(other, NOW)
    if damage == "gone":
        (folder / name).unlink()
    elif damage == "cut":
        (folder / name).write_bytes((folder / name).read_bytes()[:50])
    else:
        (folder / name).write_bytes((other / name).read_bytes())
    damaged = contents(folder)

    certificates.ensure(folder, NOW)

    assert set(contents(folder)) == {"ca.pem", "cert.pem", "key.pem"}
    assert not set(contents(folder).values()) & set(damaged.values())


def test_an_end_half_way_is_made_up_for(tmp_path: Path) -> None:
    certificates.ensure(tmp_path / "tls", NOW)
    (tmp_path / "tls").rename(tmp_path / "tls.new")
    (tmp_path / "tls.new" / certificates.KEY).unlink()

    certificates.ensure(tmp_path / "tls", NOW)

    assert set(contents(tmp_path / "tls")) == {"ca.pem", "cert.pem", "key.pem"}
    assert not (tmp_path / "tls.new").exists()
