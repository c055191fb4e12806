"""The processes of the web front: how many, and how they end."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import transaction

from images.models import Image
from taggedimages.factories import make_image
from taggedimages.serving.tests.conftest import Front, running

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def shared(environment):
    with running(environment | {"TAGGEDIMAGES_WEB_PROCESSES": "2"}) as front:
        yield front


def test_there_are_so_many_which_end_with_the_last_answer(front: Front) -> None:
    assert len(front.workers) == 2
    image = make_image("knee")
    with ThreadPoolExecutor(1) as clients:
        with transaction.atomic():
            Image.objects.select_for_update().get(pk=image.pk)
            under_way = clients.submit(front.request, "DELETE", f"/v1/images/{image.pk}")
            time.sleep(0.5)
            front.process.terminate()
            time.sleep(0.5)
        assert under_way.result().status_code == 204
    assert front.process.wait(20) == 0
