"""How SharinPix answers: headers, times and errors (contract SharinPix)."""

from django.http import HttpResponse


def respond(status: int, message: str) -> HttpResponse:
    """The answer to a request that never reached a view: empty, the fault in a header."""
    return HttpResponse(status=status, content_type="text/html", headers={"X-message": message})
