"""No request makes the service answer 5xx: odd values in every position of every route.

The routes are those of the access matrix, and so of the URL table; fields and parameters are those
of the OpenAPI documents.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from taggedimages.identity.models import User
from taggedimages.tests.access import ask, make_callers, make_subjects
from taggedimages.tests.matrix import Row
from taggedimages.tests.odd_values import Sent, variants
from taggedimages.tests.test_access import BEST, ROWS

pytestmark = pytest.mark.django_db
ROUTES = [row for row in ROWS if "admin" not in row.path and row.path != "/readyz"]


@pytest.fixture(scope="module")
def corpus(django_db_setup: None, django_db_blocker: Any) -> Iterator[tuple[Any, Any]]:
    """The callers and a public image, made once for all tests; none changes them."""
    with django_db_blocker.unblock(), transaction.atomic():
        callers = make_callers()
        yield callers, make_subjects(User.objects.get(username="owner"))["p"]
        transaction.set_rollback(True)


def headers_of(row: Row, callers: dict[str, dict[str, str]]) -> dict[str, str]:
    """Those of whoever may do most, so that nothing is refused before it is read."""
    best = [name for name in (*BEST, "store") if name in row.expected]
    return callers["store" if "hooks" in row.path else best[0]] if best else {}


def is_answered(sent: Sent) -> bool:
    """Whether the answer is no failure of ours. Its effects are undone."""
    try:
        return ask(*sent).status < 500
    except UnicodeEncodeError:
        return False


@pytest.mark.parametrize("row", ROUTES, ids=str)
def test_no_odd_value_anywhere_is_answered_5xx(corpus, row):
    callers, subject = corpus
    asked = variants(row, subject, headers_of(row, callers))
    assert [str(sent)[:500] for sent in asked if not is_answered(sent)] == []
