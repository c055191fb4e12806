"""Rule 7: an image deleted in any way leaves every list of every API at once; some come back."""

import pytest

from images.models import Image
from taggedimages.dialects.tests.doors import DOORS, Atmosphere, Deployed, Ims, SharinPix, Tim
from taggedimages.factories import make_image
from tags.models import ImageTag, Tag

WAYS = {
    "TIM": lambda doors, image: doors[Tim].delete(image),
    "SharinPix": lambda doors, image: doors[SharinPix].delete(image),
    "SharinPix, several": lambda doors, image: doors[SharinPix].http.delete(
        "/api/v1/images", {"image_ids": [str(image.uuid)]}
    ),
    "Atmosphere": lambda doors, image: doors[Atmosphere].delete(image),
    "Atmosphere as deployed": lambda doors, image: doors[Deployed].delete(image),
}
RESTORABLE = [way for way in WAYS if way != "TIM"]
WHAT_BRINGS_BACK = {
    "SharinPix": lambda doors, image: doors[SharinPix].restore(image),
    "Atmosphere": lambda doors, image: doors[Atmosphere].http.patch(
        f"/api/v2/images/{image.pk}?include_ended=true", {"end_date": None}
    ),
}


@pytest.fixture
def gone(doors, image, owner):
    """The image that is to go, with a tag of its own and one that another has too."""
    make_image("shared", by=owner, filename="stays.png")
    doors[Ims].add(image, "own", "value")
    doors[Tim].add(image, "shared")
    return image


def check_gone(doors, image):
    for reader in DOORS:
        door = doors[reader]
        assert door.read(image).status_code == 404, reader
        assert door.files() == ["stays.png"], reader
        assert (door.found("shared"), door.count("shared")) == (["stays.png"], 1), reader
        assert (door.found("own"), door.count("own")) == ([], 0), reader


def check_links_gone(doors, image):
    tim, sharinpix, ims = doors[Tim], doors[SharinPix], doors[Ims]
    assert tim.http.get(f"/v1/images/{image.pk}/history").status_code == 404
    for tag, total in ((Tag.objects.get(name="own"), 0), (Tag.objects.get(name="shared"), 1)):
        page = tim.get(f"/v1/tags/{tag.pk}/images")
        assert (len(page["results"]), page["meta"]["total_results"]) == (total, total)
    for query in ({}, {"tag__name": "shared"}, {"image": image.pk}):
        links = doors[Atmosphere].links(**query)
        assert image.pk not in [link["image"]["id"] for link in links]
    for query in ({}, {"image_ids[]": image.uuid}, {"album_id": image.album_id}):
        assert str(image.uuid) not in [row["image"]["id"] for row in sharinpix.links(**query)]
    assert ims.http.get(f"{ims.root}/{image.uuid}/tags").status_code == 404
    assert ims.vocabulary() == ["shared"]
    assert ims.get("/v1/cloudimages/tags") == {"tags": ["shared"]}


def check_other_lists(doors, image):
    for door in (doors[Atmosphere], doors[Deployed]):
        found = door.get(f"{door.root}/images", search="knee")
        assert (found["count"], found["results"]) == (0, [])
    albums = doors[SharinPix].get(f"/api/v1/albums/{image.album_id}/images")
    assert [row["filename"] for row in albums] == ["stays"]
    assert doors[SharinPix].get("/api/v1/search", q="knee") == []
    wanted = {"matches": [{"key": "resource_id", "value": str(image.uuid)}]}
    assert doors[Ims].act(action="filter", **wanted) == {"resources": [], "total_count": 0}
    patterns = doors[Tim].get("/v1/search/images", match_tags="OW%|SHA%")
    assert patterns["results"] == []


@pytest.mark.parametrize("way", WAYS)
def test_it_leaves_every_list_count_search_link_filter_and_history(doors, gone, way):
    assert WAYS[way](doors, gone).status_code in (200, 204)
    check_gone(doors, gone)
    check_links_gone(doors, gone)
    check_other_lists(doors, gone)
    assert Image.objects.count() == 2


