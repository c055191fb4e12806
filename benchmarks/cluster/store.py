"""A SeaweedFS cluster: three masters, three volume servers in racks of their own with a copy of
each file in another rack, two filers on one database, and a gateway of S3
beside each.

No TLS between them, unlike under `up`: it is on loopback, and gone after the run.
"""

import contextlib
import json
import os
import secrets
import shutil
import subprocess
from functools import partial
from pathlib import Path
from typing import Any

import requests

from benchmarks.cluster.databases import Pair
from benchmarks.cluster.hosts import Network, Program, answers
from taggedimages.engines import seaweedfs
from taggedimages.engines.process import Part
from taggedimages.engines.state import DATABASE, ROLE

MASTERS, VOLUME_SERVERS, FILERS = (11, 12, 13), (21, 22, 23), (31, 32)
# A copy in another rack of the same data centre.
REPLICATION = "010"
# How long masters wait for the one that leads; by default 10 s.
ELECTION = "2s"
# How filers keep names: one table for all, and another for each bucket.
NAMES = """
[postgres2]
enabled = true
createTable = \"\"\"CREATE TABLE IF NOT EXISTS "%s" (
  dirhash BIGINT, name VARCHAR(65535), directory VARCHAR(65535), meta bytea,
  PRIMARY KEY (dirhash, name)
)\"\"\"
enableUpsert = true
upsertQuery = \"\"\"INSERT INTO "%[1]s" (dirhash, name, directory, meta) VALUES ($1, $2, $3, $4)
  ON CONFLICT (dirhash, name)
  DO UPDATE SET directory = EXCLUDED.directory, meta = EXCLUDED.meta\"\"\"
connection_max_open = 20
"""
# They take the keys from the environment, too.
SIGNING_KEYS = tuple(seaweedfs.SIGNING_KEYS.values())


