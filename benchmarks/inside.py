"""What measurements do within the service's code and on its database, instead of through HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.test import override_settings

COMMON = """
SELECT t.name, t.id FROM search_setsize s JOIN tags_tag t ON t.id = s.set
ORDER BY s.links DESC, t.id LIMIT %s
"""


class TooFewTags(Exception):
    """The service has not enough tags for a measurement; the text says how many it needs."""


@contextmanager
def served() -> Iterator[None]:
    """This process answers requests as a service does whose API is open to all."""
    with override_settings(ALLOWED_HOSTS=["*"], ANONYMOUS="open", SECURE_SSL_REDIRECT=False):
        yield


def common_tags(most: int, fewest: int) -> dict[str, int]:
    """Names and ids of the commonest tags, the commonest first. Raises TooFewTags."""
    with connection.cursor() as cursor:
        cursor.execute(COMMON, [most])
        found = dict(cursor.fetchall())
    if len(found) < fewest:
        raise TooFewTags(f"This takes images with {fewest} tags: load a corpus.")
    return found