@pytest.mark.parametrize("way", WAYS)
def test_no_door_writes_to_it_any_more(doors, gone, way):
    WAYS[way](doors, gone)
    links = list(ImageTag.objects.order_by("id").values_list("uuid", "value"))
    for writer in DOORS:
        refusal = 400 if issubclass(writer, Atmosphere) else writer.missing
        assert doors[writer].add(gone, "own").status_code == refusal, writer
    for link in ImageTag.objects.filter(image=gone):
        assert doors[Atmosphere].http.delete(f"/api/v2/image_tags/{link.pk}").status_code == 404
        assert doors[SharinPix].http.delete(f"/api/v1/tag_images/{link.uuid}").status_code == 404
    assert doors[Atmosphere].replace(gone, []).status_code == 404
    assert list(ImageTag.objects.order_by("id").values_list("uuid", "value")) == links


@pytest.mark.parametrize("second", WAYS)
@pytest.mark.parametrize("first", WAYS)
def test_it_cannot_be_deleted_again_through_any_door(doors, gone, first, second):
    WAYS[first](doors, gone)
    again = WAYS[second](doors, gone)
    # Several at once: what is not there is skipped.
    assert (again.status_code, again.content) == (200, b"[]") or again.status_code == 404


@pytest.mark.parametrize("back", WHAT_BRINGS_BACK)
@pytest.mark.parametrize("way", RESTORABLE)
def test_what_is_trashed_or_ended_comes_back_everywhere_with_its_links(doors, gone, way, back):
    links = list(ImageTag.objects.order_by("id").values_list("uuid", "value", "created_at"))
    WAYS[way](doors, gone)
    assert WHAT_BRINGS_BACK[back](doors, gone).status_code == 200
    for reader in DOORS:
        assert sorted(doors[reader].files()) == ["knee.png", "stays.png"], reader
        assert doors[reader].tags(gone) == ["own", "shared"], reader
        assert doors[reader].count("shared") == 2, reader
    assert doors[Ims].values(gone) == {"own": "value", "shared": ""}
    assert doors[SharinPix].get("/api/v1/trashed_images") == []
    assert doors[Atmosphere].get(f"/api/v2/images/{gone.pk}")["end_date"] is None
    assert list(ImageTag.objects.order_by("id").values_list("uuid", "value", "created_at")) == links


@pytest.mark.parametrize("back", WHAT_BRINGS_BACK)
def test_what_tim_deleted_comes_back_through_no_door(doors, gone, back):
    doors[Tim].delete(gone)
    assert doors[SharinPix].get("/api/v1/trashed_images") == []
    assert doors[Atmosphere].get("/api/v2/images", include_ended="true")["count"] == 1
    assert WHAT_BRINGS_BACK[back](doors, gone).status_code == 404
    check_gone(doors, gone)


def test_the_trash_and_the_ended_are_the_same_to_both_that_show_them(doors, gone):
    for way in RESTORABLE:
        WAYS[way](doors, gone)
        assert [one["id"] for one in doors[SharinPix].get("/api/v1/trashed_images")] == [
            str(gone.uuid)
        ]
        ended = doors[Atmosphere].get("/api/v2/images", include_ended="true")["results"]
        assert [one["id"] for one in ended if one["end_date"]] == [gone.pk]
        doors[SharinPix].restore(gone)


def test_an_end_that_lies_ahead_hides_from_nobody_yet(doors, gone):
    assert doors[Atmosphere].edit(gone, end_date="2999-01-01T00:00:00Z").status_code == 200
    for reader in DOORS:
        assert sorted(doors[reader].files()) == ["knee.png", "stays.png"], reader
        assert doors[reader].read(gone).status_code == 200, reader
    assert doors[SharinPix].get("/api/v1/trashed_images") == []


def test_an_end_that_passes_hides_without_anything_having_to_run(doors, gone):
    doors[Atmosphere].edit(gone, end_date="2999-01-01T00:00:00Z")
    # What time does: the end that was set is now behind.
    Image.objects.filter(pk=gone.pk).update(ended_at="2020-01-01T00:00:00Z")
    check_gone(doors, gone)
    check_links_gone(doors, gone)
    check_other_lists(doors, gone)
