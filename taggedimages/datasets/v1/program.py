"""The program that downloads a release and verifies it, for whoever has Python and nothing else."""

import hashlib
from functools import cache
from pathlib import Path

from django.http import HttpRequest, HttpResponse

from taggedimages.http.docs import only_read

PROGRAM = Path(__file__).parents[1] / "fetch.py"


@only_read
def program(request: HttpRequest) -> HttpResponse:
    """GET /v1/datasets/fetch.py: the same for everybody, like the document of an API."""
    text, tag = _program()
    headers = {"ETag": tag, "Content-Disposition": 'attachment; filename="fetch.py"'}
    return HttpResponse(text, content_type="text/x-python; charset=utf-8", headers=headers)


@cache
def _program() -> tuple[bytes, str]:
    text = PROGRAM.read_bytes()
    return text, f'"{hashlib.sha256(text).hexdigest()[:32]}"'
