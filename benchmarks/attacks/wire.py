"""HTTP as an attacker speaks it: bytes out, whatever they are, and an answer read back."""

import asyncio
import socket
from dataclasses import dataclass, field
from urllib.parse import urlsplit

# An answer that takes longer counts as none.
PATIENCE_SECONDS = 30
# Of all headers of an answer.
MOST_BYTES = 1 << 20
WITHOUT_BODY = {204, 304}


@dataclass(frozen=True)
class Service:
    """Where the service listens, and from which address one calls."""

    host: str
    port: int
    # Empty: the system chooses.
    source: str = ""

    @classmethod
    def at(cls, base: str, source: str = "") -> "Service":
        """Of a URL."""
        where = urlsplit(base)
        assert where.hostname, base
        return cls(where.hostname, where.port or 80, source)

    @property
    def name(self) -> str:
        """What goes into `Host`."""
        return f"{self.host}:{self.port}"

    async def connect(self, receive_buffer: int = 0) -> socket.socket:
        """A new connection, with room for so few bytes that are not yet read. Raises OSError."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setblocking(False)
        try:
            if receive_buffer:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            if self.source:
                sock.bind((self.source, 0))
            asked = asyncio.get_running_loop().sock_connect(sock, (self.host, self.port))
            await asyncio.wait_for(asked, PATIENCE_SECONDS)
        except BaseException:
            sock.close()
            raise
        return sock


@dataclass(frozen=True)
class Answer:
    """What came back; `status` is 0 where nothing did, and `body` then says why."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class Connection:
    """One connection that is kept while the other side keeps it."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect, if it is not connected."""
        if self.reader is None or self.writer is None:
            sock = await self.service.connect()
            self.reader, self.writer = await asyncio.open_connection(sock=sock, limit=MOST_BYTES)
        return self.reader, self.writer

    def close(self) -> None:
        """Hang up, without a word."""
        if self.writer is not None:
            self.writer.transport.abort()
        self.reader = self.writer = None

    async def ask(self, request: bytes, patience: float = PATIENCE_SECONDS) -> Answer:
        """Send a request as it is, and read its answer.

        A kept connection that turns out to be closed is opened anew, once.
        """
        kept = self.writer is not None
        answer = await self._ask(request, patience)
        if kept and answer.status == 0 and answer.body.startswith(b"closed"):
            answer = await self._ask(request, patience)
        return answer

    async def _ask(self, request: bytes, patience: float) -> Answer:
        try:
            async with asyncio.timeout(patience):
                reader, writer = await self.open()
                writer.write(request)
                await writer.drain()
                answer = await read_answer(reader, head_only=request.startswith(b"HEAD "))
        except TimeoutError:
            self.close()
            return Answer(0, body=b"no answer in time")
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
            self.close()
            return Answer(0, body=f"closed: {type(error).__name__}".encode())
        if answer.headers.get("connection", "").lower() == "close":
            self.close()
        return answer


async def read_answer(reader: asyncio.StreamReader, *, head_only: bool = False) -> Answer:
    """One answer. Raises EOFError where it ends early, ValueError where it is no HTTP."""
    status, headers = await read_head(reader)
    if head_only or status in WITHOUT_BODY:
        return Answer(status, headers)
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return Answer(status, headers, await _chunks(reader))
    if (length := headers.get("content-length")) is not None:
        return Answer(status, headers, await reader.readexactly(int(length)))
    return Answer(status, headers | {"connection": "close"}, await reader.read())


async def read_head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    """Status and headers, their names in small letters; what is only on its way is passed over."""
    status = 100
    headers: dict[str, str] = {}
    while 100 <= status < 200:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        status = int(first.split(" ", 2)[1])
        parted = [line.partition(":") for line in lines if line]
        headers = {name.lower(): value.strip() for name, _, value in parted}
    return status, headers


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    pieces = []
    while size := int((await reader.readline()).split(b";")[0], 16):
        pieces.append(await reader.readexactly(size))
        await reader.readline()
    await reader.readline()
    return b"".join(pieces)


def request(
    service: Service, method: str, path: str, body: bytes | None = None, **headers: str
) -> bytes:
    """The bytes of a well-formed request; underscores in names of headers stand for dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{method} {path} HTTP/1.1", f"Host: {service.name}"]
    lines += [f"{name}: {value}" for name, value in named.items()]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + (body or b"")
