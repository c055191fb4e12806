"""The data folder and the state file in it: ports, passwords and keys of the embedded engines.

Settings read this before Django is there, so nothing of Django is imported.
"""

import atexit
import fcntl
import json
import os
import random
import secrets
import socket
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TextIO

# What the service's database in the embedded PostgreSQL is called, and the role that owns it.
DATABASE = ROLE = "taggedimages"
FILE, COPY = "state.json", "state.json.copy"
# A file that marks a folder into which a backup is restored, until all of it is there.
HALF_RESTORED = "half-restored"
LOCK_SECONDS = 1
CHECKOUT = Path(__file__).resolve().parents[2]
# Below the range that Linux and macOS give to outgoing connections, so that a port which is free
# while an engine restarts is not taken by a passing client.
PORTS = range(15_000, 32_000)
PORT_NAMES = (
    "postgres",
    "s3",
    "s3_grpc",
    "master",
    "master_grpc",
    "volume",
    "volume_grpc",
    "filer",
    "filer_grpc",
    "admin",
)
# Ports that one process keeps at once: those of some `up`.
KEPT_MAX = 100
_kept: deque[socket.socket] = deque()
# SeaweedFS listens there too, without being told to.
ADMIN_GRPC_ABOVE = 10_000
# What JSON has no tuples for.
LISTS = ("secret_key_fallbacks", "renewed")
# The names under which a bucket outside may be given; the first that is set counts.
BUCKET_VARIABLES = ("S3_BUCKET", "AWS_STORAGE_BUCKET_NAME", "AWS_S3_BUCKET", "S3_BUCKET_NAME")


class StateLost(Exception):
    """Engine data is there, the keys to it are not."""


class HalfRestored(Exception):
    """A restore into the data folder was broken off; the text says what to do."""


class AlreadyRunning(Exception):
    """Another `up` holds the data folder; the text says which."""


@dataclass(frozen=True)
class State:
    """What must stay the same from one start to the next."""

    secret_key: str
    hook_secret: str
    # The superuser's, as which only `up` connects.
    postgres_password: str
    s3_access_key: str
    s3_secret_key: str
    s3_internal_key: str
    ports: dict[str, int]
    # Empty in the file of an earlier version, whose service was the superuser.
    service_password: str = ""
    bucket: str = "taggedimages"
    region: str = "us-east-1"
    # Of before, the latest first: what they have signed and encrypted still holds.
    secret_key_fallbacks: tuple[str, ...] = ()
    # The superuser's of before, until the server has taken the new one.
    former_postgres_password: str = ""
    # What was made anew and is not in use yet (`taggedimages.engines.rotation`).
    renewed: tuple[str, ...] = ()

    @property
    def postgres_port(self) -> int:
        return self.ports["postgres"]

    @property
    def s3_port(self) -> int:
        return self.ports["s3"]

    @property
    def admin_grpc_port(self) -> int:
        return self.ports["admin"] + ADMIN_GRPC_ABOVE

    @property
    def database_url(self) -> str:
        """The service's database, as the role that owns it."""
        return self._postgres_url(ROLE, self.service_password, DATABASE)

    def superuser_url(self, database: str) -> str:
        """Any database, as the superuser."""
        return self._postgres_url("postgres", self.postgres_password, database)

    def _postgres_url(self, user: str, password: str, database: str) -> str:
        return f"postgres://{user}:{password}@127.0.0.1:{self.postgres_port}/{database}"

    @property
    def s3_endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self.s3_port}"


def data_folder() -> Path:
    """TAGGEDIMAGES_DATA, or `.data` in the checkout, wherever the command was started."""
    return Path(os.environ.get("TAGGEDIMAGES_DATA") or CHECKOUT / ".data").resolve()


def load(folder: Path) -> State | None:
    """The state kept in `folder`; None before the first start.

    A file that was cut off, by a full disk or a power cut, is made up for by its copy.
    """
    return _read(folder / FILE) or _read(folder / COPY)


