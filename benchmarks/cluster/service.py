"""The whole cluster as one service under torture: every host, and who calls whom."""

import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.cluster.databases import Pair, Server
from benchmarks.cluster.hosts import Program, answers, network, stop, wait_until
from benchmarks.cluster.store import FILERS, Store
from benchmarks.torture.service import Service, proportional_bytes, store_client
from taggedimages.engines import service
from taggedimages.engines.process import Part
from taggedimages.engines.tests.conftest import status, without_engines

BALANCER, RECORDS, NAMES, WEB, WORKERS = 1, (41, 42), (43, 44), (51, 52), (61, 62)
BUCKET, REGION = "taggedimages", "us-east-1"


class Cluster(Service):
    """Two web hosts and two workers on two databases and a store, behind a balancer."""

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        self.folder, self.network = folder, network()
        self.programs: list[Program] = []
        self.url = f"http://{self.network.place(BALANCER, 'web')}"
        # SQL by the service, and the names of files by the filers: neither waits for the other.
        self.records, self.names = self._pair("records", RECORDS), self._pair("names", NAMES)
        self.store_url = f"http://{self.network.place(BALANCER, 's3')}"
        self.objects = Store(folder, self.network, self.names)
        self.environment = self._environment() | dict(settings or {})
        self.balancer = self._balancer()
        self.web = [self._web(number) for number in WEB]
        self.workers = [self._worker(number) for number in WORKERS]
        self.objects.start()
        self.balancer.start()
        self._prepare()
        self._start_service()

    @property
    def database_url(self) -> str:
        return self.records.primary.service_url

    @property
    def superuser_url(self) -> str:
        return self.records.primary.superuser_url()

    @property
    def database_folder(self) -> Path:
        return self.records.primary.data

    @property
    def bucket(self) -> str:
        return BUCKET

    @property
    def pairs(self) -> tuple[Pair, Pair]:
        """Both databases."""
        return self.records, self.names

    @property
    def servers(self) -> list[Server]:
        """All PostgreSQL servers."""
        return [server for pair in self.pairs for server in pair.servers]

    def store(self) -> Any:
        keys = self.objects.access_key, self.objects.secret_key
        return store_client(self.store_url, REGION, *keys)

    def stop(self) -> None:
        """Stop it from the outside in, as for a night."""
        stop([*self.web, *self.workers])
        objects = self.objects
        stop([*objects.filers, *objects.gateways])
        stop([*objects.volume_servers, *objects.masters])
        # A primary's last commits wait for its replica.
        stop(pair.primary for pair in self.pairs)
        stop(pair.replica for pair in self.pairs)

    def start_again(self) -> None:
        for pair in self.pairs:
            pair.start()
        self.objects.start()
        self._start_service()

    def finish(self) -> None:
        """Leave no process."""
        for program in (*self.web, *self.workers, self.balancer, *self.objects.programs):
            program.kill()
        for pair in self.pairs:
            pair.kill()

    def memory(self) -> dict[str, int]:
        """What the hosts of each kind hold together now, in bytes."""
        kinds: dict[str, list[Program]] = {
            "web": self.web,
            "workers": self.workers,
            "balancer": [self.balancer],
            "SeaweedFS": self.objects.programs,
            "PostgreSQL": list(self.servers),
        }
        return {
            kind: sum(proportional_bytes(p) for one in programs for p in one.processes())
            for kind, programs in kinds.items()
        }

    def _start_service(self) -> None:
        for program in (*self.web, *self.workers):
            program.launch()
        for program in (*self.web, *self.workers):
            program.wait()
        wait_until(lambda: status(f"{self.url}/readyz") == 200, self.web[0].part.log)

    def _prepare(self) -> None:
        ran = self.manage("prepare")
        if ran.returncode:
            raise RuntimeError(f"prepare failed: {ran.stdout}{ran.stderr}")

    def _pair(self, title: str, hosts: tuple[int, int]) -> Pair:
        first, second = map(self.network.address, hosts)
        return Pair(title, self.folder, (first, second), self.network.ports["postgres"])

    def _environment(self) -> dict[str, str]:
        """Every process of the service has the same, whichever its host."""
        return without_engines() | {
            "PYTHONUNBUFFERED": "1",
            "SECRET_KEY": secrets.token_urlsafe(50),
            "DATABASE_URL": self.records.url,
            "DATABASE_REPLICA_URLS": self.records.replica_urls,
            "S3_BUCKET": BUCKET,
            "AWS_ENDPOINT_URL_S3": self.store_url,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": self.objects.access_key,
            "AWS_SECRET_ACCESS_KEY": self.objects.secret_key,
            "TAGGEDIMAGES_DATA": str(self.folder / "service"),
            "TAGGEDIMAGES_ALLOWED_HOSTS": "*",
            "TAGGEDIMAGES_HTTPS": "false",
            "TAGGEDIMAGES_BEHIND_PROXY": "true",
            # As under `up` on loopback, where torture has no limits of rates.
            "TAGGEDIMAGES_ANONYMOUS": "open",
        }

    def _balancer(self) -> Program:
        places = {
            "web/readyz": [self.network.place(number, "web") for number in WEB],
            "s3/healthz": [self.network.place(number, "s3") for number in FILERS],
        }
        address = self.network.address(BALANCER)
        routes = []
        for what, hosts in places.items():
            kind, health = what.split("/")
            where = self.network.place(BALANCER, kind)
            routes.append(f"{where}/{health}={','.join(hosts)}")
        argv = [sys.executable, "-m", "benchmarks.cluster.balancer", *routes]
        ready = partial(answers, address, self.network.ports["s3"])
        return Program(Part("balancer", "Balancer", argv, dict(os.environ), self.folder, ready))

    def _web(self, number: int) -> Program:
        address, port = self.network.address(number), self.network.ports["web"]
        where = (f"--host={address}", f"--port={port}")
        argv = [sys.executable, "-m", "taggedimages.serving", *where]
        ready = partial(answers, address, port)
        return Program(Part(f"web-{number}", "API", argv, self.environment, self.folder, ready))

    def _worker(self, number: int) -> Program:
        part = service.command(self.folder, self.environment, "work")
        return Program(replace(part, name=f"worker-{number}"))
