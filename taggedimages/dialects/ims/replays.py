"""A signed write is carried out once, and answered as before when it comes again."""

from collections.abc import Callable
from typing import Any

from django.db import DatabaseError, transaction
from django.http import HttpResponse
from rest_framework.views import APIView

from taggedimages.http.rendered import Rendered, rendered
from taggedimages.identity import signed_answers
from taggedimages.identity.kept_answers import InUse
from taggedimages.identity.signed_answers import Signature
from taggedimages.transactions import retried


@retried
def once(
    view: APIView,
    signature: Signature,
    write: Callable[..., HttpResponse],
    *args: Any,
    **kwargs: Any,
) -> HttpResponse:
    """What a write is answered, or was when its signature came first.

    Write and answer are one transaction (`identity.signed_answers`). Refusals are kept, too; what
    may be tried again is not: answers of 500 and more, and what another writer caused. Raises
    UnderWay, and whatever is not kept.
    """
    kept = signed_answers.claim(signature)
    if kept:
        return Rendered(kept.status, kept.headers, kept.body.encode()).response()
    try:
        with transaction.atomic():
            response = write(*args, **kwargs)
    except (DatabaseError, InUse):
        raise
    except Exception as error:
        response = view.handle_exception(error)
        if response.status_code >= 500:
            raise
    sent = rendered(view.request, response)
    signed_answers.keep(signature, sent.status, dict(sent.headers), sent.body.decode())
    return sent.response()
