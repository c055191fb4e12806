"""The public keys that verify signatures of statements: for everybody, whatever else is."""

from django.http import HttpRequest, JsonResponse

from taggedimages.datasets import signing
from taggedimages.http.docs import only_read

# Keys are only ever added, and whoever meets an unknown `kid` asks again.
CACHED = "public, max-age=300"


@only_read
def keys(request: HttpRequest) -> JsonResponse:
    """GET /.well-known/jwks.json: a JWK Set (RFC 7517), old keys included."""
    return JsonResponse(
        signing.key_set(),
        content_type="application/jwk-set+json",
        headers={"Cache-Control": CACHED},
    )
