"""How IMS answers: error codes and request ids (contract IMS)."""

from django.http import HttpResponse, JsonResponse

CODES = {400: "IMG.0001", 401: "IMG.0087", 403: "IMG.0026", 404: "IMG.0027"}
INTERNAL = "IMG.0061"


def respond(status: int, message: str) -> HttpResponse:
    """The answer to a request that never reached a view."""
    error = {"code": CODES.get(status, INTERNAL if status >= 500 else "IMG.0001")}
    return JsonResponse({"error": error | {"message": message}}, status=status)
