"""Forged and misused tokens on every protected route: none is let in, all are told the same."""

import asyncio
import re
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from benchmarks.attacks import forgeries
from benchmarks.attacks.composing import Composer
from benchmarks.attacks.credentials import Caller
from benchmarks.attacks.known import headers
from benchmarks.attacks.routes import Route
from benchmarks.attacks.wire import Answer, Connection, Service, request
from benchmarks.stamp import Say

# What nobody needs a token for, and where the token is the path.
UNPROTECTED = re.compile(
    r"/openapi\.json$|/public_tags$|^/docs$|^/healthz$|^/readyz$|^/v2/?$|^/$|/auth/tokens$"
    r"|/hooks/s3$|/tokens/"
)
# A header that long is refused before anybody looks at it.
TOO_LONG = {400, 431}
CHANGING = re.compile(rb'"(id|request_id)": ?"[^"]*"')
TIMED = 300
CONNECTIONS = 8
# Name, header and value.
Misuse = tuple[str, str, str]


@dataclass
class Findings:
    """What came back of how many."""

    sent: int = 0
    statuses: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    routes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


async def run(
    service: Service, composer: Composer, caller: Caller, other: Caller, say: Say
) -> Findings:
    """All of them. `caller` is whom they pretend to be."""
    findings, connection = Findings(), Connection(service)
    routes = [
        route
        for route in composer.routes
        if route.dialect != "admin" and not UNPROTECTED.search(route.path)
    ]
    misuses = {
        dialect: list(_misuses(dialect, caller, other)) for dialect in {r.dialect for r in routes}
    }
    turns = iter(routes)

    async def work() -> None:
        mine = Connection(service)
        for route in turns:
            findings.routes[route.dialect] += 1
            await _on(route, composer, mine, misuses[route.dialect], findings)
            say(f"{route}: {findings.sent} sent, {len(findings.faults)} faults")
        mine.close()

    await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
    good = [route for route in routes if route.method == "GET" and not route.of_holes]
    for route in good:
        told = headers([caller], [])[route.dialect][0]
        answer = await connection.ask(composer.plain(route, told))
        if answer.status not in (200, 400):
            findings.faults.append(f"{route}: a good token is told {answer.status}")
    findings.notes.append(f"good tokens were taken on {len(good)} routes")
    findings.notes.append(await _timing(connection, service, caller))
    connection.close()
    return findings


async def _on(
    route: Route,
    composer: Composer,
    connection: Connection,
    misuses: list[Misuse],
    findings: Findings,
) -> None:
    """Every forgery on one route, which is asked the same each time."""
    state = composer.chance.getstate()
    nobody = await connection.ask(composer.plain(route, []))
    # Of each form in which a secret is told, which may be told that it is no such form.
    bodies: dict[str, dict[bytes, str]] = defaultdict(dict)
    for name, header, value in misuses:
        composer.chance.setstate(state)
        answer = await connection.ask(composer.plain(route, [(header, value)]))
        findings.sent += 1
        findings.statuses[route.dialect][answer.status] += 1
        if len(value) > 8_000 and answer.status in TOO_LONG | {0}:
            continue
        if _is_refused(route, answer, nobody):
            form = value.partition("SignedHeaders=")[2].partition(",")[0]
            bodies[form].setdefault(CHANGING.sub(b"", answer.body), name)
        else:
            findings.faults.append(
                f"{route}: {header}, {name}: {answer.status} {answer.body[:120]!r}"
            )
    for several in bodies.values():
        if len(several) > 1:
            told = [(name, body[:80]) for body, name in several.items()]
            findings.faults.append(f"{route}: told apart: {told}")


def _is_refused(route: Route, answer: Answer, nobody: Answer) -> bool:
    """401; Atmosphere takes whoever it does not know for anonymous (its contract)."""
    if route.dialect == "atmosphere":
        return answer.status == nobody.status and answer.status != 500
    return answer.status == 401 and "www-authenticate" in answer.headers


def _misuses(dialect: str, caller: Caller, other: Caller) -> Iterator[Misuse]:
    """All that are sent to a dialect's routes."""
    jwts, opaque = forgeries.jwts(caller, other), forgeries.opaque(caller)
    if dialect == "sharinpix":
        for name, token in jwts.items():
            yield name, "Authorization", f'Token token="{token}"'
        for name in ("no signature", "alg none", "key of another", "past"):
            yield f"{name}, as Bearer", "Authorization", f"Bearer {jwts[name]}"
        return
    header, form = {
        "v1": ("Authorization", "Bearer {}"),
        "atmosphere": ("Authorization", "TOKEN {}"),
        "ims": ("X-Auth-Token", "{}"),
    }[dialect]
    for name, token in {**opaque, **jwts}.items():
        if token != caller.token:
            yield name, header, form.format(token)
    if dialect == "ims":
        for name, value in _signatures(caller):
            yield name, "Authorization", value


def _signatures(caller: Caller) -> Iterator[tuple[str, str]]:
    """Signed requests whose signature or names are wrong, all without their date."""
    for key in (caller.secret_id, caller.username, "%", "", "'OR'1"):
        for names in ("host;x-sdk-date", "", "host", ";;"):
            value = f"SDK-HMAC-SHA256 Access={key}, SignedHeaders={names}, Signature={'0' * 64}"
            yield f"signature of {key!r} over {names!r}", value


async def _timing(connection: Connection, service: Service, caller: Caller) -> str:
    """How much longer one wrong token takes than another, by their medians."""
    wrong = {
        "wrong key": forgeries.made({"iss": caller.secret_id, "admin": True}, "wrong" * 8),
        "unknown issuer": forgeries.made({"iss": "0" * len(caller.secret_id)}, "wrong" * 8),
    }
    taken: dict[str, list[float]] = defaultdict(list)
    for _ in range(TIMED):
        for name, token in wrong.items():
            told = f'Token token="{token}"'
            data = request(service, "GET", "/api/v1/tags", None, Authorization=told)
            began = time.perf_counter()
            await connection.ask(data)
            taken[name].append((time.perf_counter() - began) * 1000)
    medians = {name: round(statistics.median(times), 2) for name, times in taken.items()}
    return f"medians of {TIMED} in ms: {medians}"


def text(findings: Findings) -> str:
    """What was sent, and what was let in."""
    lines = [f"sent {findings.sent} forged or misused tokens", "| dialect | routes | answers |"]
    lines.append("|---|---:|---|")
    for dialect, counts in sorted(findings.statuses.items()):
        lines.append(f"| {dialect} | {findings.routes[dialect]} | {dict(counts)} |")
    lines += [*findings.notes, f"faults: {len(findings.faults)}", *findings.faults[:100]]
    return "\n".join(lines)
