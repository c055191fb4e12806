"""Where reads go while a request is answered from another server than the primary."""

import pytest
from django.db import connection, connections, transaction

from taggedimages.factories import make_tag
from taggedimages.postgresql.routing import (
    Reading,
    Router,
    read_connection,
    reading,
    reads,
    resumed,
)
from tags.models import Tag

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def elsewhere():
    """A second name for the one database."""
    connections["elsewhere"] = connection.copy("elsewhere")
    yield Reading("elsewhere")
    connections["elsewhere"].close()
    del connections["elsewhere"]


@pytest.fixture
def routed(settings):
    settings.DATABASE_ROUTERS = [Router()]


def test_reads_of_a_request_go_where_it_was_sent(elsewhere):
    assert (reading(), read_connection().alias) == ("default", "default")
    with reads(elsewhere):
        assert (reading(), read_connection().alias) == ("elsewhere", "elsewhere")
    assert reading() == "default"


def test_a_transaction_reads_where_it_writes(elsewhere):
    with reads(elsewhere), transaction.atomic():
        assert reading() == "default"


def test_after_a_write_a_request_reads_what_it_wrote(elsewhere, routed):
    with reads(elsewhere):
        assert Tag.objects.all().db == "elsewhere"
        make_tag("knee")
        assert Tag.objects.get(name="knee")._state.db == "default"


def test_a_body_that_is_made_while_it_is_sent_is_read_where_it_began(elsewhere):
    chunks = resumed(elsewhere, (reading().encode() for _ in range(2)))
    assert [(chunk, reading()) for chunk in chunks] == [(b"elsewhere", "default")] * 2
