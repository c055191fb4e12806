"""The corpus of the access tests."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from taggedimages.identity.models import User
from taggedimages.tests.access import make_callers, make_subjects


@pytest.fixture(scope="module")
def corpus(django_db_setup: None, django_db_blocker: Any) -> Iterator[tuple[Any, Any]]:
    """The callers and the images, made once for all tests of a module; none changes them."""
    with django_db_blocker.unblock(), transaction.atomic():
        callers = make_callers()
        yield callers, make_subjects(User.objects.get(username="owner"))
        transaction.set_rollback(True)
