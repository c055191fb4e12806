"""Answers of views as they are sent, so that they can be kept and sent again byte for byte."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.http import HttpResponse
from django.utils.encoding import force_bytes
from rest_framework.request import Request
from rest_framework.response import Response


@dataclass(frozen=True)
class Rendered:
    """Status, headers of the view's own (its content type among them), and body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def response(self) -> HttpResponse:
        """The answer, for a view to return."""
        answer = HttpResponse(self.body, status=self.status)
        # Django's own guess.
        del answer["Content-Type"]
        for name, value in self.headers.items():
            answer[name] = value
        return answer


def rendered(request: Request, answer: HttpResponse) -> Rendered:
    """What a view answers, written by the renderer that its API has."""
    headers: dict[str, str] = dict(answer.items())
    if not isinstance(answer, Response):
        return Rendered(answer.status_code, headers, bytes(answer.content))
    renderer = request.accepted_renderer
    body = force_bytes(renderer.render(answer.data, renderer.media_type, {}))
    charset = f"; charset={renderer.charset}" if renderer.charset else ""
    # What is empty has no type; up to here, there is Django's own guess.
    del headers["Content-Type"]
    if body:
        headers["Content-Type"] = renderer.media_type + charset
    return Rendered(answer.status_code, headers, body)
