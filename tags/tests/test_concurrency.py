"""Requests that meet: no 5xx, no duplicate, no lost tag, whoever comes first."""

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections
from rest_framework.test import APIClient

from taggedimages.factories import make_image, make_tag
from tags.models import ImageTag, Tag, TagChange
from tags.tests.test_replay import present, replayed

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 12
Call = Callable[[APIClient], Any]


def at_once(*calls: Call) -> list[Any]:
    """Send each request from a thread with its own connection, all at one moment."""
    barrier = threading.Barrier(len(calls))

    def send(call: Call) -> Any:
        client = APIClient(raise_request_exception=False)
        client.default_format = "json"
        barrier.wait(timeout=30)
        try:
            return call(client)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(send, calls))


def put_tags(image_id: int, tags: list[str]) -> Call:
    return lambda client: client.put(f"/v1/images/{image_id}", {"tags": tags})


def post_tag(name: str) -> Call:
    return lambda client: client.post("/v1/tags", {"name": name})


def rename(tag_id: int, name: str) -> Call:
    return lambda client: client.put(f"/v1/tags/{tag_id}", {"name": name})


def delete(path: str) -> Call:
    return lambda client: client.delete(path)


def post_image(tags: list[str]) -> Call:
    return lambda client: client.post("/v1/images", {"filename": "knee.png", "tags": tags})


def statuses(answers: list[Any]) -> set[int]:
    return {answer.status_code for answer in answers}


def tags_of(image_id: int) -> set[str]:
    return set(Tag.objects.filter(images=image_id).values_list("name", flat=True))


def shuffled(names: list[str], seed: int) -> list[str]:
    return random.Random(seed).sample(names, len(names))


def test_thirty_who_create_one_tag_get_the_same_tag():
    answers = at_once(*[post_tag("knee")] * 30)
    tag = Tag.objects.get()
    assert [(answer.status_code, answer.json()) for answer in answers] == [
        (201, {"id": tag.pk, "name": "knee"})
    ] * 30


def test_thirty_who_link_one_pair_make_one_link_and_one_line():
    image = make_image()
    answers = at_once(*[put_tags(image.pk, ["knee"])] * 30)
    assert statuses(answers) == {200}
    assert ImageTag.objects.count() == TagChange.objects.count() == 1


def test_of_two_sets_put_at_once_one_stays_whole():
    image = make_image("before")
    ours, theirs = ["a", "shared", "b"], ["c", "shared", "d"]
    for _ in range(ROUNDS):
        answers = at_once(put_tags(image.pk, ours), put_tags(image.pk, theirs))
        assert statuses(answers) == {200}
        assert tags_of(image.pk) in (set(ours), set(theirs))
    assert replayed() == present()


def test_a_tag_deleted_while_it_is_added_is_gone_or_made_anew():
    image = make_image()
    for _ in range(ROUNDS):
        doomed = make_tag("doomed")
        removed, *added = at_once(
            delete(f"/v1/tags/{doomed.pk}"),
            *[put_tags(image.pk, ["doomed", "stays"])] * 3,
            post_image(["doomed"]),
            post_tag("doomed"),
        )
        assert removed.status_code == 204
        assert statuses(added) <= {200, 201}
        assert tags_of(image.pk) in ({"stays"}, {"doomed", "stays"})
        assert not ImageTag.objects.filter(tag=doomed.pk).exists()
    assert replayed() == present()


def test_a_tag_deleted_by_many_is_deleted_once():
    tag = make_tag("doomed")
    answers = at_once(*[delete(f"/v1/tags/{tag.pk}")] * 8)
    assert sorted(answer.status_code for answer in answers) == [204, *[404] * 7]


def test_a_rename_to_a_name_that_is_being_created_takes_it_or_conflicts():
    for number in range(ROUNDS):
        tag = make_tag(f"old-{number}")
        renamed, created = at_once(rename(tag.pk, f"new-{number}"), post_tag(f"new-{number}"))
        assert created.status_code == 201
        assert renamed.status_code in (200, 409)
        assert (created.json()["id"] == tag.pk) == (renamed.status_code == 200)
        assert Tag.objects.filter(name=f"new-{number}").count() == 1


def test_of_many_renames_to_one_name_one_wins():
    tags = [make_tag(f"old-{number}") for number in range(10)]
    answers = at_once(*[rename(tag.pk, "new") for tag in tags])
    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 9]


def test_of_two_tags_that_swap_names_at_once_none_gets_the_other_s():
    one, two = make_tag("one"), make_tag("two")
    for _ in range(ROUNDS):
        assert statuses(at_once(rename(one.pk, "two"), rename(two.pk, "one"))) == {409}


def test_a_tag_made_and_deleted_over_and_over_never_fails_who_asks_for_it():
    def make_and_delete(client: APIClient) -> Any:
        for _ in range(ROUNDS):
            made = post_tag("comes and goes")(client)
            assert made.status_code == 201
            assert delete(f"/v1/tags/{made.json()['id']}")(client).status_code in (204, 404)
        return made

    at_once(*[make_and_delete] * 8)
    assert not Tag.objects.exists()


def test_a_tag_renamed_while_it_is_deleted_is_gone():
    for number in range(ROUNDS):
        tag = make_tag(f"old-{number}")
        deleted, renamed = at_once(delete(f"/v1/tags/{tag.pk}"), rename(tag.pk, f"new-{number}"))
        assert deleted.status_code == 204
        assert renamed.status_code in (200, 404)
    assert not Tag.objects.exists()


def test_a_tag_renamed_while_it_is_put_stays_on_the_image_under_either_name():
    for number in range(ROUNDS):
        image = make_image(f"old-{number}")
        tag = Tag.objects.get(name=f"old-{number}")
        answers = at_once(
            rename(tag.pk, f"new-{number}"), put_tags(image.pk, [f"old-{number}", "more"])
        )
        assert statuses(answers) == {200}
        assert len(tags_of(image.pk)) == 2


def test_new_tags_named_in_different_orders_never_lock_each_other_out():
    names = [f"tag-{number}" for number in range(40)]
    images = [make_image() for _ in range(10)]
    answers = at_once(
        *[put_tags(image.pk, shuffled(names, image.pk)) for image in images],
    )
    assert statuses(answers) == {200}
    assert all(tags_of(image.pk) == set(names) for image in images)
    assert Tag.objects.count() == 40


def test_images_created_at_once_with_the_same_new_tags_all_get_them():
    names = [f"tag-{number}" for number in range(20)]
    answers = at_once(*[post_image(shuffled(names, seed)) for seed in range(20)])
    assert statuses(answers) == {201}
    assert len({answer.json()["id"] for answer in answers}) == 20
    assert all(tags_of(answer.json()["id"]) == set(names) for answer in answers)
    assert Tag.objects.count() == 20


def test_images_and_tags_deleted_while_they_are_edited_leave_no_failure():
    for number in range(ROUNDS):
        image = make_image("one", "two", "three")
        # Everybody is shown the tag, whatever becomes of that image.
        make_image("two")
        two = Tag.objects.get(name="two")
        calls: list[Any] = [
            delete(f"/v1/images/{image.pk}"),
            delete(f"/v1/tags/{two.pk}"),
            put_tags(image.pk, ["two", "four"]),
            put_tags(image.pk, [f"new-{number}"]),
        ]
        deleted, untagged, *put = at_once(*calls)
        assert (deleted.status_code, untagged.status_code) == (204, 204)
        assert statuses(put) <= {200, 404}
    assert replayed() == present()
