"""A signed write is carried out once, and answered as before when it comes again."""

import json
from collections.abc import Callable
from typing import Any

from django.db import DatabaseError, transaction
from rest_framework.response import Response
from rest_framework.views import APIView

from taggedimages.http.renderers import FastJSONRenderer
from taggedimages.identity import signed_answers
from taggedimages.identity.signed_answers import Signature
from taggedimages.transactions import retried

# It is made anew from what is answered.
NOT_KEPT = {"Content-Type"}


@retried
def once(
    view: APIView,
    signature: Signature,
    write: Callable[..., Response],
    *args: Any,
    **kwargs: Any,
) -> Response:
    """What a write is answered, or was when its signature came first.

    Write and answer are one transaction (`identity.signed_answers`). Refusals are kept, too; what
    may be tried again is not: answers of 500 and more, and what another writer caused. Raises
    UnderWay, and whatever is not kept.
    """
    kept = signed_answers.claim(signature)
    if kept:
        body = json.loads(kept.body) if kept.body else None
        return Response(body, kept.status, headers=kept.headers)
    try:
        with transaction.atomic():
            response = write(*args, **kwargs)
    except DatabaseError:
        raise
    except Exception as error:
        response = view.handle_exception(error)
        if response.status_code >= 500:
            raise
    headers = {name: value for name, value in response.items() if name not in NOT_KEPT}
    body = FastJSONRenderer().render(response.data).decode()
    signed_answers.keep(signature, response.status_code, headers, body)
    return response
