"""How IMS asks and answers: who may call, JSON bodies, error codes, request ids (contract IMS)."""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from django.http import HttpResponse, JsonResponse
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.parsers import BaseParser
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import set_rollback
from rest_framework.viewsets import ViewSet

from images.models import Image
from taggedimages.dialects.ims import codes, replays
from taggedimages.dialects.ims.authentication import (
    OwnProject,
    SignatureAuthentication,
    TokenAuthentication,
)
from taggedimages.dialects.ims.schema import ImsSchema
from taggedimages.http.errors import problem_of
from taggedimages.http.parsers import BoundedJSONParser, IgnoreAcceptHeader
from taggedimages.identity.authors import Author
from taggedimages.identity.models import User
from taggedimages.identity.signed_answers import Signature
from tags.tagging import TooManyTags

SOURCE = "ims"


def respond(status: int, message: str) -> HttpResponse:
    """The answer to a request that never reached a view."""
    return JsonResponse(body(status, message), status=status)


def body(status: int, message: str, code: str = "") -> dict[str, Any]:
    """`{error: {code, message}}`, with the usual code of a status unless another is given."""
    usual = codes.INTERNAL if status >= 500 else codes.BY_STATUS.get(status, codes.BAD_REQUEST)
    code = code or usual
    return {"error": {"code": code, "message": message}}


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer an exception of a view; None for what is a defect of ours."""
    problem = problem_of(error)
    if problem is None:
        return None
    set_rollback()
    return Response(
        body(problem.status, problem.message, code_of(error)),
        status=problem.status,
        headers=problem.headers,
    )


def code_of(error: Exception) -> str:
    """The IMS code that an error carries, or ""."""
    if isinstance(error, TooManyTags):
        return codes.TOO_MANY_TAGS
    if not isinstance(error, exceptions.APIException):
        return ""
    found = list(_leaves(error.get_codes()))
    # A request of the wrong shape is that first, whatever else is wrong with it.
    return found[0] if all(code.startswith("IMG.") for code in found) else ""


def _leaves(nested: Any) -> Iterator[str]:
    if isinstance(nested, dict):
        nested = list(nested.values())
    if isinstance(nested, list):
        for inner in nested:
            yield from _leaves(inner)
    else:
        yield str(nested)


class AlwaysJson(IgnoreAcceptHeader):
    """Bodies are JSON whatever their content type says: clients name it in many ways."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        return next(iter(parsers))


class ImsViewSet(ViewSet):
    """What every endpoint of this API shares."""

    authentication_classes: tuple[type[BaseAuthentication], ...] = (
        TokenAuthentication,
        SignatureAuthentication,
    )
    permission_classes: tuple[type[BasePermission], ...] = (OwnProject,)
    parser_classes = (BoundedJSONParser,)
    content_negotiation_class = AlwaysJson
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    schema = ImsSchema()
    # Whether a POST changes nothing.
    only_reads = False

    def get_exception_handler(self) -> Any:
        return handle

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        method = str(request.method).lower()
        write = getattr(self, method, None)
        reads = request.method in SAFE_METHODS or self.only_reads
        if write and not reads and isinstance(request.auth, Signature):
            # REST framework calls the view's method of this name next.
            setattr(self, method, partial(replays.once, self, request.auth, write))

    def asked(self, serializer_class: type[Serializer[Any]]) -> Any:
        """The body, checked. Raises ValidationError."""
        serializer = serializer_class(data=self.body())
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data

    def body(self) -> Any:
        """The JSON of the body. Raises ValidationError, ParseError."""
        if not self.request.body.strip():
            raise exceptions.ValidationError("The body is empty.", codes.EMPTY_BODY)
        return self.request.data

    @property
    def caller(self) -> User:
        """Who sent the request."""
        assert isinstance(self.request.user, User)
        return self.request.user

    @property
    def author(self) -> Author:
        """What changes are signed with."""
        return Author(self.caller, SOURCE)

    def readable(self, image_id: str) -> Image:
        """An image of the caller's project, or a public one of another. Raises NotFound."""
        images = Image.objects.visible_from(self.author.project_id)
        image = images.with_uuid(image_id).first()
        if image is None:
            raise exceptions.NotFound("There is no such image.")
        return image

    def writable(self, image_id: str) -> Image:
        """An image of the caller's project. Raises NotFound, PermissionDenied."""
        image = self.readable(image_id)
        if image.project_id != self.caller.project_id:
            raise exceptions.PermissionDenied("The image belongs to another project.")
        return image
