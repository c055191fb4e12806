"""The SQL statements of a list do not grow with its page."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from taggedimages.factories import make_image, make_user

pytestmark = pytest.mark.django_db


def statements(client, path):
    with CaptureQueriesContext(connection) as captured:
        assert client.get(path).status_code == 200
    return len(captured)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("images", 6),
        ("images?include_ended=true", 6),
        # One of them counts it as an expensive search.
        ("images?search=knee+x&featured=false&ordering=name", 24),
        ("image_tags", 4),
        ("tags", 4),
    ],
)
@pytest.mark.parametrize("root", ["/api/v2", "/current/api/v2"])
def test_statements_of_a_list(login, root, path, expected):
    client, _ = login()
    for size in (2, 30):
        for _ in range(size):
            make_image("knee", "left x", by=make_user())
        # One more tells who calls.
        assert statements(client, f"{root}/{path}") == expected + 1
