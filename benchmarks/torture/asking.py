"""One request of a client: its place in the ledger, and what may be answered to it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests

from benchmarks.torture.expectations import Expectations
from benchmarks.torture.ledger import Entry, Ledger
from benchmarks.torture.service import Service

# No answer takes so long, whatever is stopped meanwhile: a time-out is one that may not be.
TIMEOUT = (5, 60)
PAUSE_SECONDS = 0.2
# What is told to nobody (stack traces, SQL, libraries, signatures).
NEVER_TOLD = ("Traceback", "psycopg", "django.", "SELECT ", "/site-packages/", "AWSAccessKeyId")


# What is kept of an answer.
KEPT = ("id", "uuid", "url", "uploaded_timestamp")


@dataclass(frozen=True)
class Request:
    """What is sent, where, and the answers that it may have."""

    op: str
    method: str
    # A path of the service, or the URL of an object.
    where: str
    good: tuple[int, ...]
    # Others that say that nothing was done: by what an unknown answer before may have done.
    also: tuple[int, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    form: Mapping[str, str] | None = None
    # What the ledger keeps of it.
    about: Mapping[str, Any] = field(default_factory=dict)
    # What a good answer has to say.
    must: Callable[[Any], bool] = lambda answer: True

    @property
    def is_of_store(self) -> bool:
        """Whether the object store answers, whose errors are its own."""
        return self.where.startswith("http")


class Asker:
    """Sends requests one after the other, and writes each down before and after."""

    def __init__(self, name: str, service: Service, ledger: Ledger) -> None:
        self.name = name
        self.service = service
        self.ledger = ledger
        # What this client knows of its own files.
        self.expected = Expectations()
        self.session = requests.Session()
        self.session.trust_env = False

    def ask(self, request: Request) -> Any:
        """The answer, decoded, if it is the good one ({} where it has no body); else None."""
        asked = {"client": self.name, **request.about}
        number = self.ledger.intend(request.op, **asked)
        known, outcome, told = self._asked(request)
        self.ledger.conclude(number, outcome, **told)
        self.expected.apply(Entry(number, request.op, asked, outcome, told))
        if known is None:
            time.sleep(PAUSE_SECONDS)
        return known

    def _asked(self, request: Request) -> tuple[Any, str, dict[str, Any]]:
        """The good answer or None, the outcome, and what is worth keeping of what was told."""
        try:
            answer = self._send(request)
            outcome = _outcome(request, answer)
            known = _decoded(answer) if outcome == "ok" else None
        except requests.Timeout as error:
            return None, "unexpected", {"error": type(error).__name__}
        except requests.ConnectionError as error:
            return None, "unknown", {"error": type(error).__name__}
        except ValueError as error:
            return None, "unexpected", {"error": f"no JSON: {error}"}
        if outcome == "ok" and request.must(known):
            told = known[0] if isinstance(known, list) and known else known
            kept = {name: told[name] for name in KEPT if isinstance(told, dict) and name in told}
            return known, "ok", {"status": answer.status_code, **kept}
        outcome = "unexpected" if outcome == "ok" else outcome
        text = f"{answer.headers.get('X-message', '')}{answer.text[:300]}"
        return None, outcome, {"status": answer.status_code, "body": text}

    def _send(self, request: Request) -> requests.Response:
        sent: dict[str, Any] = {"json": request.body}
        if isinstance(request.body, bytes):
            sent = {"data": request.body}
        if request.form is not None:
            sent = {"data": request.form, "files": {"file": request.body}}
        url = request.where if request.is_of_store else self.service.url + request.where
        headers = dict(request.headers)
        return self.session.request(
            request.method, url, timeout=TIMEOUT, headers=headers, allow_redirects=False, **sent
        )


def _outcome(request: Request, answer: requests.Response) -> str:
    if not request.is_of_store and any(word in answer.text for word in NEVER_TOLD):
        return "unexpected"
    if answer.status_code in request.good:
        return "ok"
    if answer.status_code in request.also:
        return "refused"
    if request.is_of_store and answer.status_code >= 500:
        return "unknown"
    is_honest = answer.status_code == 503 and "Retry-After" in answer.headers
    return "unknown" if is_honest else "unexpected"


def _decoded(answer: requests.Response) -> Any:
    if answer.content and "json" in answer.headers.get("Content-Type", ""):
        return answer.json()
    return answer.text or {}
