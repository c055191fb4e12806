"""What happens to every request before it meets a view."""

from collections.abc import Callable, Mapping

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

from images import storage
from taggedimages.http import bodies, health, metrics
from taggedimages.http.errors import RETRY_AFTER
from taggedimages.http.refusals import api_of
from taggedimages.postgresql import replicas
from taggedimages.postgresql.routing import Reading, reads, resumed

GetResponse = Callable[[HttpRequest], HttpResponse]


class HealthChecks:
    """`/healthz`: this process serves. `/readyz`: so do those that it stands on. `/metrics`: how it
    goes.

    First in line, so that a load balancer's probe needs no Host header that is allowed here. Our
    own web front answers the first two before it comes to this.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info == "/healthz":
            return health.alive()
        if request.path_info == "/readyz":
            return health.readiness(request.META.get("QUERY_STRING", ""))
        if request.path_info == metrics.PATH:
            return metrics.metrics(request)
        return self.get_response(request)


class ContentSecurityPolicy:
    """Tells browsers what a page of ours may load: the same for all, so written once.

    Pages of the admin show previews besides, which the object store serves.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.policy = policy_of(settings.CONTENT_SECURITY_POLICY)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        in_admin = request.path_info.startswith("/admin/")
        response.headers["Content-Security-Policy"] = policy_of_admin() if in_admin else self.policy
        return response


def policy_of(directives: Mapping[str, str]) -> str:
    """A Content-Security-Policy header of its directives."""
    return "; ".join(f"{name} {sources}" for name, sources in directives.items())


def policy_of_admin() -> str:
    """The policy with images of the object store: of the origin that presigned URLs have, which
    S3_PUBLIC_ENDPOINT_URL and the bucket's own way of being addressed decide."""
    policy: dict[str, str] = settings.CONTENT_SECURITY_POLICY
    try:
        return policy_of(policy | {"img-src": f"{policy['img-src']} {storage.public_origin()}"})
    except storage.StorageUnavailable:
        # Without credentials no URL is signed, and no preview shown.
        return policy_of(policy)


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
