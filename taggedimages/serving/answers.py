"""What the application answers, on its way to a client that may be slow or gone.

In granian's ASGI mode an answer of one message belongs to the server at once, however slowly its
client takes it; of more, `send` waits once four pieces are unsent beside what the server buffers
(serving.__main__), for as long as the client likes, and returns as if all were well where the
client is gone. So what is more than a usual page is sent in pieces with a deadline, and connections
whose clients do not take the last ones, or the page, are ended later. Of a stream the next pieces
are made once the last ones were taken so, and no thread waits for that.
"""

import asyncio
import logging
import time
from asyncio import Task
from collections.abc import Awaitable, Callable, Iterable
from contextvars import Context, copy_context
from dataclasses import dataclass
from threading import Lock
from typing import Any, TypeGuard

from django.db import close_old_connections
from django.http import FileResponse, HttpResponse, StreamingHttpResponse

from taggedimages.http import stopping
from taggedimages.serving.requests import Environ
from taggedimages.serving.sockets import Client, hang_up

logger = logging.getLogger(__name__)

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]
WsgiApplication = Callable[..., Iterable[bytes]]

PIECE_BYTES = 32 * 1024
# A usual page: it is sent at once, since each piece would wait for the event loop again.
WHOLE_BYTES = 128 * 1024
# Of a stream, until it is looked whether its client takes it; the last piece may go beyond.
MADE_BYTES = 128 * 1024

# Ends the connection once the answer is sent.
CLOSE = (b"connection", b"close")


class NotTaken(Exception):
    """The client does not take its answer, or is gone."""


@dataclass
class Answer:
    """An answer that is all there."""

    status: int
    headers: Headers
    body: bytes


def answer_of(response: HttpResponse) -> Answer:
    """An answer that was made by Django without an application."""
    headers = [
        (name.encode("latin-1"), str(value).encode("latin-1")) for name, value in response.items()
    ]
    return Answer(response.status_code, headers, response.content)


class Stream:
    """An answer that is made while it is sent: some pieces at a time, by whatever thread is free.

    Between these it holds no thread, and no connection to the database.
    """

    def __init__(
        self, status: int, headers: Headers, response: StreamingHttpResponse, context: Context
    ) -> None:
        self.status = status
        self.headers = headers
        # What was made and is to be sent.
        self.made: list[bytes] = []
        # Whether there is no more, and whether that is because it came to its end.
        self.is_over = self.is_whole = False
        self._response = response
        self._pieces = iter(response)
        # Of the request, whichever thread goes on with it.
        self._context = context
        self._lock = Lock()

    @property
    def bytes(self) -> int:
        """Of what was made and is to be sent."""
        return sum(map(len, self.made))

    def make(self) -> None:
        """Make the next pieces, in a thread of the application."""
        with self._lock:
            if not self.is_over:
                self._context.run(self._make)

    def make_more(self) -> None:
        """The same in another thread than the last ones, maybe, whose connection may be an old
        one."""
        close_old_connections()
        self.make()

    def close(self) -> None:
        """Make no more, in a thread of the application."""
        with self._lock:
            if not self.is_over:
                self._context.run(self._end)

    def _make(self) -> None:
        self.made = []
        try:
            while self.bytes < MADE_BYTES:
                self.made.append(next(self._pieces))
        except StopIteration:
            self.is_whole = True
            self._end()
        except stopping.Stopping:
            logger.info("A stream was ended, since the process stops.")
            self._end()
        except BaseException:
            # Its last piece says so; the status is sent.
            logger.exception("A stream failed")
            self._end()

    def _end(self) -> None:
        self.is_over = True
        self._response.close()


def run(
    application: WsgiApplication, environ: Environ, *, streams: bool = False
) -> Answer | Stream:
    """Have a WSGI application answer. With `streams`, of what is made while it is sent only the
    beginning is made.

    Raises whatever the application does.
    """
    status, headers = 0, Headers()

    def start(line: str, pairs: list[tuple[str, str]], exc_info: object = None) -> None:
        nonlocal status, headers
        status = int(line[:3])
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs]

    context = copy_context()
    response = context.run(application, environ, start)
    if streams and _is_made_while_sent(response):
        stream = Stream(status, headers, response, context)
        stream.make()
        return stream
    try:
        # A HEAD's answer has the length that a GET's would have, and no body.
        body = b"" if environ["REQUEST_METHOD"] == "HEAD" else b"".join(response)
        return Answer(status, headers, body)
    finally:
        if close := getattr(response, "close", None):
            context.run(close)


def _is_made_while_sent(response: object) -> TypeGuard[StreamingHttpResponse]:
    """Whether it may be long and take long; a file is neither."""
    return isinstance(response, StreamingHttpResponse) and not isinstance(response, FileResponse)


class Outlet:
    """Sends answers, each within so many seconds."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        # Who has been sent something large, and by when it should have been taken.
        self._lingering: dict[Client, float] = {}

    async def send(self, client: Client, send: Send, answer: Answer) -> None:
        """Send an answer, or end the connection of a client that does not take it."""
        await send(
            {"type": "http.response.start", "status": answer.status, "headers": answer.headers}
        )
        body = answer.body
        until = time.monotonic() + self.seconds
        if len(body) <= WHOLE_BYTES:
            await send(_piece(body, more=False))
            if len(body) > PIECE_BYTES:
                self._lingering[client] = until
            return
        try:
            async with asyncio.timeout(self.seconds):
                for at in range(0, len(body), PIECE_BYTES):
                    end = at + PIECE_BYTES
                    await send(_piece(body[at:end], more=end < len(body)))
        except TimeoutError:
            await asyncio.to_thread(hang_up, {client})
        else:
            self._lingering[client] = until

    async def send_stream(
        self,
        client: Client,
        receive: Receive,
        send: Send,
        stream: Stream,
        make_more: Callable[[], Awaitable[object]],
    ) -> None:
        """Send a stream, of which more is made each time that all was taken. Raises NotTaken."""
        watching = asyncio.create_task(_until_gone(receive))
        start = {
            "type": "http.response.start",
            "status": stream.status,
            "headers": stream.headers,
        }
        try:
            await self._sent(client, send, watching, start)
            while True:
                for piece in stream.made:
                    for at in range(0, len(piece), PIECE_BYTES):
                        part = _piece(piece[at : at + PIECE_BYTES], more=True)
                        await self._sent(client, send, watching, part)
                if stream.is_over:
                    break
                await make_more()
            if stream.is_whole:
                await self._sent(client, send, watching, _piece(b"", more=False))
                self._lingering[client] = time.monotonic() + self.seconds
        finally:
            watching.cancel()

    async def _sent(self, client: Client, send: Send, gone: Task[None], message: Message) -> None:
        if gone.done():
            raise NotTaken
        try:
            async with asyncio.timeout(self.seconds):
                await send(message)
        except TimeoutError:
            await asyncio.to_thread(hang_up, {client})
            raise NotTaken from None

    async def sweep(self) -> None:
        """End the connections of those who have not taken all in time."""
        now = time.monotonic()
        if due := {client for client, until in self._lingering.items() if until < now}:
            for client in due:
                del self._lingering[client]
            await asyncio.to_thread(hang_up, due, only_stuck=True)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _piece(body: bytes, more: bool) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}
