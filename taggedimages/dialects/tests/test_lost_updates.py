"""Of several who write at once what all have read, one wins and the others are told."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from taggedimages.dialects.tests.doors import Atmosphere, Tim
from taggedimages.factories import make_tag

pytestmark = pytest.mark.django_db(transaction=True)

WRITERS = 8
ONE_WINS = [200, *[412] * (WRITERS - 1)]


def at_once(client, path, writes):
    """Send writes, as (method, body), all for the state that was read before; the statuses."""
    held = {"If-Match": client().get(path)["ETag"]}
    barrier = threading.Barrier(len(writes))

    def send(write):
        method, body = write
        barrier.wait(timeout=30)
        try:
            return getattr(client(), method)(path, body, headers=held).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(writes)) as threads:
        return sorted(threads.map(send, writes))


@pytest.mark.parametrize(
    ("door", "method", "path"),
    [(Tim, "put", "/v1/images/{}"), (Atmosphere, "patch", "/api/v2/images/{}")],
)
def test_of_those_who_tag_an_image(ada, image, door, method, path):
    writes = [(method, {"tags": [f"mine{number}"]}) for number in range(WRITERS)]
    assert at_once(lambda: door(ada).http, path.format(image.pk), writes) == ONE_WINS
    assert image.tags.count() == 1


@pytest.mark.parametrize(
    ("door", "method", "path"),
    [(Tim, "put", "/v1/tags/{}"), (Atmosphere, "patch", "/api/v2/tags/{}")],
)
def test_of_those_who_rename_a_tag(ada, door, method, path):
    path = path.format(make_tag("knee").pk)
    writes = [(method, {"name": f"mine{number}"}) for number in range(WRITERS)]
    assert at_once(lambda: door(ada).http, path, writes) == ONE_WINS


def test_of_those_who_delete_an_image_and_those_who_tag_it(ada, image):
    writes = [("delete", None), ("put", {"tags": ["mine"]})] * (WRITERS // 2)
    statuses = at_once(lambda: Tim(ada).http, f"/v1/images/{image.pk}", writes)
    assert len([status for status in statuses if status < 300]) == 1
    assert set(statuses) <= {200, 204, 404, 412}
