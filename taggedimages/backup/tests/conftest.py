"""A service with something of every kind, which the tests of a module share, and a backup of it."""

import os
import secrets
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from django.conf import settings
from django.db import connection

from images import storage
from images.models import Image
from taggedimages.backup.tests import corpus
from taggedimages.backup.tests.places import Place
from taggedimages.engines import postgres

# Those of the engines of the session, and of its service.
VARIABLES = [
    *("AWS_ENDPOINT_URL_S3", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"),
    *("SECRET_KEY", "TAGGEDIMAGES_DATA", "TAGGEDIMAGES_HOOK_SECRET"),
]


class Source(NamedTuple):
    """What is backed up: where it is, some of its images, and an object that is none of it."""

    place: Place
    images: dict[str, Image]
    orphan: str


@pytest.fixture(scope="module")
def source(
    django_db_setup: None, django_db_blocker: Any, request: pytest.FixtureRequest
) -> Iterator[Source]:
    """The database of this test process, filled, and a bucket of its own: a module that another
    process has taken the middle of is set up twice."""
    # pytest has to be the first that loads them.
    from taggedimages.fixtures import empty_tables

    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch:
        module = request.module.__name__.rpartition(".")[2]
        bucket = f"{settings.S3_BUCKET}-{module}-{secrets.token_hex(2)}"
        patch.setattr(settings, "S3_BUCKET", bucket.replace("_", "-"))
        patch.setattr(settings, "PG_BIN", str(postgres.binaries()))
        patch.setattr(settings, "DATA_FOLDER", settings.BASE_DIR / "no-such-folder")
        storage.ensure_bucket()
        empty_tables()
        yield Source(_place(), corpus.fill(), corpus.put_orphan())
        empty_tables()


def _place() -> Place:
    url = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**connection.settings_dict)
    return Place(
        {name: os.environ[name] for name in VARIABLES}
        | {
            "DATABASE_URL": url,
            "S3_BUCKET": settings.S3_BUCKET,
            "TAGGEDIMAGES_PG_BIN": settings.PG_BIN,
        }
    )
