"""Whom images are shown to is the same before and after they got three steps of visibility."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from images.models import Image
from images.visibility import Visibility
from search.index.verification import verify
from search.tests.indexes import merge_all
from taggedimages.factories import make_image, make_user
from taggedimages.identity.models import User
from tags.models import ImageTag

pytestmark = pytest.mark.django_db(transaction=True)

BEFORE = [
    ("search", "0009_field_words"),
    ("tags", "0013_tag_names_version"),
    ("images", "0008_parts_of_names"),
    ("identity", "0001_initial"),
]
SEEN_BEFORE = """
SELECT i.id, u.username FROM images_image i, identity_user u
WHERE NOT i.private OR i.created_by_id = u.id
"""


def migrate(*targets: tuple[str, str]) -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(list(targets) or executor.loader.graph.leaf_nodes())


def rows(statement: str) -> set[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return set(cursor.fetchall())


@pytest.fixture
def seen_before() -> Iterator[set[tuple[object, ...]]]:
    """Public and private images, of one who was moved to another project too; who sees them."""
    mira, mover = make_user("mira"), make_user("mover", project_id="elsewhere")
    for by in (None, mira, mover):
        for visibility in (Visibility.PUBLIC, Visibility.PRIVATE):
            make_image("knee", by=by, visibility=visibility)
    make_user("mover", project_id="default")
    merge_all()
    migrate(*BEFORE)
    yield rows(SEEN_BEFORE)
    migrate()


def test_an_upgrade_shows_nobody_more_or_less(seen_before):
    migrate()
    seen = {
        (image.pk, user.username)
        for user in User.objects.all()
        for image in Image.objects.visible_to(user)
    }
    assert seen == seen_before
    assert not Image.objects.filter(visibility=Visibility.PROJECT).exists()
    # Links, and with the next merge the index, know it as images do.
    for user in User.objects.all():
        links = ImageTag.objects.visible_to(user).values_list("image", flat=True)
        assert {(image, user.username) for image in links} == {
            pair for pair in seen if pair[1] == user.username
        }
    merge_all()
    assert verify().right
