"""Tags that are deleted while they are put on images: by name they are made anew, by id unknown."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt
import pytest
from django.db import connections, transaction
from rest_framework.test import APIClient

from images.models import Image
from taggedimages.dialects.tests.doors import Atmosphere, Ims, OpenStack, SharinPix, Tim
from taggedimages.factories import make_image, make_tag
from taggedimages.identity.authors import Author
from taggedimages.identity.credentials import CredentialSet
from tags import curation, resolving
from tags.models import Tag

pytestmark = pytest.mark.django_db(transaction=True)

OPERATOR = Author(None, "test", is_operator=True)
NAME, ROUNDS, WRITERS = "knee", 12, 3


def while_deleting(write: Any) -> list[Any]:
    """What writers get, each many times, while two others delete the tag as fast as they can."""
    ended = threading.Event()

    def delete() -> None:
        try:
            while not ended.is_set():
                for tag in Tag.objects.filter(name=NAME):
                    curation.delete(tag, OPERATOR)
        finally:
            connections.close_all()

    def writing(_: int) -> list[Any]:
        try:
            return [write() for _ in range(ROUNDS)]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(WRITERS + 2) as threads:
        deleters = [threads.submit(delete) for _ in range(2)]
        try:
            got = [one for many in threads.map(writing, range(WRITERS)) for one in many]
        finally:
            ended.set()
    for deleter in deleters:
        deleter.result()
    return got


def tags_named_by_a_token(who: CredentialSet) -> Any:
    """Asks for the tags that a token names, which are made where absent."""
    tags = {"album": {"x": {"Access": {"see": True}, "Tags": {NAME: {"en": NAME}}}}}
    token = jwt.encode({"iss": who.secret_id, "abilities": tags}, who.secret, "HS256")
    login: Any = {"HTTP_AUTHORIZATION": f'Token token="{token}"'}
    return APIClient(raise_request_exception=False, **login).get("/api/v1/tags_token")


def writes(ada: CredentialSet, image: Image) -> dict[str, Callable[[], Any]]:
    """By door, how a tag is put on an image by its name."""
    return {
        "v1": lambda: Tim(ada).replace(image, [NAME]),
        "atmosphere": lambda: Atmosphere(ada).replace(image, [NAME]),
        "sharinpix": lambda: SharinPix(ada).add(image, NAME),
        "token": lambda: tags_named_by_a_token(ada),
        "ims": lambda: Ims(ada).add(image, NAME, "left"),
        "openstack": lambda: OpenStack(ada).add(image, NAME),
        "new": lambda: Tim(ada).http.post("/v1/images", {"filename": "a.png", "tags": [NAME]}),
    }


@pytest.mark.parametrize(
    "door", ["v1", "atmosphere", "sharinpix", "token", "ims", "openstack", "new"]
)
def test_by_its_name_it_is_put_on_all_the_same(ada, owner, door):
    image = make_image(by=owner, project_id="lab")
    write = writes(ada, image)[door]
    assert set(while_deleting(lambda: write().status_code)) <= {200, 201, 204}


def test_a_link_by_id_is_made_or_the_tag_is_unknown(ada, owner):
    image = make_image(by=owner, project_id="lab")

    def link() -> int:
        tag = curation.create(NAME, Author(owner, "tests"))
        body = {"image": image.pk, "tag": tag.pk}
        return Atmosphere(ada).http.post("/api/v2/image_tags", body).status_code

    assert set(while_deleting(link)) <= {200, 201, 400}


def test_who_deletes_waits_for_the_link_that_is_being_made(ada):
    """Held from where the tag is found, not from where the link's key is checked: at the end."""
    make_tag(NAME)
    found, ended = threading.Event(), threading.Event()

    def put_on() -> None:
        try:
            with transaction.atomic():
                resolving.resolve([NAME])
                found.set()
                assert not ended.wait(0.5)
        finally:
            connections.close_all()

    def delete() -> None:
        try:
            assert found.wait(10)
            curation.delete(Tag.objects.get(name=NAME), OPERATOR)
            ended.set()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as threads:
        for future in [threads.submit(put_on), threads.submit(delete)]:
            future.result()
    assert ended.is_set()
    assert not Tag.objects.filter(name=NAME).exists()
