"""The headers that every answer of this API carries (contract SharinPix, authentication)."""

import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from taggedimages.http.refusals import api_of

SAFETY = {
    "Cache-Control": "no-cache, no-store",
    "Pragma": "no-cache",
    "Expires": "Fri, 01 Jan 1990 00:00:00 GMT",
    "Vary": "Accept-Encoding",
    "P3P": 'CP="NOI ADM DEV PSAi COM NAV OUR OTRo STP IND DEM"',
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "X-XSS-Protection": "1; mode=block",
    "X-Download-Options": "noopen",
    "X-Permitted-Cross-Domain-Policies": "none",
    "Referrer-Policy": "origin-when-cross-origin, strict-origin-when-cross-origin",
}


class SharinPixHeaders:
    """Adds them to whatever comes out under /api/v1, refusals and unknown routes included."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if api_of(request.path_info).name != "sharinpix":
            return self.get_response(request)
        started = time.perf_counter()
        response = self.get_response(request)
        for name, value in SAFETY.items():
            response[name] = value
        response["X-Runtime"] = f"{time.perf_counter() - started:.6f}"
        return response
