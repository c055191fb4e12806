"""No socket of the engines does anything for a program that is not the service."""

import os
import re
import tomllib
from pathlib import Path

import psycopg2
import pytest

from taggedimages.engines import certificates, process, seaweedfs, state
from taggedimages.engines.state import DATABASE, ROLE
from taggedimages.engines.tests import store
from taggedimages.engines.tests.conftest import Up, eventually, status
from taggedimages.engines.tests.strangers import HTTP2, Address, answer, http, listening, tls

# The two sockets that the store has besides those for gRPC. Where paths are too long, in /tmp.
PLAIN = re.compile(r"(s3|filer)(-\d+)?\.sock$")
# What Go tells whoever speaks plain HTTP to a port of TLS.
NOT_TLS = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"


def inner(up: Up) -> list[Address]:
    """Where the store's servers speak to each other: every port but S3's, and sockets in /tmp."""
    found = [a for a in listening(up.part("seaweedfs")) if a != ("127.0.0.1", up.state.s3_port)]
    return [address for address in found if address not in plain_sockets(up)]


def plain_sockets(up: Up) -> list[str]:
    """The Unix sockets without TLS."""
    sockets = [address for address in listening(up.part("seaweedfs")) if isinstance(address, str)]
    return [address for address in sockets if PLAIN.search(address)]


def test_every_port_of_the_engines_is_bound_to_loopback(up: Up) -> None:
    engines = [*up.part("postgres"), *up.part("seaweedfs")]
    bound = [address for address in listening(engines) if not isinstance(address, str)]

    assert {host for host, _ in bound} == {"127.0.0.1"}
    # The gRPC port of the store's own worker is 10,000 above its HTTP port.
    assert {port for _, port in bound} == {
        *up.state.ports.values(),
        up.state.admin_grpc_port,
    }


def test_no_inner_port_of_the_store_does_anything_for_a_stranger(up: Up, tmp_path: Path) -> None:
    store.write(up.state, "not a stranger's")
    certificates.ensure(tmp_path / "another")
    strangers = [tls(), tls(tmp_path / "another")]
    own = tls(up.data / "seaweedfs" / "tls")
    bucket = up.state.bucket
    said = [
        HTTP2,
        http("GET", f"/col/delete?collection={bucket}"),
        http("POST", f"/col/delete?collection={bucket}"),
        http("GET", "/vol/grow?count=1"),
        http("GET", "/dir/assign"),
        http("GET", f"/buckets/{bucket}/"),
        http("DELETE", f"/buckets/{bucket}?recursive=true"),
        http("GET", "/health"),
    ]

    for address in inner(up):
        for words in said:
            assert answer(address, words) in (b"", NOT_TLS), (address, words)
            for stranger in strangers:
                assert not answer(address, words, stranger), (address, words)
        # It is alive: what the others lacked is the certificate.
        assert answer(address, HTTP2, own), address

    assert store.holds(up.state, "not a stranger's")


def test_its_plain_sockets_are_closed_to_other_users_and_serve_no_filer(up: Up) -> None:
    assert len(plain_sockets(up)) == 2

    for path in plain_sockets(up):
        assert os.stat(path).st_mode & 0o022 == 0 or Path(path).parent.stat().st_mode & 0o077 == 0
        for method in ("GET", "POST", "DELETE"):
            refused = answer(path, http(method, "/buckets/"))
            assert re.match(rb"HTTP/1.1 40[345] ", refused), (path, method, refused)


def test_a_store_that_did_not_read_its_settings_is_not_used(tmp_path: Path) -> None:
    known = state.load_or_create(tmp_path)
    part = seaweedfs.part(tmp_path, known)
    (tmp_path / "seaweedfs" / "security.toml").write_text("[grpc\n")
    running = process.launch(part)
    try:
        with pytest.raises(seaweedfs.OpenToStrangers):
            eventually(part.ready)
    finally:
        process.kill(part, running)


def test_its_settings_can_be_read_whatever_the_folder_is_called(tmp_path: Path) -> None:
    folder = tmp_path / "a\"b\\c 'd' é😀\x7f\t[x]"
    known = state.load_or_create(folder)

    seaweedfs.part(folder, known)

    read = tomllib.loads((folder / "seaweedfs" / "security.toml").read_text())
    assert read["grpc"]["ca"] == str(folder / "seaweedfs" / "tls" / "ca.pem")
    assert read["https"]["client"]["enabled"] is True
    assert len(read["jwt"]["signing"]["read"]["key"]) == 64


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "POST", "DELETE"])
def test_the_s3_port_refuses_the_unsigned(up: Up, method: str) -> None:
    store.write(up.state, f"private {method}")
    url, bucket = up.state.s3_endpoint_url, up.state.bucket
    paths = [
        f"/{bucket}/kept/private%20{method}",
        f"/{bucket}/kept/private%20{method}?acl",
        f"/{bucket}/kept/private%20{method}?tagging",
        f"/{bucket}",
        f"/{bucket}?policy",
        f"/{bucket}?uploads",
        f"/{bucket}?delete",
        "/buckets",
        "/",
        "/?Action=CreateUser&UserName=eve",
        "/?Action=AssumeRole",
    ]

    answers = {path: status(f"{url}{path}", method) for path in paths}

    assert set(answers.values()) <= {403, 405}, answers
    assert store.holds(up.state, f"private {method}")


@pytest.mark.parametrize("user", ["postgres", ROLE, "root", "replicator"])
@pytest.mark.parametrize("database", ["postgres", "template1", DATABASE])
@pytest.mark.parametrize("password", ["", "postgres", "wrong"])
def test_postgresql_refuses_whoever_has_no_password(
    up: Up, user: str, database: str, password: str
) -> None:
    url = f"postgres://{user}:{password}@127.0.0.1:{up.state.postgres_port}/{database}"

    for options in ("", "&replication=database"):
        with pytest.raises(psycopg2.OperationalError, match=r"no password supplied|authentication"):
            psycopg2.connect(f"{url}?passfile=/dev/null{options}")


def test_postgresql_trusts_nobody_and_has_no_socket(up: Up) -> None:
    rules = (up.data / "postgres" / "data" / "pg_hba.conf").read_text().splitlines()
    methods = {rule.split()[-1] for rule in rules if rule.strip() and not rule.startswith("#")}

    assert methods == {"scram-sha-256"}
    assert list(listening(up.part("postgres"))) == [("127.0.0.1", up.state.postgres_port)]
