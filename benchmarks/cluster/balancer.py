"""A small HTTP balancer: `python -m benchmarks.cluster.balancer 127.0.0.1:80/readyz=HOST,HOST …`.

Each connection carries one request, so that what hosts answer passes as it is. Hosts take turns as
long as they answer 200 to the path of their health. One that takes no connection is passed over; a
GET or HEAD that a host took, and gave no answer to, is asked of the next. Anything else that a host
breaks off is broken off here too, for it may have been done.
"""

import argparse
import asyncio
import contextlib
import itertools
from dataclasses import dataclass, field

LOOK_SECONDS = 0.5
# For a look, for a connection, and for the first byte of an answer to a request that may be sent
# again; no other is given up.
HEALTH_SECONDS, CONNECT_SECONDS, ANSWER_SECONDS = 2, 1, 10
HEAD_SECONDS = 60
MAX_HEAD_BYTES = 96 * 1024
PIECE_BYTES = 64 * 1024
SAFE = (b"GET", b"HEAD")
END_OF_HEAD = b"\r\n\r\n"
# What is between two neighbours alone, and is said anew.
HOP = (b"connection:", b"keep-alive:", b"expect:", b"x-forwarded-for:", b"x-forwarded-proto:")
NOBODY = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Type: text/plain\r\n"
    b"Content-Length: 20\r\nConnection: close\r\n\r\nNo host is reachable"
)
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
FAILURES = (OSError, asyncio.IncompleteReadError, TimeoutError)


@dataclass
class Host:
    """One that requests may go to."""

    address: str
    port: int
    well: bool = False

    async def connect(self) -> Connection:
        """A new connection. Raises OSError, TimeoutError."""
        connecting = asyncio.open_connection(self.address, self.port, limit=MAX_HEAD_BYTES)
        return await asyncio.wait_for(connecting, CONNECT_SECONDS)

    async def look(self, health: str) -> None:
        """Whether it is well."""
        try:
            self.well = await asyncio.wait_for(self._answers(health), HEALTH_SECONDS)
        except FAILURES:
            self.well = False

    async def _answers(self, health: str) -> bool:
        reader, writer = await self.connect()
        try:
            head = f"GET {health} HTTP/1.1\r\nHost: {self.address}\r\nConnection: close\r\n\r\n"
            writer.write(head.encode())
            return (await reader.readline()).split()[1:2] == [b"200"]
        finally:
            writer.transport.abort()


@dataclass
class Route:
    """Where it listens, and the hosts behind."""

    address: str
    port: int
    health: str
    hosts: list[Host]
    turns: "itertools.count[int]" = field(default_factory=itertools.count)

    def in_turn(self) -> list[Host]:
        """The hosts to try, best first: those that are well, or all where none is."""
        well = [host for host in self.hosts if host.well] or self.hosts
        first = next(self.turns) % len(well)
        return well[first:] + well[:first]

    async def look_for_ever(self) -> None:
        while True:
            await asyncio.gather(*(host.look(self.health) for host in self.hosts))
            await asyncio.sleep(LOOK_SECONDS)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of a client: one request."""
        try:
            await self._serve(reader, writer)
        except (*FAILURES, asyncio.LimitOverrunError):
            # So that half an answer is not taken for a whole one.
            writer.transport.abort()
        else:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await asyncio.wait_for(reader.readuntil(END_OF_HEAD), HEAD_SECONDS)
        if b"\r\nexpect: 100-continue" in head.lower():
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        client = writer.get_extra_info("peername")[0]
        asked = told(head, f"X-Forwarded-For: {client}", "X-Forwarded-Proto: http")
        again = may_be_asked_again(head)
        for host in self.in_turn():
            try:
                connection = await host.connect()
            except FAILURES:
                host.well = False
                continue
            if await pass_on((reader, writer), connection, asked, again):
                return
        writer.write(NOBODY)


async def pass_on(client: Connection, host: Connection, asked: bytes, again: bool) -> bool:
    """Whether a host answered. Raises what breaks, unless the request may be asked again."""
    (reader, writer), (behind, ahead) = client, host
    # A body goes on its way while the answer is awaited.
    body = None if again else asyncio.create_task(relay(reader, ahead))
    try:
        ahead.write(asked)
        awaited = behind.readuntil(END_OF_HEAD)
        try:
            answer = await asyncio.wait_for(awaited, ANSWER_SECONDS if again else None)
        except FAILURES:
            if again:
                return False
            raise
        writer.write(told(answer))
        await relay(behind, writer)
        return True
    finally:
        ahead.transport.abort()
        if body:
            body.cancel()
            with contextlib.suppress(*FAILURES, asyncio.CancelledError):
                await body


def may_be_asked_again(head: bytes) -> bool:
    """Whether a request changes nothing, and is whole with its head."""
    lines = head.lower().split(b"\r\n")
    has_body = any(line.startswith((b"content-length:", b"transfer-encoding:")) for line in lines)
    return head.split(b" ", 1)[0] in SAFE and not has_body


def told(head: bytes, *added: str) -> bytes:
    """A head as it is handed on: its connection is for one request."""
    first, *lines = head[: -len(END_OF_HEAD)].split(b"\r\n")
    kept = [line for line in lines if not line.lower().startswith(HOP)]
    own = [line.encode() for line in ("Connection: close", *added)]
    return b"\r\n".join([first, *kept, *own]) + END_OF_HEAD


async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Hand on all that comes until its end."""
    while piece := await reader.read(PIECE_BYTES):
        writer.write(piece)
        await writer.drain()


def route(text: str) -> Route:
    """What a ROUTE of the command line says: `127.0.0.1:80/readyz=10.0.0.1:80,10.0.0.2:80`."""
    where, _, hosts = text.partition("=")
    listen, _, health = where.partition("/")
    address, port = listen.split(":")
    behind = [host.split(":") for host in hosts.split(",")]
    return Route(address, int(port), f"/{health}", [Host(host, int(at)) for host, at in behind])


async def balance(routes: list[Route]) -> None:
    """Serve for ever."""
    listening = [
        await asyncio.start_server(one.serve, one.address, one.port, limit=MAX_HEAD_BYTES)
        for one in routes
    ]
    print("The balancer runs.", flush=True)
    looking = (one.look_for_ever() for one in routes)
    await asyncio.gather(*looking, *(server.serve_forever() for server in listening))


def main() -> None:
    """Until it is killed."""
    parser = argparse.ArgumentParser(prog="benchmarks.cluster.balancer", description=__doc__)
    parser.add_argument("routes", nargs="+", type=route, metavar="ROUTE")
    asyncio.run(balance(parser.parse_args().routes))


if __name__ == "__main__":
    main()
