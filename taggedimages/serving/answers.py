"""What the application answers, on its way to a client that may be slow or gone.

In granian's ASGI mode an answer of one message belongs to the server at once, however slowly its
client takes it; of more, `send` waits once four pieces are unsent beside what the server buffers
(serving.__main__), for as long as the client likes, and returns as if all were well where the
client is gone. So what is more than a usual page is sent in pieces with a deadline, and connections
whose clients do not take the last ones, or the page, are ended later.
"""

import asyncio
import logging
import time
from asyncio import AbstractEventLoop
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any

from django.http import FileResponse, HttpResponse, HttpResponseBase

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


def run(
    application: WsgiApplication, environ: Environ, stream: "Stream | None" = None
) -> Answer | None:
    """Have a WSGI application answer; None where the answer was streamed.

    Raises NotTaken, and whatever the application does where nothing has been sent.
    """
    status, headers = 0, Headers()

    def start(line: str, pairs: list[tuple[str, str]], exc_info: object = None) -> None:
        nonlocal status, headers
        status = int(line[:3])
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs]

    response = application(environ, start)
    try:
        if stream is not None and _is_made_while_sent(response):
            stream.pump(status, headers, response)
            return None
        # A HEAD's answer has the length that a GET's would have, and no body.
        body = b"" if environ["REQUEST_METHOD"] == "HEAD" else b"".join(response)
        return Answer(status, headers, body)
    finally:
        if close := getattr(response, "close", None):
            close()


def _is_made_while_sent(response: object) -> bool:
    """Whether it may be long and take long; a file is neither."""
    return (
        isinstance(response, HttpResponseBase)
        and response.streaming
        and not isinstance(response, FileResponse)
    )


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

    async def sweep(self) -> None:
        """End the connections of those who have not taken all in time."""
        now = time.monotonic()
        if due := {client for client, until in self._lingering.items() if until < now}:
            for client in due:
                del self._lingering[client]
            await asyncio.to_thread(hang_up, due, only_stuck=True)


class Stream:
    """An answer that is made while it is sent, by a thread that waits until each piece is taken."""

    def __init__(
        self, loop: AbstractEventLoop, client: Client, receive: Receive, send: Send, seconds: float
    ) -> None:
        self.loop = loop
        self.client = client
        self.seconds = seconds
        self._receive = receive
        self._send = send
        self._is_gone = False

    def pump(self, status: int, headers: Headers, pieces: Iterable[bytes]) -> None:
        """Send all, from a thread of the application. Raises NotTaken."""
        start = {"type": "http.response.start", "status": status, "headers": headers}
        self._in_loop(self._sent(start))
        watching = asyncio.run_coroutine_threadsafe(self._watch(), self.loop)
        try:
            for piece in pieces:
                if piece:
                    self._in_loop(self._sent(_piece(piece, more=True)))
            self._in_loop(self._sent(_piece(b"", more=False)))
        except NotTaken:
            raise
        except Exception:
            # Its last piece says so; the status is sent.
            logger.exception("A stream failed")
        finally:
            watching.cancel()

    def _in_loop(self, coroutine: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self.loop).result()

    async def _sent(self, message: Message) -> None:
        if self._is_gone:
            raise NotTaken
        try:
            async with asyncio.timeout(self.seconds):
                await self._send(message)
        except TimeoutError:
            await asyncio.to_thread(hang_up, {self.client})
            raise NotTaken from None

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._is_gone = True


def _piece(body: bytes, more: bool) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}
