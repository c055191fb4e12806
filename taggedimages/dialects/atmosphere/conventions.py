"""How Atmosphere answers: pages, times and errors (contract Atmosphere)."""

from django.http import HttpResponse, JsonResponse


def respond(status: int, message: str) -> HttpResponse:
    """The answer to a request that never reached a view."""
    return JsonResponse({"detail": message}, status=status)
