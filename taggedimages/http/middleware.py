"""What happens to every request before it meets a view."""

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connections
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse

from images import storage
from taggedimages.http.refusals import api_of
from taggedimages.postgresql import replicas
from taggedimages.postgresql.routing import Reading, reads, resumed

# Python refuses to read numbers of thousands of digits.
MAX_LENGTH_DIGITS = 18

GetResponse = Callable[[HttpRequest], HttpResponse]


class HealthChecks:
    """`/healthz`: this process serves. `/readyz`: so do the database and the bucket.

    A process whose primary is away still is of use as long as a replica answers.

    First in line, so that a load balancer's probe needs no Host header that is allowed here.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info == "/healthz":
            return JsonResponse({"status": "ok"})
        if request.path_info == "/readyz":
            return self.readiness()
        return self.get_response(request)

    def readiness(self) -> HttpResponse:
        checks = {"database": _check_database(), "bucket": _check_bucket()}
        failing = [name for name, state in checks.items() if state not in ("ok", "read-only")]
        if not failing:
            return JsonResponse({"status": "ok", **checks})
        message = f"Not ready: {', '.join(failing)}."
        answer = {"code": 503, "message": message, "status": "unavailable", **checks}
        return JsonResponse(answer, status=503, headers={"Retry-After": "2"})


def _check_database() -> str:
    primary = _ask(DEFAULT_DB_ALIAS)
    if primary != "ok" and any(_ask(alias) == "ok" for alias in settings.REPLICAS):
        return "read-only"
    return primary


def _ask(alias: str) -> str:
    try:
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT 1 FROM images_image LIMIT 1")
    except (DatabaseError, InterfaceError) as error:
        connections[alias].close()
        return type(error).__name__
    return "ok"


def _check_bucket() -> str:
    try:
        storage.check_bucket()
    except storage.StorageUnavailable as error:
        return type(error).__name__
    return "ok"


class ContentSecurityPolicy:
    """Tells browsers what a page of ours may load: the same for all, so written once."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        directives = settings.CONTENT_SECURITY_POLICY.items()
        self.policy = "; ".join(f"{name} {sources}" for name, sources in directives)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers["Content-Security-Policy"] = self.policy
        return response


class EitherSlash:
    """Serves `/v1/tags/` as `/v1/tags`: a redirected POST would lose its body."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path_info
        if path.endswith("/") and self.applies_to(path):
            request.path_info = path[:-1]
        return self.get_response(request)

    def applies_to(self, path: str) -> bool:
        return path.startswith(("/v1/", "/api/", "/current/")) and api_of(path).takes_either_slash


class BoundedBody:
    """Refuses a body that is too large, or of untold length, before a byte of it is read."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        refuse = api_of(request.path_info).refuse
        if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
            return refuse(411, "Send the body with a Content-Length.")
        limit = settings.MAX_BODY_BYTES
        if request.path_info == "/v1/upload":
            limit = settings.MAX_UPLOAD_BODY_BYTES
        length = request.headers.get("Content-Length") or "0"
        if not length.isdecimal() or len(length) > MAX_LENGTH_DIGITS or int(length) > limit:
            return refuse(413, f"The body is too large: at most {limit} bytes.")
        return self.get_response(request)


class BreakReferenceCycles:
    """Lets go of what REST framework ties to an answer once that is rendered.

    View, request and answer refer to each other: pages of 150 KB that are done with would stay
    in memory, by the dozen, until the collector looks for such circles.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        context = getattr(response, "renderer_context", None)
        if context:
            context["view"].response = None
            context.clear()
        return response


class Replicas:
    """Reads are answered from replicas where those may be read from; writes wait for them.

    A read whose server fails on the way is run again on another. The admin reads where it writes.
    """

    def __init__(self, get_response: GetResponse) -> None:
        if not settings.REPLICAS:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method in ("GET", "HEAD") and not request.path_info.startswith("/admin/"):
            return self.read(request)
        response = self.get_response(request)
        if response.status_code < 500:
            replicas.settle()
        return response

    def read(self, request: HttpRequest) -> HttpResponse:
        tried: list[replicas.Server] = []
        while True:
            server = replicas.choose(tried)
            reading = Reading(server.alias)
            with reads(reading):
                response = self.get_response(request)
            if not reading.failed or server in tried:
                return self.finished(response, reading)
            tried.append(server)

    def finished(self, response: HttpResponse, reading: Reading) -> HttpResponse:
        if reading.wrote:
            replicas.settle()
        if isinstance(response, StreamingHttpResponse):
            response.streaming_content = resumed(reading, response.streaming_content)
        return response
