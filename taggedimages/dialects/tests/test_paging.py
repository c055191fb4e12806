"""Rule 10: every API counts and pages in its own way; with equal times, by id, without overlap."""

from datetime import UTC, datetime, timedelta

import pytest

from taggedimages.dialects.tests.doors import Atmosphere, Deployed, Ims, SharinPix, Tim
from taggedimages.factories import make_image, make_tag

INSTANT = datetime(2026, 1, 2, 10, tzinfo=UTC)
TOTAL = 7


@pytest.fixture(autouse=True)
def images(owner):
    """Seven images of one instant, made with an older and a newer one around them."""
    times = [INSTANT] * 3 + [INSTANT + timedelta(days=1)] + [INSTANT] * 2
    times += [INSTANT - timedelta(days=1)]
    return [
        make_image("all", by=owner, filename=f"{number}.png", created_at=at)
        for number, at in enumerate(times)
    ]


# Newest first, and where the times are equal, the highest id.
ORDER = ["3.png", "5.png", "4.png", "2.png", "1.png", "0.png", "6.png"]


def tim(door, size):
    for path, query in (("images", {}), ("search/images", {"exact_tags": "all"})):
        number, more, files = 0, True, []
        while more:
            page = door.get(f"/v1/{path}", limit=size, page=number, **query)
            meta = page["meta"]
            assert (meta["current_page"], meta["total_results"]) == (number, TOTAL)
            files += [record["filename"] for record in page["results"]]
            number, more = number + 1, meta["has_more_pages"]
        assert door.get(f"/v1/{path}", limit=size, page=number, **query)["results"] == []
        yield files


def atmosphere(door, size):
    for query in ("", "&tag_name=all", "&ordering=-start_date", "&search=png"):
        following, files = f"{door.root}/images?page_size={size}{query}", []
        while following:
            page = door.get(following)
            assert page["count"] == TOTAL
            files += [image["name"] for image in page["results"]]
            following = page["next"]
        yield files


def ims_filter(door, size):
    files = []
    for offset in range(0, TOTAL, size):
        page = door.act(action="filter", limit=size, offset=offset)
        assert page["total_count"] == TOTAL
        files += [resource["resource_name"] for resource in page["resources"]]
    assert door.act(action="filter", offset=TOTAL)["resources"] == []
    yield files


def ims_list(door, size):
    following, files = f"/v2/images?limit={size}", []
    while following:
        page = door.get(following)
        files += [image["name"] for image in page["images"]]
        following = page.get("next")
    yield files


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize(
    ("door", "walk"),
    [
        (Tim, tim),
        (Atmosphere, atmosphere),
        (Deployed, atmosphere),
        (Ims, ims_filter),
        (Ims, ims_list),
    ],
)
def test_pages_follow_each_other_without_overlap_or_gap(doors, door, walk, size):
    for files in walk(doors[door], size):
        assert files == ORDER


def test_sharinpix_has_one_page_in_the_same_order(doors, owner):
    door = doors[SharinPix]
    assert door.files() == ORDER
    album = door.get("/api/v1/albums/default/images")
    assert [f"{image['filename']}.png" for image in album] == ORDER
    # Whoever asks for a second page does not get the first one again.
    assert door.http.get("/api/v1/albums/default/images", {"page": 2}).status_code == 400


def test_every_door_counts_the_same(doors):
    for door in (Tim, Atmosphere, Deployed, SharinPix, Ims):
        assert doors[door].count("all") == TOTAL, door
        assert doors[door].count("none") == 0, door


def test_tags_and_links_of_one_instant_are_paged_by_id(doors, images):
    for number in range(5):
        make_tag(f"t{number}", created_at=INSTANT)
    for root in (Atmosphere.root, Deployed.root):
        for name in ("tags", "image_tags"):
            ids, following = [], f"{root}/{name}?page_size=2"
            while following:
                page = doors[Atmosphere].get(following)
                ids += [row["id"] for row in page["results"]]
                following = page["next"]
            assert ids == sorted(set(ids))
            assert len(ids) == page["count"]


@pytest.mark.parametrize("size", [1, 2, 4])
def test_the_alphabet_is_paged_without_overlap(doors, size):
    for name in ("B", "a", "b", "A"):
        make_tag(name)
    pages = [
        tag["name"]
        for number in range(5 // size + 1)
        for tag in doors[Tim].get("/v1/tags", limit=size, page=number)["results"]
    ]
    assert pages == ["A", "a", "all", "B", "b"]
    strings = [
        tag
        for number in range(1, 4)
        for tag in doors[Ims].get("/v1/cloudimages/tags", limit=size, page=number)["tags"]
    ]
    assert strings == ["all"]


def test_each_door_has_its_own_bounds_of_a_page(doors):
    assert doors[Tim].http.get("/v1/images?limit=101").status_code == 400
    assert doors[Tim].http.get("/v1/images?page=-1").status_code == 400
    assert doors[Atmosphere].http.get("/api/v2/images?page_size=1001").status_code == 200
    assert doors[Atmosphere].http.get("/api/v2/images?page=0").status_code == 404
    assert doors[Atmosphere].http.get("/api/v2/images?page=2").status_code == 404
    assert doors[Ims].http.get("/v1/cloudimages/tags?limit=501").status_code == 400
    url, body = f"{doors[Ims].root}/resource_instances/action", {"action": "filter"}
    assert doors[Ims].http.post(url, body | {"limit": 1001}).status_code == 400
    assert doors[Ims].http.post(url, body | {"offset": -1}).status_code == 400
