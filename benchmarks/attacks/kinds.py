"""The kinds of attackers: what each does to a service until its time is over."""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from benchmarks.attacks.wire import Connection, Service

PACE_SECONDS = 1.0
TINY_BUFFER = 2048
# Between one refused connection and the next.
PAUSE_SECONDS = 0.05


@dataclass
class Tally:
    """What the attackers of one kind were told."""

    # By status; by words where there was no answer.
    outcomes: Counter[str] = field(default_factory=Counter)
    milliseconds: list[float] = field(default_factory=list)
    largest: int = 0


@dataclass
class Attacker:
    """One of several, with what it needs."""

    service: Service
    number: int
    until: float
    tally: Tally

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self.until


Attack = Callable[[Attacker], Awaitable[None]]


def hammer(*requests: bytes) -> Attack:
    """One request after the other over a kept connection."""

    async def attack(me: Attacker) -> None:
        connection = Connection(me.service)
        for request in itertools.cycle(_from(me.number, requests)):
            began = time.monotonic()
            if began > me.until:
                break
            answer = await connection.ask(request, max(me.until - began, 1))
            if answer.status:
                me.tally.milliseconds.append((time.monotonic() - began) * 1000)
            else:
                await asyncio.sleep(PAUSE_SECONDS)
            me.tally.outcomes[str(answer.status or answer.body.decode())] += 1
            me.tally.largest = max(me.tally.largest, len(answer.body))
        connection.close()

    return attack


def drip(*requests: bytes, at_once: Callable[[bytes], int]) -> Attack:
    """The first bytes of a request at once, and the rest one by one, a second apart."""

    async def attack(me: Attacker) -> None:
        for request in itertools.cycle(_from(me.number, requests)):
            if me.is_over:
                return
            me.tally.outcomes[await _drip(me, request, at_once(request))] += 1
            await asyncio.sleep(PAUSE_SECONDS)

    return attack


async def _drip(me: Attacker, request: bytes, first: int) -> str:
    """How it ended."""
    loop = asyncio.get_running_loop()
    try:
        sock = await me.service.connect()
    except OSError as error:
        return f"no connection: {type(error).__name__}"
    with sock:
        try:
            await loop.sock_sendall(sock, request[:first])
            for at in range(first, len(request)):
                try:
                    said = await asyncio.wait_for(loop.sock_recv(sock, 4096), PACE_SECONDS)
                    return said[9:12].decode("latin-1") or "closed"
                except TimeoutError:
                    if me.is_over:
                        return "held to the end"
                await loop.sock_sendall(sock, request[at : at + 1])
        except OSError:
            return "reset"
    return "sent whole"


def sip(*requests: bytes) -> Attack:
    """Read the answer a byte a second, with hardly any room for what is not read."""

    async def attack(me: Attacker) -> None:
        for request in itertools.cycle(_from(me.number, requests)):
            if me.is_over:
                return
            me.tally.outcomes[await _sip(me, request)] += 1
            await asyncio.sleep(PAUSE_SECONDS)

    return attack


async def _sip(me: Attacker, request: bytes) -> str:
    """How it ended."""
    loop = asyncio.get_running_loop()
    try:
        sock = await me.service.connect(TINY_BUFFER)
    except OSError as error:
        return f"no connection: {type(error).__name__}"
    with sock:
        try:
            await loop.sock_sendall(sock, request)
            left = max(me.until - time.monotonic(), 1)
            said = await asyncio.wait_for(loop.sock_recv(sock, 12), left)
            status = said[9:12].decode("latin-1") or "closed"
            while not me.is_over:
                await asyncio.sleep(PACE_SECONDS)
                if not await asyncio.wait_for(loop.sock_recv(sock, 1), left):
                    return f"{status}, closed"
        except TimeoutError:
            return "no answer"
        except OSError:
            return "reset"
    return f"{status}, held to the end"


def all_but(left: int) -> Callable[[bytes], int]:
    """All of a request but so many bytes at its end."""
    return lambda request: len(request) - left


def only(first: int) -> Callable[[bytes], int]:
    """So many bytes of it."""
    return lambda request: first


async def crowd(
    attack: Attack, service: Service, sources: Iterable[str], many: int, seconds: float
) -> Tally:
    """So many attackers at once for so long, their addresses in turn."""
    tally, until = Tally(), time.monotonic() + seconds
    addresses = itertools.cycle(sources)
    attackers = [
        Attacker(Service(service.host, service.port, next(addresses)), number, until, tally)
        for number in range(many)
    ]
    await asyncio.gather(*map(attack, attackers))
    return tally


def _from(number: int, requests: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """The requests, each attacker's from another place."""
    at = number % len(requests)
    return requests[at:] + requests[:at]
