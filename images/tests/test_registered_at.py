"""When a record came is told by the database alone, whatever it says of itself."""

from datetime import UTC, datetime

import pytest
from django.db import DatabaseError, connection, transaction

from images.inserts import File, insert, register
from images.models import Image
from images.visibility import Visibility
from taggedimages.factories import make_image
from taggedimages.identity.models import Project

pytestmark = pytest.mark.django_db

LONG_AGO = datetime(2001, 2, 3, tzinfo=UTC)


@pytest.fixture
def project() -> Project:
    return Project.objects.get_or_create(id="default")[0]


def now() -> datetime:
    """The database's clock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        told: datetime = cursor.fetchone()[0]
        return told


def test_of_one_record_and_of_many_it_is_when_they_came(api, project):
    before = now()
    assert api.post("/v1/images", {"filename": "knee.png"}).status_code == 201
    one = Image(filename="a.png", name="a.png", key="a", project=project, created_at=LONG_AGO)
    insert(one)
    file = File("b", "b.png", "", 1, Visibility.PUBLIC, LONG_AGO, LONG_AGO)
    register([file], Image(project=project))
    came = list(Image.objects.values_list("registered_at", flat=True))
    assert len(came) == 3
    assert all(moment and before < moment < now() for moment in came)
    assert one.registered_at in came


def test_saving_the_whole_record_keeps_it(project):
    image = Image(filename="a.png", name="a.png", key="a", project=project)
    insert(image)
    image.name = "b.png"
    image.save()
    image.refresh_from_db()
    assert image.name == "b.png"


@pytest.mark.parametrize("to", [LONG_AGO, None])
def test_nobody_changes_it(to):
    image = make_image()
    with pytest.raises(DatabaseError, match="is for good"), transaction.atomic():
        Image.objects.update(registered_at=to)
    assert Image.objects.get().registered_at == image.registered_at
