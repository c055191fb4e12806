"""`Idempotency-Key` on POST: a request that is sent again is answered again, and not carried out
again (draft-ietf-httpapi-idempotency-key-header-07; docs/clients.md).

Handlers say `@keyed()`. REST framework calls them once it knows who asks and whether they may, so
nobody is answered again who would not be let in now. Without the header, nothing of this happens.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import wraps
from typing import Any, TypeVar

from django.http import HttpResponse
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from images import storage
from taggedimages.http.keys import HEADER, keyed_request
from taggedimages.http.rendered import Rendered, rendered
from taggedimages.identity import kept_answers
from taggedimages.identity.kept_answers import Answer, Claim, Keyed
from taggedimages.transactions import retried

H = TypeVar("H", bound=Callable[..., Any])

REPLAYED = "Idempotency-Replayed"
# Longer bodies that can be made anew are not kept.
MAX_KEPT_BYTES = 1024**2


def keyed(
    again: Callable[..., Response] | None = None,
    made: Callable[[Any], Any] = lambda data: None,
    claims: Callable[[Request], bool] = lambda request: False,
) -> Callable[[H], H]:
    """A handler of POST that takes an Idempotency-Key.

    With a key, all that it does is one transaction. Where `claims` says so of a request, for it
    asks the object store, which no transaction may wait for, the key is claimed: the handler's own
    transactions hold, and one that makes something goes through `with_answer`.

    An answer that may have presigned URLs, or more than MAX_KEPT_BYTES, needs `again`: it is called
    as the handler is, with what `made` took of the answer's data (as JSON) after the request, and
    answers the same anew. It raises NotFound where that is gone.
    """

    def decorate(handler: H) -> H:
        route = _Route(handler, again, made, claims)

        @wraps(handler)
        def run(view: Any, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
            if HEADER not in request.META:
                answer: HttpResponse = handler(view, request, *args, **kwargs)
                return answer
            return _Call(route, view, request, args, kwargs).answer(keyed_request(request))

        run.takes_key = True  # type: ignore[attr-defined]
        return run  # type: ignore[return-value]

    return decorate


def always(request: Request) -> bool:
    """As `claims`: whatever is asked for."""
    return True


def takes_key(handler: object) -> bool:
    """Whether a method of a view is `keyed`."""
    return bool(getattr(handler, "takes_key", False))


def with_answer(request: Request, write: Callable[[], Response]) -> HttpResponse:
    """What `write` does and answers; of a request with a key, in one transaction with its answer.

    So a crash leaves both, and the answer is given again, or neither, and the request is carried
    out again. Raises kept_answers.InUse where somebody else does already.
    """
    call: _Call | None = getattr(request, "keyed_call", None)
    return call.finished(write) if call else write()


class _Failed(Exception):
    """The handler has answered a failure and not raised it: nothing of it may stay."""

    def __init__(self, response: HttpResponse) -> None:
        super().__init__()
        self.response = response


@dataclass(frozen=True)
class _Route:
    handler: Callable[..., HttpResponse]
    again: Callable[..., Response] | None
    made: Callable[[Any], Any]
    claims: Callable[[Request], bool]


@dataclass
class _Call:
    """One request with a key."""

    route: _Route
    view: Any
    request: Request
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    # While it is carried out outside a transaction, and what it then was answered.
    claim: Claim | None = None
    answered: HttpResponse | None = None
    # When presigned URLs end that are signed for it, in epoch seconds.
    ends: list[float] = field(default_factory=list)

    def answer(self, asked: Keyed) -> HttpResponse:
        """What it is answered, now or again. Raises what the handler does, InUse and Reused."""
        run = self.claimed if self.route.claims(self.request) else self.in_one_transaction
        try:
            with storage.noted_ends() as self.ends:
                found = run(asked)
        except _Failed as failure:
            return failure.response
        return self.given_again(found) if isinstance(found, Answer) else found

    @retried
    def in_one_transaction(self, asked: Keyed) -> HttpResponse | Answer:
        """The handler's answer, kept; or the one that was kept before."""
        if found := kept_answers.held(asked):
            return found
        response, answer = self.carried_out(self.work)
        kept_answers.keep(asked, answer)
        return response

    def claimed(self, asked: Keyed) -> HttpResponse | Answer:
        """The same, with a claim in place of the transaction."""
        found = kept_answers.claim(asked)
        if isinstance(found, Answer):
            return found
        self.claim = found
        self.request.keyed_call = self  # type: ignore[attr-defined]
        try:
            response = self.work()
            # Unless the handler has done it.
            return self.finished(lambda: response) if self.answered is None else response
        except BaseException:
            kept_answers.release(found)
            raise

    def finished(self, write: Callable[[], HttpResponse]) -> HttpResponse:
        """What `write` answers, kept in place of the claim in the same transaction."""
        self.answered = self._finished(write)
        return self.answered

    @retried
    def _finished(self, write: Callable[[], HttpResponse]) -> HttpResponse:
        assert self.claim
        response, answer = self.carried_out(write)
        kept_answers.finish(self.claim, answer)
        return response

    def work(self) -> HttpResponse:
        """What the handler answers."""
        return self.route.handler(self.view, self.request, *self.args, **self.kwargs)

    def carried_out(self, work: Callable[[], HttpResponse]) -> tuple[HttpResponse, Answer]:
        """What is answered, and what is kept of it. Raises _Failed."""
        response = work()
        if not 200 <= response.status_code < 300:
            raise _Failed(response)
        sent = rendered(self.request, response)
        made = self.route.made(response.data) if isinstance(response, Response) else None
        is_kept = self.route.again is None or len(sent.body) <= MAX_KEPT_BYTES
        urls_until = datetime.fromtimestamp(min(self.ends), UTC) if self.ends else None
        body = sent.body if is_kept else None
        return sent.response(), Answer(sent.status, sent.headers, body, made, urls_until)

    def given_again(self, kept: Answer) -> HttpResponse:
        """An answer of before; with new URLs where the old ones have ended."""
        again = self.route.again
        is_live = kept.urls_until is None or kept.urls_until > timezone.now()
        if kept.body is not None and (is_live or again is None):
            response = Rendered(kept.status, kept.headers, kept.body).response()
            response[REPLAYED] = "true"
            return response
        assert again
        fresh = again(self.view, self.request, kept.made, *self.args, **self.kwargs)
        fresh.status_code = kept.status
        for name, value in kept.headers.items():
            if name not in fresh and name != "Content-Type":
                fresh[name] = value
        fresh[REPLAYED] = "resigned"
        return fresh
