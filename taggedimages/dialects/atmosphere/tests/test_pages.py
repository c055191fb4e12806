"""Contract Atmosphere, pagination and order."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from images.models import Image
from taggedimages.factories import make_image, make_tag, make_user
from taggedimages.identity.models import User
from tags.models import Tag

pytestmark = pytest.mark.django_db
NOW = timezone.now().replace(microsecond=0) - timedelta(days=1)


def ids(answer):
    return [record["id"] for record in answer.json()["results"]]


def make_tags(count):
    Tag.objects.bulk_create(Tag(name=f"t{n}", folded=f"t{n}") for n in range(count))


def test_an_empty_corpus_is_one_empty_page(api):
    empty = api.get("/api/v2/images").json()
    assert empty == {"count": 0, "next": None, "previous": None, "results": []}


def test_pages_count_from_one_and_link_to_each_other(api):
    tags = [make_tag() for _ in range(5)]
    first = api.get("/api/v2/tags?page_size=2").json()
    second = api.get("/api/v2/tags?page=2&page_size=2").json()
    third = api.get("/api/v2/tags?page=3&page_size=2").json()
    url = "http://testserver/api/v2/tags?"
    assert [page["count"] for page in (first, second, third)] == [5, 5, 5]
    assert (first["previous"], first["next"]) == (None, url + "page=2&page_size=2")
    assert (second["previous"], second["next"]) == (url + "page_size=2", url + "page=3&page_size=2")
    assert (third["previous"], third["next"]) == (url + "page=2&page_size=2", None)
    pages = first["results"] + second["results"] + third["results"]
    assert [tag["id"] for tag in pages] == [tag.pk for tag in tags]


def test_links_keep_other_parameters_and_the_mount_but_no_slash(api):
    for _ in range(3):
        make_image("knee")
    answer = api.get("/current/api/v2/images/?tag_name=knee&page_size=1&page=2").json()
    url = "http://testserver/current/api/v2/images?"
    assert answer["next"] == url + "page=3&page_size=1&tag_name=knee"
    assert answer["previous"] == url + "page_size=1&tag_name=knee"


@pytest.mark.parametrize("size", ["0", "-1", "many", "", "1.5", "%00"])
def test_a_page_size_that_makes_no_sense_is_a_hundred(api, size):
    make_tags(101)
    assert len(ids(api.get(f"/api/v2/tags?page_size={size}"))) == 100
    assert len(ids(api.get("/api/v2/tags"))) == 100


def test_a_page_has_a_thousand_records_at_most(api):
    make_tags(1001)
    for size in ("1000", "1001", "99999999999999999999"):
        assert len(ids(api.get(f"/api/v2/tags?page_size={size}"))) == 1000


@pytest.mark.parametrize("page", ["0", "-1", "2", "x", "1.5", "9" * 30, "9" * 5000, "%00", "1_0"])
@pytest.mark.parametrize("collection", ["images", "image_tags", "tags"])
def test_a_page_that_is_not_there_is_404(api, collection, page):
    make_image("knee")
    answer = api.get(f"/api/v2/{collection}?page={page}")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Invalid page."})


def test_images_come_newest_first_and_by_falling_id_at_the_same_instant(api):
    old = make_image(created_at=NOW - timedelta(hours=1))
    one, two = make_image(created_at=NOW), make_image(created_at=NOW)
    assert ids(api.get("/api/v2/images")) == [two.pk, one.pk, old.pk]


def test_images_without_an_end_come_before_those_with_one(api):
    old = make_image(created_at=NOW - timedelta(hours=1))
    ending = make_image(created_at=NOW, ended_at=timezone.now() + timedelta(days=1))
    assert ids(api.get("/api/v2/images")) == [old.pk, ending.pk]


def test_links_and_tags_come_oldest_first(api):
    image = make_image("zebra", "ant", by=make_user())
    links = list(image.imagetag_set.order_by("id").values_list("pk", flat=True))
    tags = sorted(image.tags.values_list("pk", flat=True))
    assert ids(api.get("/api/v2/image_tags")) == links
    assert ids(api.get("/api/v2/tags")) == tags


@pytest.mark.parametrize("query", ["", "&tag_name=knee", "&featured=true", "&ordering=-start_date"])
@pytest.mark.parametrize("ended", ["", "&include_ended=true"])
def test_whoever_walks_the_pages_sees_each_image_of_theirs_once(api, login, query, ended):
    client, user = login("ann")
    staff, _ = login("boss", project_id="default")
    User.objects.filter(username="boss").update(is_staff=True)
    soon, past = timezone.now() + timedelta(days=1), timezone.now() - timedelta(hours=1)
    private, ending, over = {"private": True}, {"ended_at": soon}, {"ended_at": past}
    kinds: list[dict[str, Any]] = [{}, private, ending, over, private, {}]
    for number, fields in enumerate(kinds):
        by = None if number == 4 else user
        make_image("knee", "featured", by=by, created_at=NOW + timedelta(hours=number), **fields)
    own = {"": [5, 1, 0, 2], "&include_ended=true": [5, 1, 0, 3, 2]}[ended]
    expected = {api: [5, 0, 2], client: own, staff: [own[0], 4, *own[1:]]}
    first = Image.objects.order_by("id")[0].pk
    for caller, order in expected.items():
        if "ordering" in query:
            order = sorted(order, reverse=True)
        walked, following = [], f"/api/v2/images?page_size=1{query}{ended}"
        while following:
            page = caller.get(following).json()
            walked += [image["id"] - first for image in page["results"]]
            following = page["next"]
        assert (walked, page["count"]) == (order, len(order))


def test_links_are_counted_for_each_caller(api, login):
    client, user = login("ann")
    make_image("knee", "left")
    make_image("knee", by=user, private=True)
    make_image("knee", ended_at=timezone.now() + timedelta(days=1))
    make_image("knee", ended_at=NOW)
    for query, counts in {"": (3, 4), "?tag__name=knee": (2, 3), "?tag__name=no": (0, 0)}.items():
        pages = [caller.get(f"/api/v2/image_tags{query}").json() for caller in (api, client)]
        assert tuple(page["count"] for page in pages) == counts
        assert tuple(len(page["results"]) for page in pages) == counts


def test_pages_of_links_hold_all_once_from_either_end(api):
    soon, past = timezone.now() + timedelta(hours=1), timezone.now() - timedelta(hours=1)
    for end in (None, None, soon, past, None):
        make_image("a", "b", "c", ended_at=end)
    make_image("a", "b", private=True)
    whole = ids(api.get("/api/v2/image_tags"))
    assert whole == sorted(whole)
    assert len(whole) == 12
    for size in (1, 5, 6, 11):
        path = f"/api/v2/image_tags?page_size={size}"
        pages = [ids(api.get(f"{path}&page={page}")) for page in range(1, -(-12 // size) + 1)]
        assert [link for page in pages for link in page] == whole
