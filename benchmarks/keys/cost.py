"""What a key adds to POST /v1/images: with one and without, in turn, on one connection."""

import json
import statistics
import time
import uuid
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import urlsplit

from benchmarks.stamp import stamp
from benchmarks.torture.doors import open_doors
from benchmarks.torture.service import OneMachine

ROUNDS, CALLS, TAGS = 40, 50, 12
WAYS = ("without", "with", "again")


def cost(service: OneMachine, seed: int) -> list[str]:
    """Print the medians of creates without a key, with one, and of the same sent again."""
    headers = {**open_doors(service).tim.headers, "Content-Type": "application/json"}
    where = urlsplit(service.url)
    rounds: dict[str, list[float]] = {way: [] for way in WAYS}
    faults: list[str] = []
    with closing(HTTPConnection(where.hostname or "", where.port, timeout=60)) as connection:

        def ask(way: str, key: str) -> float:
            tags = [f"tag {number}" for number in range(TAGS)]
            body = json.dumps({"filename": f"{seed}.png", "tags": tags})
            named = {} if way == "without" else {"Idempotency-Key": key}
            began = time.perf_counter()
            connection.request("POST", "/v1/images", body, headers | named)
            answer = connection.getresponse()
            told = answer.read()
            taken = (time.perf_counter() - began) * 1000
            if answer.status != 201:
                faults.append(f"{way}: {answer.status} {told[:200]!r}")
            return taken

        for number in range(ROUNDS + 2):
            # ABBA: whatever slows the machine down for a while slows all down.
            for way in WAYS if number % 2 else reversed(WAYS):
                keys = [uuid.uuid4().hex for _ in range(CALLS)]
                if way == "again":
                    for key in keys:
                        ask("with", key)
                taken = statistics.median(ask(way, key) for key in keys)
                # The first rounds warm up.
                if number > 1:
                    rounds[way].append(taken)
    medians = {way: statistics.median(times) for way, times in rounds.items()}
    adds = statistics.median(
        on - off for on, off in zip(rounds["with"], rounds["without"], strict=True)
    )
    print(f"commit {stamp()['commit']}, {ROUNDS} rounds of {CALLS}, {TAGS} tags, milliseconds")
    for way, median in medians.items():
        print(f"{way:10} {median:.2f}")
    print(f"a key adds {adds:.2f}")
    return faults
