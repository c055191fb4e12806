"""What a list reads does not grow with the corpus: plans at 50,000 images, of every dialect.

Nothing here is about time. Each statement of a request is explained as it ran: which indexes it
used, and how many rows and pages of memory it looked at.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from django.utils import timezone

from images.models import Image
from search.index import project_terms
from search.tests.indexes import merge_all
from taggedimages.dialects.tests.doors import Atmosphere, Door, Ims, SharinPix, Tim
from taggedimages.factories import make_credentials, make_image, make_user
from taggedimages.identity.credentials import CredentialSet
from taggedimages.identity.models import User
from taggedimages.tests import image_corpus
from taggedimages.tests.explaining import Explained, explained
from tags.models import ImageTag, Tag, TagChange

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("plans")]

# What grows with the corpus. Of the vocabulary, joins may read all: it is small beside them.
LARGE = {"images_image", "images_facts", "tags_imagetag", "tags_tagchange"}
# Of a page of a hundred images with twelve tags each.
ROWS, BUFFERS = 3_000, 4_000
DEEP = {"page": 100, "limit": 100}
DAY = 86_400
ACTION = "/v2/{project}/images/resource_instances/action"


class Listing(NamedTuple):
    """A request for a list, the indexes that it has to use, and how much it may read."""

    path: str
    query: dict[str, Any]
    indexes: set[str]
    rows: int = ROWS


def key(*names: str) -> list[dict[str, Any]]:
    return [{"key": name, "values": []} for name in names]


OURS = {
    "images": Listing("/v1/images", {}, {"image_public", "search_setsize_pkey"}),
    "a deep page": Listing("/v1/images", DEEP, {"image_public"}, 10_000 + ROWS),
    "a window": Listing("/v1/images", {"window": 1}, {"image_public"}),
    "uploaded": Listing("/v1/images", {"uploaded_only": "true"}, {"image_public"}),
    "a tag": Listing("/v1/tags/{common}/images", {}, {"imagetag_walk"}),
    "common": Listing("/v1/search/images", {"exact_tags": "common"}, {"imagetag_walk"}),
    "common, a deep page": Listing(
        "/v1/search/images", {"exact_tags": "common", **DEEP}, {"imagetag_walk"}, 10_000 + ROWS
    ),
    "common, a window": Listing(
        "/v1/search/images", {"exact_tags": "common", "window": 1}, {"imagetag_walk"}
    ),
    "seldom": Listing("/v1/search/images", {"exact_tags": "seldom"}, {"imagetag_walk"}),
    "rare": Listing("/v1/search/images", {"exact_tags": "rare"}, {"imagetag_walk"}),
    "two tags": Listing(
        "/v1/search/images", {"exact_tags": "common|often"}, {"imagetag_walk", "search_bitmap_pkey"}
    ),
    "three tags": Listing(
        "/v1/search/images",
        {"exact_tags": "common|often|tag-0000"},
        {"imagetag_walk", "search_bitmap_pkey"},
    ),
    "common and rare": Listing(
        "/v1/search/images", {"exact_tags": "common|rare"}, {"imagetag_walk", "imagetag_once"}
    ),
    "a pattern": Listing(
        "/v1/search/images", {"match_tags": "TAG-499%"}, {"tag_by_name", "imagetag_walk"}
    ),
    "history": Listing("/v1/images/{old}/history", {}, {"tagchange_of_image"}),
}
ATMOSPHERE = {
    "images": Listing("/api/v2/images", {}, {"image_public"}),
    "a rare tag": Listing("/api/v2/images", {"tag_name": "rare"}, {"imagetag_walk"}),
    "by the end": Listing("/api/v2/images", {"ordering": "end_date"}, {"images_image_pkey"}),
    "by the end, a common tag": Listing(
        "/api/v2/images",
        {"ordering": "-end_date,start_date", "tag_name": "common"},
        {"image_newest_first", "imagetag_once"},
    ),
    "not featured": Listing("/api/v2/images", {"featured": "false"}, {"image_public"}),
    "a rare word": Listing(
        "/api/v2/images", {"search": "image-400 rare"}, {"image_name_folded", "imagetag_walk"}
    ),
    "a word of nothing": Listing(
        "/api/v2/images", {"search": "nothing"}, {"image_name_folded", "image_description_folded"}
    ),
    "links of an image": Listing("/api/v2/image_tags", {"image": "{some}"}, {"imagetag_once"}),
    "links of a common tag": Listing(
        "/api/v2/image_tags", {"tag__name": "common"}, {"tags_imagetag_pkey", "search_setsize_pkey"}
    ),
    "links of a tag by its id": Listing(
        "/api/v2/image_tags", {"tag": "{common}"}, {"tags_imagetag_pkey", "search_setsize_pkey"}
    ),
    "links of a rare tag": Listing("/api/v2/image_tags", {"tag__name": "rare"}, {"imagetag_walk"}),
}
SHARINPIX = {
    "everything": Listing("/api/v1/search", {"q": "*"}, set()),
    "a rare tag": Listing("/api/v1/search", {"q": "tags:rare"}, {"imagetag_walk"}),
    "a common tag": Listing("/api/v1/search", {"q": "tags:common"}, set(), 30_000),
    "a rare word": Listing(
        "/api/v1/search",
        {"q": "rare"},
        {"image_filename_folded", "imagetag_walk", "tag_folded_part"},
    ),
    "a word of nothing": Listing(
        "/api/v1/search", {"q": "nothing-of-it"}, {"image_filename_folded", "tag_folded_part"}
    ),
    "an album": Listing("/api/v1/search", {"q": "album_id:ALBUM-77"}, {"image_album_any_case"}),
    "the trash": Listing("/api/v1/trashed_images", {}, {"image_ending"}),
    "links of a rare tag": Listing("/api/v1/tag_images", {"tag_name": "rare"}, {"imagetag_walk"}),
    "links of a common tag": Listing(
        "/api/v1/tag_images", {"tag_name": "common"}, {"imagetag_oldest_first"}, 30_000
    ),
    "links of an image": Listing("/api/v1/tag_images", {"image_id": "{uuid}"}, {"imagetag_once"}),
}
IMS = {
    "images": Listing("/v2/images", {"limit": 100}, {"imagetag_once"}),
    "a page far on": Listing(
        "/v2/images", {"limit": 100, "marker": "{uuid}"}, {"image_of_project"}
    ),
    "common": Listing("/v2/images", {"limit": 100, "tag": "common"}, {"imagetag_once"}),
    "rare": Listing("/v2/images", {"limit": 100, "tag": "rare"}, {"imagetag_walk"}),
    "a value that no image has": Listing(
        "/v2/images", {"limit": 100, "tag": "often=value-2"}, {"imagetag_valued"}
    ),
    # Of a tag that always has a value, every link is asked for one without.
    "tags of the project": Listing(
        "/v2/{project}/images/tags", {}, {"imagetag_walk", "imagetag_valued"}, 30_000
    ),
    "tags of the project, a page": Listing(
        "/v1/cloudimages/tags",
        {"limit": 100, "page": 2},
        {"imagetag_walk", "imagetag_valued"},
        10_000 + ROWS,
    ),
    "a filter": Listing(ACTION, {"action": "filter", "tags": key("rare")}, {"imagetag_walk"}),
    "not a common one": Listing(
        ACTION, {"action": "filter", "not_tags": key("common")}, {"search_bitmap_pkey"}
    ),
    "part of a name": Listing(
        ACTION,
        {"action": "filter", "matches": [{"key": "resource_name", "value": "AGE-4999"}]},
        {"image_name_folded"},
    ),
    "either": Listing(
        ACTION, {"action": "filter", "tags_any": key("rare", "seldom")}, {"imagetag_walk"}
    ),
}
# As above, where another project has an image too.
AMONG_PROJECTS = {
    **{name: IMS[name] for name in ("images", "rare", "a filter", "either")},
    "all": Listing(ACTION, {"action": "filter"}, {"image_of_project", "search_bitmap_pkey"}),
    "a common tag": Listing(
        ACTION,
        {"action": "filter", "tags": key("common")},
        {"image_of_project", "search_bitmap_pkey"},
    ),
    "without tags": Listing(
        ACTION, {"action": "count", "without_any_tag": True}, {"search_bitmap_pkey"}
    ),
    "tags": IMS["tags of the project"]._replace(rows=60_000),
}
# Their totals are counted row by row; their pages are not.
PAGES = {
    "our tags": (Tim, Listing("/v1/tags", {}, {"audiencetag_by_name"})),
    "our tags, a deep page": (
        Tim,
        Listing("/v1/tags", {"page": 40, "limit": 100}, {"audiencetag_by_name"}, 4_000 + ROWS),
    ),
    "atmosphere's tags": (Atmosphere, Listing("/api/v2/tags", {}, {"tags_tag_pkey"})),
    "atmosphere's last links": (
        Atmosphere,
        Listing("/api/v2/image_tags", {"page": "{last}"}, {"tags_imagetag_pkey"}),
    ),
    "atmosphere's links": (Atmosphere, Listing("/api/v2/image_tags", {}, {"tags_imagetag_pkey"})),
    "ims's filter": (Ims, Listing(ACTION, {"action": "filter"}, {"image_newest_first"})),
    "ims's filter of a common tag": (
        Ims,
        Listing(ACTION, {"action": "filter", "tags": key("common")}, {"image_newest_first"}),
    ),
}


@pytest.fixture(scope="module")
def owner(django_db_setup: None, django_db_blocker: Any) -> Iterator[CredentialSet]:
    """Whose the corpus is, which is there for as long as these tests."""
    with django_db_blocker.unblock():
        credentials = make_credentials("owner-of-many")
        user = User.objects.get(pk=credentials.user_id)
        image_corpus.make(user)
        yield credentials
        image_corpus.drop()
        user.delete()


@pytest.fixture
def look(owner: CredentialSet) -> Callable[..., list[Explained]]:
    """Asks for a list through a door, as another user of the same project; tells the plans."""

    def run(door: type[Door], listing: Listing, *, sees_all: bool = False) -> list[Explained]:
        asking = make_credentials()
        User.objects.filter(pk=asking.user_id).update(is_superuser=sees_all)
        client = door(asking)
        shown = Image.objects.filter(visibility=0, ended_at=None)
        some = shown.order_by("-created_at")[20_000]
        known = {
            "common": Tag.objects.get(name="common").pk,
            "some": some.pk,
            "uuid": some.uuid,
            "old": TagChange.objects.filter(image_id__in=shown.values("pk"))[:1].get().image_id,
            "project": owner.project_id,
            "last": ImageTag.objects.filter(image__in=shown).count() // 100,
        }
        path = listing.path.format(**known)
        query = {
            name: value.format(**known) if isinstance(value, str) else value
            for name, value in listing.query.items()
        }
        if query.pop("window", None):
            start = int(timezone.now().timestamp()) - 10 * DAY
            query |= {"start_timestamp": start, "end_timestamp": start + DAY}
        send = client.http.post if "action" in query else client.http.get
        return explained(lambda: send(path, query))

    return run


def assert_bounded(plans: list[Explained], listing: Listing) -> None:
    """No statement reads a large table from end to end, or more than the page needs."""
    for plan in plans:
        assert not plan.scanned & LARGE, plan.sql
        assert plan.rows(LARGE) <= listing.rows, plan.sql
        assert plan.buffers <= BUFFERS + listing.rows, plan.sql
    used = {index for plan in plans for index in plan.indexes}
    assert listing.indexes <= used


@pytest.mark.parametrize("name", OURS)
def test_our_lists(look, name):
    assert_bounded(look(Tim, OURS[name]), OURS[name])


@pytest.mark.parametrize("name", ["images", "a deep page", "a window", "uploaded"])
def test_our_lists_for_superusers_who_see_all(look, name):
    listing = OURS[name]._replace(indexes=set())
    assert_bounded(look(Tim, listing, sees_all=True), listing)


@pytest.mark.parametrize("name", ATMOSPHERE)
def test_lists_of_atmosphere(look, name):
    assert_bounded(look(Atmosphere, ATMOSPHERE[name]), ATMOSPHERE[name])


@pytest.mark.parametrize("name", SHARINPIX)
def test_lists_of_sharinpix_of_up_to_a_thousand_rows(look, name):
    listing = SHARINPIX[name]
    assert_bounded(look(SharinPix, listing), listing._replace(rows=max(listing.rows, 4 * ROWS)))


@pytest.mark.parametrize("name", IMS)
def test_lists_of_ims(look, name):
    assert_bounded(look(Ims, IMS[name]), IMS[name])


@pytest.mark.parametrize("name", AMONG_PROJECTS)
def test_lists_of_ims_among_projects(look, name):
    make_image("common", by=make_user(project_id="another"))
    merge_all()
    project_terms.adopt()
    assert_bounded(look(Ims, AMONG_PROJECTS[name]), AMONG_PROJECTS[name])


@pytest.mark.parametrize("name", PAGES)
def test_pages_of_lists_that_count_by_rows(look, name):
    door, listing = PAGES[name]
    walked = [plan for plan in look(door, listing) if listing.indexes & plan.indexes]
    assert_bounded(walked, listing)
