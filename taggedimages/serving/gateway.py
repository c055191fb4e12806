"""The ASGI application: reads bodies, finds threads for Django, sends answers, all by deadlines.

An ASGI server (granian) hands requests over once their head is there. No thread is taken before the
body is, and none is kept by a client that reads slowly. Refusals are made by the application's own
middleware, so that they have the shape and the headers that all answers of their path have.
"""

import asyncio
import logging
import sys
from asyncio import Future, Task
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO

from django.conf import settings
from django.http import HttpResponse

from taggedimages.http import bodies, cors, health, observing, stopping
from taggedimages.http.bodies import Refusal
from taggedimages.serving import STOP_SOON
from taggedimages.serving.answers import (
    CLOSE,
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
from taggedimages.serving.lanes import Lane, lane_of
from taggedimages.serving.requests import Environ, Scope, environ_of, path_of
from taggedimages.serving.threads import Job, Threads

logger = logging.getLogger(__name__)

# Of all requests that are not answered, and of all answers that are not sent, in one process.
MAX_RECEIVED_BYTES = MAX_UNSENT_BYTES = 256 * 1024**2
# How often it is looked for what has waited too long, and for what was not taken in time.
TICK_SECONDS, SWEEP_SECONDS = 0.25, 1.0
# No request takes a thread for so long, nor do the pieces of a stream that are made at a time.
STUCK_SECONDS = 30
HEALTHZ, READYZ = "/healthz", "/readyz"
PROBES = {HEALTHZ, READYZ}
# A thread that computes lets others in after so long: the event loop is one of them.
SWITCH_SECONDS = 0.002

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
            answer = answer_of(observing.observed(environ, preflight, observing.PREFLIGHT))
            if environ.get("CONTENT_LENGTH", "0") != "0" or "HTTP_TRANSFER_ENCODING" in environ:
                answer.headers.append(CLOSE)
            await self._send(scope, send, answer)
        elif path in PROBES:
            told = health.alive() if path == HEALTHZ else await self._readiness(environ)
            probed = cors.add_headers(environ, told)
            await self._send(scope, send, answer_of(observing.observed(environ, probed, path)))
        else:
            with suppress(ClientGone):
                refusal = refusal or bodies.refusal_of(path, environ)
                await self._serve(scope, environ, refusal, receive, send)

    async def _serve(
        self, scope: Scope, environ: Environ, refusal: Refusal | None, receive: Receive, send: Send
    ) -> None:
        body = BytesIO()
        answer: Answer | Stream | Refusal
        lane = None
        try:
            if refusal is None and "CONTENT_LENGTH" in environ:
                refusal = await self._read(receive, int(environ["CONTENT_LENGTH"] or 0), body)
            if refusal is not None:
                answer = self._refusal(environ, refusal)
                # What is left of a body that nobody reads would be taken for the next request.
                answer.headers.append(CLOSE)
            else:
                environ["wsgi.input"] = body
                lane = lane_of(
                    environ["REQUEST_METHOD"],
                    environ["PATH_INFO"],
                    environ["QUERY_STRING"],
                    environ.get("HTTP_ACCEPT", ""),
                )
                answer = await self._run(environ, lane)
        finally:
            self.received -= len(body.getbuffer())
        if isinstance(answer, Stream) and self.unsent + answer.bytes > MAX_UNSENT_BYTES:
            self._in_thread(answer.close, lane)
            answer = TOO_BUSY
        if isinstance(answer, Stream):
            await self._send_stream(scope, receive, send, answer, lane)
            return
        if isinstance(answer, Answer) and self.unsent + len(answer.body) > MAX_UNSENT_BYTES:
            answer = TOO_BUSY
        if isinstance(answer, Refusal):
            answer = self._refusal(environ, answer)
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

    async def _run(self, environ: Environ, lane: Lane | None) -> Answer | Stream | Refusal:
        """Have a thread answer."""
        loop = asyncio.get_running_loop()
        done: Future[Answer | Stream | Refusal] = loop.create_future()

        def answer_in_thread() -> None:
            found: Answer | Stream | Refusal = DEFECT
            try:
                found = run(self.application, environ, streams=True)
            except BaseException:
                logger.exception("The application failed")
            loop.call_soon_threadsafe(done.set_result, found)

        self._started().submit(Job(answer_in_thread, lambda: done.set_result(TOO_BUSY), lane))
        return await done

    def _in_thread(self, do: Callable[[], None], lane: Lane | None) -> Future[None]:
        """Go on with something in a thread, however long it has to wait for one."""
        loop = asyncio.get_running_loop()
        done: Future[None] = loop.create_future()

        def settle() -> None:
            if not done.cancelled():
                done.set_result(None)

        def do_in_thread() -> None:
            try:
                do()
            finally:
                loop.call_soon_threadsafe(settle)

        self._started().submit(Job(do_in_thread, None, lane))
        return done

    def _refusal(self, environ: Environ, refusal: Refusal) -> Answer:
        """What the application's middleware, which waits for nothing, says instead of a view."""
        answer = run(self.application, environ | {bodies.REFUSAL: refusal})
        assert isinstance(answer, Answer)
        return answer

    async def _send(self, scope: Scope, send: Send, answer: Answer) -> None:
        if stopping.has_begun() and CLOSE not in answer.headers:
            answer.headers.append(CLOSE)
        self.unsent += len(answer.body)
        try:
            await self.outlet.send(scope["client"], send, answer)
        finally:
            self.unsent -= len(answer.body)

    async def _send_stream(
        self, scope: Scope, receive: Receive, send: Send, stream: Stream, lane: Lane | None
    ) -> None:
        if stopping.has_begun():
            stream.headers.append(CLOSE)
        held = stream.bytes
        self.unsent += held

        async def make_more() -> None:
            nonlocal held
            await self._in_thread(stream.make_more, lane)
            self.unsent += stream.bytes - held
            held = stream.bytes

        try:
            await self.outlet.send_stream(scope["client"], receive, send, stream, make_more)
        except NotTaken:
            logger.info("A client did not take a stream to its end.")
        finally:
            self.unsent -= held
            if not stream.is_over:
                self._in_thread(stream.close, lane)

    async def _readiness(self, environ: Environ) -> HttpResponse:
        """Unlike health.readiness, without a thread that waits; and with what is told of ours."""
        if stopping.has_begun():
            return health.leaving()
        asked = {probe.part: asyncio.wrap_future(probe.begin()) for probe in health.probes()}
        await asyncio.wait(asked.values(), timeout=health.PROBE_SECONDS)
        hang = self._started().stuck_seconds() > STUCK_SECONDS
        states = {health.THREADS: "hung" if hang else health.OK}
        for part, answer in asked.items():
            states |= answer.result() if answer.done() else {part: health.TIMEOUT}
        return health.ready(states, environ["QUERY_STRING"])

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
                asyncio.get_running_loop().add_signal_handler(STOP_SOON, stopping.begin)
                self._started()
            await send({"type": f"{kind}.complete"})
            if kind == "lifespan.shutdown":
                return
