"""Whether everything is there twice: files on two volume servers, rows on primary and replica."""

import hashlib
import time
from collections import defaultdict
from typing import Any

import requests
from botocore.exceptions import BotoCoreError, ClientError

from benchmarks.cluster.databases import Pair
from benchmarks.cluster.hosts import wait_until
from benchmarks.cluster.service import Cluster
from benchmarks.torture.audits import KEPT
from benchmarks.torture.expectations import Expected

COPIES = 2
CAUGHT_UP_SECONDS = 30
CONTENT = "SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)), 0) FROM {} t"


def where(cluster: Cluster) -> dict[int, set[str]]:
    """The volume servers that have each volume, by what the leading master knows."""
    found: dict[int, set[str]] = defaultdict(set)
    told: dict[str, Any] = cluster.objects.ask_master("vol/status")["Volumes"]
    for racks in told["DataCenters"].values():
        for servers in racks.values():
            for server, volumes in servers.items():
                for volume in volumes or ():
                    found[int(volume["Id"])].add(server)
    return found


def is_whole(cluster: Cluster) -> bool:
    """Whether each volume is on two servers, as far as there is a master that knows."""
    try:
        found = where(cluster)
    except (requests.RequestException, ValueError, KeyError):
        return False
    return bool(found) and all(len(at) == COPIES for at in found.values())


def lacking(cluster: Cluster, files: list[Expected]) -> list[str]:
    """What is there once only, in lines."""
    return [*volumes(cluster), *without_one(cluster, files), *rows(cluster.records)]


def volumes(cluster: Cluster) -> list[str]:
    """Each volume that is not on two servers."""
    return [
        f"copies: volume {volume} is on {len(at)} server" + "s" * (len(at) != 1)
        for volume, at in where(cluster).items()
        if len(at) != COPIES
    ]


def without_one(cluster: Cluster, files: list[Expected]) -> list[str]:
    """Each file that is not there, byte for byte, with one of the volume servers away."""
    store, missed, before = cluster.store(), [], where(cluster)
    keys = dict(cluster.sql("SELECT id, key FROM images_image WHERE uploaded_at IS NOT NULL"))
    for server in cluster.objects.volume_servers:
        server.kill()
        for file in files:
            try:
                body = store.get_object(Bucket=cluster.bucket, Key=keys[file.id])["Body"].read()
            except (BotoCoreError, ClientError, KeyError):
                body = b""
            if hashlib.sha256(body).hexdigest() != file.sha256:
                missed.append(f"copies: {file.filename} is not there without {server.name}")
        server.start()
        wait_until(lambda: where(cluster) == before, server.part.log)
    return missed


def rows(pair: Pair) -> list[str]:
    """Each table that the replica has otherwise, or not in time."""
    flushed = pair.primary.sql("SELECT pg_current_wal_flush_lsn()::text")[0][0]
    until = time.monotonic() + CAUGHT_UP_SECONDS
    while not pair.replica.sql("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", flushed)[0][0]:
        if time.monotonic() > until:
            return ["copies: the replica has not replayed what the primary has"]
        time.sleep(0.1)
    return [
        f"copies: the replica has another {table}"
        for table in KEPT
        if pair.primary.sql(CONTENT.format(table)) != pair.replica.sql(CONTENT.format(table))
    ]
