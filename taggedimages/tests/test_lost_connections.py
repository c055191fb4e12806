"""The server ends a connection at any moment: all that Django raises then is Django's own."""

from contextlib import closing

import psycopg2
import pytest
from django.db import OperationalError, connection

from taggedimages.factories import make_tag
from tags.models import Tag

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def anew():
    """No later test gets the connection that was ended."""
    yield
    connection.close()


def end_connection():
    pid = connection.connection.info.backend_pid
    with closing(psycopg2.connect(**connection.get_connection_params())) as other, other:
        other.cursor().execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


def test_while_rows_are_read_one_by_one():
    make_tag("knee")
    make_tag("left")
    tags = Tag.objects.iterator(chunk_size=1)
    next(tags)
    end_connection()
    with pytest.raises(OperationalError):
        next(tags)


def test_when_all_of_them_were_read():
    """As at the end of `iterator()`."""
    cursor = connection.chunked_cursor()
    cursor.execute("SELECT FROM tags_tag")
    assert cursor.fetchall() == []
    end_connection()
    with pytest.raises(OperationalError):
        cursor.close()


def test_a_cursor_of_a_block_leaves_its_error_to_the_block():
    def fails():
        with connection.chunked_cursor() as cursor:
            cursor.execute("SELECT 1")
            end_connection()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