def _read(path: Path) -> State | None:
    try:
        kept = json.loads(path.read_text())
        lists = {name: tuple(kept[name]) for name in LISTS if name in kept}
        return State(**(kept | lists))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def load_or_create(folder: Path, api_port: int | None = None) -> State:
    """The state kept in `folder`, made at the first start, with a new port for each taken one: the
    API's is taken, though nobody may listen there yet.

    Raises StateLost where engines have data that fresh keys could not open.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    known = load(folder)
    if known is None and any((folder / name).exists() for name in ("postgres", "seaweedfs")):
        raise StateLost(
            f"{folder} holds data, but its state.json with the keys is gone or cut off, and so is "
            "state.json.copy. Put one back, or move the folder away to start afresh."
        )
    state = known or fresh()
    state = replace(
        state,
        ports=_free_ports(state.ports, api_port),
        service_password=state.service_password or secrets.token_hex(24),
    )
    save(folder, state)
    return state


def save(folder: Path, state: State) -> None:
    """Keep the state in `folder`: as a whole, or as it was."""
    # What is not there is left out, so that earlier versions can read it.
    text = json.dumps({name: value for name, value in asdict(state).items() if value}, indent=2)
    for name in (COPY, FILE):
        if _read(folder / name) != state:
            _write(folder / name, text)


def create(
    folder: Path, secret_key: str, hook_secret: str, secret_key_fallbacks: tuple[str, ...]
) -> State:
    """The state of a new folder whose service has these keys; all else is its own."""
    made = replace(
        fresh(),
        secret_key=secret_key,
        secret_key_fallbacks=secret_key_fallbacks,
        hook_secret=hook_secret,
        ports=_free_ports({}),
    )
    save(folder, made)
    return load_or_create(folder)


def half_restored(folder: Path) -> str:
    """What there is to say and to do where a restore into a folder was broken off."""
    return (
        f"{folder} is half restored: a restore was broken off, or failed. Remove the folder, and"
        " restore once more."
    )


def refuse_half_restored(folder: Path) -> None:
    """Raise HalfRestored for a folder into which a backup was not restored to the end."""
    if (folder / HALF_RESTORED).exists():
        raise HalfRestored(half_restored(folder))


@contextmanager
def held(folder: Path, url: str) -> Iterator[None]:
    """Hold the data folder as its only `up`, which serves `url`; raises AlreadyRunning."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "up.lock").open("a+") as lock:
        until = time.monotonic() + LOCK_SECONDS
        while not _locked(lock):
            # What a killed `up` was just starting holds it, too, for an instant.
            if time.monotonic() > until:
                lock.seek(0)
                raise AlreadyRunning(f"already running ({lock.read() or 'starting'}) on {folder}")
            time.sleep(0.05)
        lock.truncate(0)
        lock.write(f"pid {os.getpid()}, {url}")
        lock.flush()
        yield
        lock.truncate(0)


def held_by(folder: Path) -> str:
    """What the `up` says of itself that holds the data folder, such as `pid 7, http://127.0.0.1:80`;
    empty where none does."""
    try:
        with (folder / "up.lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return (folder / "up.lock").read_text() or "starting"
    except FileNotFoundError:
        pass
    return ""


def _locked(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def try_to_listen(host: str, port: int) -> None:
    """Raises OSError, with the reason, where a server could not listen now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))


def free_port(host: str = "127.0.0.1") -> int:
    """A port where nothing listens now, kept for a server that is to listen there soon: no other
    process that looks for one is given it."""
    candidates = (random.choice(PORTS) for _ in range(1000))  # noqa: S311 - no secret
    return next(port for port in candidates if _keep(host, port, anew=True))


def _keep(host: str, port: int, anew: bool = False) -> bool:
    """Keep a port from others who choose one, as long as this process runs and keeps not too many
    more; False where a server could not listen there, or `anew`, where anybody else keeps it.

    On Linux a server may listen at an address to which others are bound who do not listen, if all
    have SO_REUSEADDR, as servers do. Where none could, nothing is kept.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    keeper = socket.socket(family, socket.SOCK_STREAM)
    try:
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, not anew)
        keeper.bind((host, port))
    except OSError:
        keeper.close()
        return False
    keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        try_to_listen(host, port)
    except OSError:
        keeper.close()
        return True
    _kept.append(keeper)
    if len(_kept) > KEPT_MAX:
        _kept.popleft().close()
    return True


@atexit.register
def _let_go() -> None:
    while _kept:
        _kept.popleft().close()


def fresh() -> State:
    """New keys and passwords, and no ports yet."""
    return State(
        secret_key=secrets.token_urlsafe(50),
        hook_secret=secrets.token_urlsafe(32),
        postgres_password=secrets.token_hex(24),
        s3_access_key=secrets.token_hex(10).upper(),
        s3_secret_key=secrets.token_hex(24),
        s3_internal_key=secrets.token_hex(32),
        ports={},
    )


def _free_ports(known: dict[str, int], api_port: int | None = None) -> dict[str, int]:
    """A port for each name, the known one where it can be: none is for two."""
    ports: dict[str, int] = {}
    taken = {api_port}
    for name in PORT_NAMES:
        port = known.get(name)
        while port is None or not _can_listen(listens := _listens(name, port), taken):
            port = free_port()
        ports[name] = port
        taken.update(listens)
    return ports


def _listens(name: str, port: int) -> tuple[int, ...]:
    """The ports at which it listens that is given this one."""
    return (port, port + ADMIN_GRPC_ABOVE) if name == "admin" else (port,)


def _can_listen(ports: tuple[int, ...], taken: set[int | None]) -> bool:
    return taken.isdisjoint(ports) and all(_keep("127.0.0.1", port) for port in ports)


def _write(path: Path, text: str) -> None:
    """Replace the file as a whole: a reader or a crash sees the old text or the new."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