class Store:
    """Its programs, by the kind of host."""

    def __init__(self, folder: Path, network: Network, names: Pair) -> None:
        self.folder, self.network, self.names = folder, network, names
        self.access_key, self.secret_key = secrets.token_hex(10).upper(), secrets.token_hex(24)
        self.env = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("WEED_", "AWS_", "S3_", "PG"))
        }
        # A promoted database is found as the one that takes writes.
        self.env |= {"GOMEMLIMIT": "200MiB", "PGTARGETSESSIONATTRS": "read-write"}
        self.env |= {key: secrets.token_hex(32) for key in SIGNING_KEYS}
        self._masters = ",".join(self._place(number, "master") for number in MASTERS)
        self.masters = [self._master(number) for number in MASTERS]
        self.volume_servers = [self._volume_server(number) for number in VOLUME_SERVERS]
        self.filers = [self._filer(number) for number in FILERS]
        self.gateways = [self._gateway(number) for number in FILERS]

    @property
    def programs(self) -> list[Program]:
        """All, in the order in which they start."""
        return [*self.masters, *self.volume_servers, *self.filers, *self.gateways]

    def start(self) -> None:
        """Return once all serve."""
        for program in (*self.masters, *self.volume_servers):
            program.launch()
        for program in (*self.masters, *self.volume_servers):
            program.wait()
        # One after the other: two that make their table at once get in each other's way.
        for program in (*self.filers, *self.gateways):
            program.start()

    def shell(self, *commands: str) -> str:
        """What `weed shell` says to some commands."""
        ran = subprocess.run(
            [seaweedfs.program(), "shell", f"-master={self._masters}"],
            env=self.env,
            input="\n".join(["lock", *commands, "unlock", "exit", ""]),
            capture_output=True,
            text=True,
            check=True,
        )
        return ran.stdout + ran.stderr

    def ask_master(self, path: str) -> dict[str, Any]:
        """What the masters say under a path. Raises requests.RequestException, ValueError."""
        for number in MASTERS:
            url = f"http://{self.network.place(number, 'master')}/{path}"
            with contextlib.suppress(requests.ConnectionError):
                # One that does not lead asks who does.
                return dict(requests.get(url, timeout=5).json())
        raise requests.ConnectionError("No master answers.")

    def leader(self) -> Program:
        """The master that leads. Raises requests.RequestException."""
        told = str(self.ask_master("cluster/status")["Leader"])
        places = [self.network.place(number, "master") for number in MASTERS]
        leads = next(place for place in places if told.startswith(place))
        return self.masters[places.index(leads)]

    def copy_anew(self) -> None:
        """Have a second copy again of all that is there once, on any server with room."""
        self.shell("volume.fix.replication -apply")

    def lose_disk(self, server: Program) -> None:
        """Remove all that a killed volume server has."""
        home = self.folder / server.name
        shutil.rmtree(home)
        home.mkdir()

    def _master(self, number: int) -> Program:
        options = {
            "ip": self.network.address(number),
            "mdir": str(self._home(f"master-{number}")),
            "peers": self._masters,
            "defaultReplication": REPLICATION,
            "volumeSizeLimitMB": "1024",
            "telemetry": "false",
            "electionTimeout": ELECTION,
        }
        return self._program(number, "master", options)

    def _volume_server(self, number: int) -> Program:
        options = {
            "ip": self.network.address(number),
            "dir": str(self._home(f"volume-{number}")),
            "master": self._masters,
            "rack": f"rack-{number}",
            "max": "200",
            "preStopSeconds": "0",
            # Else one does not copy volumes from another on loopback.
            "volume.allowUntrustedRemoteEndpoints": "true",
        }
        return self._program(number, "volume", options)

    def _filer(self, number: int) -> Program:
        home = self._home(f"filer-{number}")
        hosts, login = ",".join(self.names.hosts), self.names.state.service_password
        place = f'hostname = "{hosts}"\nport = {self.names.port}\ndatabase = "{DATABASE}"\n'
        (home / "filer.toml").write_text(
            f'{NAMES}{place}username = "{ROLE}"\npassword = "{login}"\nsslmode = "disable"\n'
        )
        options = {
            "ip": self.network.address(number),
            "master": self._masters,
            "localSocket": str(home / "filer.sock"),
            "exposeDirectoryData": "false",
        }
        return self._program(number, "filer", options, [f"-config_dir={home}"])

    def _gateway(self, number: int) -> Program:
        home = self._home(f"s3-{number}")
        credentials = [{"accessKey": self.access_key, "secretKey": self.secret_key}]
        actions = ["Admin", "Read", "Write", "List", "Tagging"]
        identity = {"name": "taggedimages", "credentials": credentials, "actions": actions}
        (home / "s3.json").write_text(json.dumps({"identities": [identity]}))
        # Its own first.
        filers = sorted(FILERS, key=lambda filer: filer != number)
        options = {
            "ip.bind": self.network.address(number),
            "filer": ",".join(self._place(filer, "filer") for filer in filers),
            "port.iceberg": "0",
            "port.lance": "0",
            "iam": "false",
            "autoCreateBucket": "false",
            "config": str(home / "s3.json"),
            "localSocket": str(home / "s3.sock"),
        }
        return self._program(number, "s3", options)

    def _program(
        self, number: int, kind: str, options: dict[str, str], first: list[str] | None = None
    ) -> Program:
        address, ports = self.network.address(number), self.network.ports
        listens = {"port": str(ports[kind]), "port.grpc": str(ports[f"{kind}_grpc"])}
        words = [f"-{name}={value}" for name, value in (listens | options).items()]
        return Program(
            Part(
                name=f"{kind}-{number}",
                title=f"SeaweedFS {kind}",
                argv=[seaweedfs.program(), "-logtostderr=true", *(first or []), kind, *words],
                env=self.env,
                folder=self.folder,
                ready=partial(answers, address, ports[kind]),
                stop_seconds=5,
            )
        )

    def _place(self, number: int, kind: str) -> str:
        """As SeaweedFS writes it, with the port of gRPC."""
        return f"{self.network.place(number, kind)}.{self.network.ports[f'{kind}_grpc']}"

    def _home(self, name: str) -> Path:
        home = self.folder / name
        home.mkdir(parents=True, exist_ok=True)
        return home
