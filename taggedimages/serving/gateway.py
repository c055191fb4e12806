"""The ASGI application: reads bodies, finds threads for Django, sends answers, all by deadlines.

An ASGI server (granian) hands requests over once their head is there. No thread is taken before the
body is, and none is kept by a client that reads slowly. Refusals are made by the application's own
middleware, so that they have the shape and the headers that all answers of their path have.
"""

import asyncio
import logging
import sys
from asyncio import Future, Task
from contextlib import suppress
from io import BytesIO

from django.conf import settings
from django.http import HttpResponse

from taggedimages.http import bodies, cors, health
from taggedimages.http.bodies import Refusal
from taggedimages.serving.answers import (
    Answer,
    NotTaken,
    Outlet,
    Receive,
    Send,
    Stream,
    WsgiApplication,
    answer_of,
    run,
)
from taggedimages.serving.lanes import lane_of
from taggedimages.serving.requests import Environ, Scope, environ_of, path_of
from taggedimages.serving.threads import Job, Threads

logger = logging.getLogger(__name__)

# Of all requests that are not answered, and of all answers that are not sent, in one process.
MAX_RECEIVED_BYTES = MAX_UNSENT_BYTES = 256 * 1024**2
# How often it is looked for what has waited too long, and for what was not taken in time.
TICK_SECONDS, SWEEP_SECONDS = 0.25, 1.0
# A thread that computes lets others in after so long: the event loop is one of them.
SWITCH_SECONDS = 0.002

# What is left of a body that nobody reads would be taken for the next request.
CLOSE = (b"connection", b"close")

TOO_SLOW = Refusal(408, "The body did not arrive in time.")
TOO_BUSY = Refusal(503, "The service is busy; try again later.")
DEFECT = Refusal(500, "Something went wrong on our side.")


class ClientGone(Exception):
    """Nobody waits for an answer any more."""


class Gateway:
    """Runs a WSGI application; one of these in each process."""

    def __init__(self, application: WsgiApplication) -> None:
        self.application = application
        self.received = self.unsent = 0
        self.outlet = Outlet(settings.SEND_SECONDS)
        self.threads: Threads | None = None
        self.ticking: Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        path = path_of(scope)
        environ, refusal = environ_of(scope, path)
        if preflight := cors.preflight_of(environ):
            answer = answer_of(preflight)
            if environ.get("CONTENT_LENGTH", "0") != "0" or "HTTP_TRANSFER_ENCODING" in environ:
                answer.headers.append(CLOSE)
            await self._send(scope, send, answer)
        elif path in PROBES:
            answer = answer_of(cors.add_headers(environ, await PROBES[path]()))
            await self._send(scope, send, answer)
        else:
            with suppress(ClientGone):
                refusal = refusal or bodies.refusal_of(path, environ)
                await self._serve(scope, environ, refusal, receive, send)

    async def _serve(
        self, scope: Scope, environ: Environ, refusal: Refusal | None, receive: Receive, send: Send
    ) -> None:
        body = BytesIO()
        answer: Answer | Refusal | None
        try:
            if refusal is None and "CONTENT_LENGTH" in environ:
                refusal = await self._read(receive, int(environ["CONTENT_LENGTH"] or 0), body)
            if refusal is not None:
                answer = self._refusal(environ, refusal)
                answer.headers.append(CLOSE)
            else:
                environ["wsgi.input"] = body
                answer = await self._run(scope, environ, receive, send)
        finally:
            self.received -= len(body.getbuffer())
        if isinstance(answer, Answer) and self.unsent + len(answer.body) > MAX_UNSENT_BYTES:
            answer = TOO_BUSY
        if isinstance(answer, Refusal):
            answer = self._refusal(environ, answer)
        if answer is not None:
            await self._send(scope, send, answer)

    async def _read(self, receive: Receive, length: int, body: BytesIO) -> Refusal | None:
        """Read a body of this length. Raises ClientGone."""
        try:
            async with asyncio.timeout(settings.BODY_SECONDS):
                while body.tell() < length:
                    message = await receive()
                    if message["type"] != "http.request":
                        raise ClientGone
                    piece: bytes = message["body"]
                    if self.received + len(piece) > MAX_RECEIVED_BYTES:
                        return TOO_BUSY
                    self.received += body.write(piece)
                    if body.tell() < length and not message["more_body"]:
                        raise ClientGone
        except TimeoutError:
            return TOO_SLOW
        body.seek(0)
        return None

    async def _run(
        self, scope: Scope, environ: Environ, receive: Receive, send: Send
    ) -> Answer | Refusal | None:
        """Have a thread answer; None where it has sent the answer itself."""
        loop = asyncio.get_running_loop()
        done: Future[Answer | Refusal | None] = loop.create_future()
        stream = Stream(loop, scope["client"], receive, send, settings.SEND_SECONDS)

        def answer_in_thread() -> None:
            found: Answer | Refusal | None = None
            try:
                found = run(self.application, environ, stream)
            except NotTaken:
                logger.info("A client did not take a stream to its end.")
            except BaseException:
                logger.exception("The application failed")
                found = DEFECT
            loop.call_soon_threadsafe(done.set_result, found)

        lane = lane_of(
            environ["REQUEST_METHOD"],
            environ["PATH_INFO"],
            environ["QUERY_STRING"],
            environ.get("HTTP_ACCEPT", ""),
        )
        self._started().submit(Job(answer_in_thread, lambda: done.set_result(TOO_BUSY), lane))
        return await done

    def _refusal(self, environ: Environ, refusal: Refusal) -> Answer:
        """What the application's middleware, which waits for nothing, says instead of a view."""
        answer = run(self.application, environ | {bodies.REFUSAL: refusal})
        assert answer is not None
        return answer

    async def _send(self, scope: Scope, send: Send, answer: Answer) -> None:
        self.unsent += len(answer.body)
        try:
            await self.outlet.send(scope["client"], send, answer)
        finally:
            self.unsent -= len(answer.body)

    def _started(self) -> Threads:
        if self.threads is None:
            sys.setswitchinterval(SWITCH_SECONDS)
            self.threads = Threads(settings.WEB_THREADS)
            self.ticking = asyncio.create_task(self._tick(self.threads))
        return self.threads

    async def _tick(self, threads: Threads) -> None:
        loop = asyncio.get_running_loop()
        swept = loop.time()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            try:
                threads.expire(settings.QUEUE_SECONDS)
                if loop.time() > swept + SWEEP_SECONDS:
                    await self.outlet.sweep()
                    swept = loop.time()
            except Exception:
                logger.exception("The web front failed to look for what is late")

    async def _live(self, receive: Receive, send: Send) -> None:
        """The lifespan of the process."""
        while True:
            kind = (await receive())["type"]
            if kind == "lifespan.startup":
                self._started()
            await send({"type": f"{kind}.complete"})
            if kind == "lifespan.shutdown":
                return


async def _aliveness() -> HttpResponse:
    return health.alive()


async def _readiness() -> HttpResponse:
    """Unlike health.readiness, without a thread that waits."""
    asked = {name: asyncio.wrap_future(probe.begin()) for name, probe in health.probes().items()}
    await asyncio.wait(asked.values(), timeout=health.PROBE_SECONDS)
    return health.ready(
        {name: told.result() if told.done() else health.TIMEOUT for name, told in asked.items()}
    )


PROBES = {"/healthz": _aliveness, "/readyz": _readiness}
