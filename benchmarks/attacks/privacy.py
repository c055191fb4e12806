"""Strangers ask the same before and after hidden images are made, and must be told the same."""

import asyncio
import itertools
import re
import time
import uuid
from dataclasses import dataclass, field

from benchmarks.attacks import canaries as planting
from benchmarks.attacks import questions
from benchmarks.attacks.canaries import Canaries
from benchmarks.attacks.composing import JSON, Composer
from benchmarks.attacks.credentials import Caller
from benchmarks.attacks.questions import Probe
from benchmarks.attacks.routes import HOLE
from benchmarks.attacks.wire import Answer, Connection, Service, request

CONNECTIONS = 8
# What changes from one answer to the next by itself.
PASSING = re.compile(rb"\?[^\"\s<]*X-Amz-[^\"\s<]*")
# Of one image, as integer and as uuid.
Ids = tuple[str, str]
METHODS = "GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "POST"


@dataclass
class Findings:
    """What strangers could tell."""

    asked: int = 0
    # Answers that change by themselves cannot be compared; a host that is busy says 503.
    unstable: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    apart: list[str] = field(default_factory=list)
    compared: int = 0
    owner: dict[str, int] = field(default_factory=dict)


def run(
    composer: Composer,
    service: Service,
    base: str,
    callers: list[Caller],
    visibility: str,
    many: int,
) -> Findings:
    """The first of the callers owns the images; the others, and nobody, are the strangers."""
    owner, *others = callers
    found, word = Findings(), f"canary{int(time.time()) % 10**7}"
    canaries = Canaries(word)
    probes = {
        who: list(questions.probes(composer, service, canaries, caller, owner, many))
        for who, caller in {"nobody": None, **{each.username: each for each in others}}.items()
    }
    before = {who: asyncio.run(_asked(service, each)) for who, each in probes.items()}
    again = {who: asyncio.run(_asked(service, each)) for who, each in probes.items()}
    planting.plant(base, owner, canaries, visibility)
    # Files are inspected, and the index has its share of changes.
    time.sleep(5)
    try:
        for who, each in probes.items():
            after = asyncio.run(_asked(service, each))
            _compare(found, who, each, (before[who], again[who], after), canaries)
            by = next((caller for caller in others if caller.username == who), None)
            canary = str(canaries.ids[-1]), canaries.uuids[-1]
            asyncio.run(_by_id(found, who, composer, service, by, canary))
        found.owner = planting.seen_by_owner(base, owner, canaries)
    finally:
        planting.remove(base, owner, canaries)
    return found


def _compare(
    found: Findings,
    who: str,
    probes: list[Probe],
    answers: tuple[list[Answer], ...],
    canaries: Canaries,
) -> None:
    for (about, data), *three in zip(probes, *answers, strict=True):
        before, again, after = (_lasting(answer) for answer in three)
        found.asked += 1
        if canaries.word.encode() in after[1] and canaries.word.encode() not in data:
            found.told.append(f"{who}: {about}: {_around(after[1], canaries.word)}")
        if before != again:
            told = f"{before[0]}, {again[0]}, {_first_difference(before[1], again[1])}"
            found.unstable.append(f"{who}: {about}: {told}")
        elif before != after:
            found.differences.append(f"{who}: {about}: {_first_difference(before[1], after[1])}")


async def _by_id(
    found: Findings, who: str, composer: Composer, service: Service, by: Caller | None, canary: Ids
) -> None:
    """An id of a canary is told what an id of nobody is, on every route and with every method."""
    connection = Connection(service)
    nobodys = str(int(canary[0]) + 10**6), str(uuid.uuid4())
    for dialect, path in questions.paths_of_images(composer.routes, by):
        told = by.headers()[dialect] if by else {}
        for method, ids in itertools.product(METHODS, zip(canary, nobodys, strict=True)):
            answers = []
            for each in ids:
                body = None if method in ("GET", "HEAD", "OPTIONS") else b"{}"
                where = path.replace(HOLE, each)
                data = request(service, method, where, body, Content_Type=JSON, **told)
                answer = await connection.ask(data)
                answers.append((answer.status, answer.body.replace(each.encode(), b"ID")))
            found.compared += 1
            if answers[0] != answers[1]:
                found.apart.append(f"{who}: {method} {path}: {answers[0]} {answers[1]}"[:300])
    connection.close()


async def _asked(service: Service, probes: list[Probe]) -> list[Answer]:
    answers = [Answer(0)] * len(probes)
    turns = iter(enumerate(probes))

    async def work() -> None:
        connection = Connection(service)
        for at, (_, data) in turns:
            answers[at] = await connection.ask(data)
        connection.close()

    await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
    return answers


def _lasting(answer: Answer) -> tuple[int, bytes]:
    return answer.status, PASSING.sub(b"", answer.body)


def _around(body: bytes, word: str) -> str:
    at = body.index(word.encode())
    return body[max(0, at - 80) : at + 60].decode("utf-8", "replace")


def _first_difference(before: bytes, after: bytes) -> str:
    pairs = enumerate(zip(before, after, strict=False))
    at = next((at for at, (one, two) in pairs if one != two), min(len(before), len(after)))
    return f"{before[max(0, at - 40) : at + 40]!r} -> {after[max(0, at - 40) : at + 40]!r}"


def text(found: Findings) -> str:
    """The counts, and each thing that a stranger could tell."""
    lines = [
        f"questions of strangers, asked before and after: {found.asked}",
        f"  whose answers changed by themselves, before: {len(found.unstable)}",
        *(f"    {each}" for each in found.unstable[:20]),
        f"  told a canary's word: {len(found.told)}",
        *(f"    {each}" for each in found.told[:40]),
        f"  answered otherwise: {len(found.differences)}",
        *(f"    {each}" for each in found.differences[:40]),
        f"ids of canaries beside ids of nobody: {found.compared}, told apart: {len(found.apart)}",
        *(f"    {each}" for each in found.apart[:40]),
        f"seen by their owner, of {planting.MANY}: {found.owner}",
    ]
    return "\n".join(lines)
