"""What happens to every request before it meets a view."""

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

from taggedimages.http import bodies, health
from taggedimages.http.errors import RETRY_AFTER
from taggedimages.http.refusals import api_of
from taggedimages.postgresql import replicas
from taggedimages.postgresql.routing import Reading, reads, resumed

GetResponse = Callable[[HttpRequest], HttpResponse]


class HealthChecks:
    """`/healthz`: this process serves. `/readyz`: so do the database and the bucket.

    First in line, so that a load balancer's probe needs no Host header that is allowed here. Our
    own web front answers both before it comes to this.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info == "/healthz":
            return health.alive()
        if request.path_info == "/readyz":
            return health.readiness()
        return self.get_response(request)


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
    """Refuses a body that is too large, or of untold length, before a byte of it is read.

    What the web front refuses comes here as well, for the headers that answers get on their way.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path_info
        refusal = request.META.get(bodies.REFUSAL) or bodies.refusal_of(path, request.META)
        if refusal is None:
            return self.get_response(request)
        answer = api_of(path).refuse(*refusal)
        if refusal.status == 503:
            answer["Retry-After"] = RETRY_AFTER["Retry-After"]
        return answer


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
