"""What it costs a write that a replica has it on disk before it is answered."""

import statistics
import time

import requests

from benchmarks.cluster.service import Cluster
from benchmarks.torture.doors import open_doors

ROUNDS, REQUESTS = 8, 50
HELD = {"on the primary alone": "", "on the replica, too": "*"}


def print_cost(cluster: Cluster) -> None:
    """Milliseconds of `POST /v1/images` with two tags by one client, both ways in turn."""
    url, headers = f"{cluster.url}/v1/images", open_doors(cluster).tim.headers
    took: dict[str, list[float]] = {way: [] for way in HELD}
    for number in range(ROUNDS):
        for way, replicas in HELD.items():
            cluster.records.primary.hold_commits_for(replicas)
            for image in range(REQUESTS):
                body = {"filename": f"{number}-{image}.png", "tags": ["knee", "left"]}
                began = time.monotonic()
                made = requests.post(url, json=body, headers=headers, timeout=60)
                took[way].append((time.monotonic() - began) * 1000)
                made.raise_for_status()
    for way, times in took.items():
        p95 = statistics.quantiles(times, n=20)[-1]
        print(f"{way:22} median {statistics.median(times):.1f} ms, p95 {p95:.1f} ms")
