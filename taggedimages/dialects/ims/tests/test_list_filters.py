"""What narrows and orders lists: a parameter that is not understood never means all."""

from datetime import UTC, datetime, timedelta

import pytest

from images.models import Facts, Image
from taggedimages.factories import make_image, make_pending, unknown_uuid

LISTS = ["/v2/images", "/v2/cloudimages"]
TAGS = ["/v1/cloudimages/tags", "/v2/lab/images/tags"]
AT = datetime(2026, 1, 2, 3, 4, 5, 600_000, UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
def knee(owner):
    """The older of two."""
    image = make_image("knee", by=owner, name="knee", size=12, created_at=AT)
    Image.objects.filter(pk=image.pk).update(updated_at=AT)
    Facts.objects.create(image=image, md5=b"\xab" * 16, sha256=b"\xcd" * 32)
    return image


@pytest.fixture
def hip(owner, knee):
    return make_image(
        "hip", by=owner, name="a,b", size=30, created_at=AT + 60 * SECOND, private=True
    )


@pytest.fixture
def both(knee, hip):
    return {"knee", "a,b"}


def names(client, query, url="/v2/images"):
    response = client.get(f"{url}?{query}")
    assert response.status_code == 200, (query, response.json())
    return [image["name"] for image in response.json()["images"]]


KNEE = f"checksum={'ab' * 16}"
FOUND = {
    "visibility=public": {"knee"},
    "visibility=private": {"a,b"},
    "visibility=shared": set(),
    "visibility=community": set(),
    "visibility=all": {"knee", "a,b"},
    "visibility=public&visibility=private": set(),
    "owner=ada": {"knee", "a,b"},
    "owner=lab": {"knee", "a,b"},
    "owner=eve": set(),
    "owner=": set(),
    "owner=Ada": set(),
    "name=knee": {"knee"},
    "name=eq:knee": {"knee"},
    "name=in:knee,other": {"knee"},
    'name=in:"a,b",knee': {"knee", "a,b"},
    "name=in:": set(),
    "name=": set(),
    "name=Knee": set(),
    "name=x:knee": set(),
    "name=knee&name=knee": {"knee"},
    "name=knee&name=hip": set(),
    "tag=knee&tag=hip": set(),
    "tag=": set(),
    "status=active": {"knee", "a,b"},
    "status=in:active,queued": {"knee", "a,b"},
    "status=queued": set(),
    "status=uploading": set(),
    "protected=false": {"knee", "a,b"},
    "protected=true": set(),
    "os_hidden=False": {"knee", "a,b"},
    "os_hidden=True": set(),
    "member_status=accepted": set(),
    "member_status=all": {"knee", "a,b"},
    "size=12": {"knee"},
    "size_min=13": {"a,b"},
    "size_max=12": {"knee"},
    "size_min=12&size_max=30": {"knee", "a,b"},
    "size_min=99999999999999999999"[:28]: set(),
    KNEE: {"knee"},
    KNEE.upper().replace("CHECKSUM", "checksum"): {"knee"},
    "checksum=ab": set(),
    f"os_hash_value={'cd' * 32}": {"knee"},
    f"os_hash_value={'ab' * 32}": set(),
    "os_hash_algo=sha256": {"knee"},
    "os_hash_algo=md5": set(),
    "min_disk=0": {"knee", "a,b"},
    "min_disk=1": set(),
    "min_ram_min=1": set(),
    "min_ram_max=1": {"knee", "a,b"},
    "disk_format=raw": set(),
    "container_format=in:bare,ovf": set(),
    "virtual_size_max=100": set(),
    "created_at=2026-01-02T03:04:05Z": {"knee"},
    "created_at=eq:2026-01-02T03:04:05": {"knee"},
    "created_at=2026-01-02T04:04:05%2B01:00": {"knee"},
    "created_at=neq:2026-01-02T03:04:05Z": {"a,b"},
    "created_at=gt:2026-01-02T03:04:05Z": {"a,b"},
    "created_at=gte:2026-01-02T03:04:05Z": {"knee", "a,b"},
    "created_at=gte:2026-01-02T03:04:05.5Z": {"a,b"},
    "created_at=lt:2026-01-02T03:04:05Z": set(),
    "created_at=lte:2026-01-02T03:04:05Z": {"knee"},
    "created_at=gt:2026-01-02T03:04:00Z&created_at=lt:2026-01-02T03:04:30Z": {"knee"},
    "created_at=lt:2025-01-01": set(),
    "updated_at=lte:2026-01-02T03:04:05Z": {"knee"},
    "updated_at=gt:9998-01-01T00:00:00Z": set(),
    "__imagetype=gold": {"knee"},
    "__imagetype=private": {"a,b"},
    "__imagetype=market": set(),
    "__imagetype=": set(),
    "__isregistered=true": {"knee", "a,b"},
    "__isregistered=false": set(),
    "__os_type=Linux": set(),
    "__platform=Ubuntu": set(),
    "enterprise_project_id=0": set(),
    "virtual_env_type=FusionCompute": set(),
    f"imageid={unknown_uuid()}": set(),
    "colour=red": set(),
    "colour=": set(),
    "Visibility=public": set(),
    "STATUS=active": set(),
    "offset=0": set(),
    "page=1": set(),
}


@pytest.mark.parametrize("url", LISTS)
@pytest.mark.parametrize("query", FOUND)
def test_what_a_filter_finds(ims, both, query, url):
    assert set(names(ims, query, url)) == FOUND[query]


@pytest.mark.parametrize("url", TAGS)
@pytest.mark.parametrize("query", [one for one in FOUND if not one.startswith("page")])
def test_the_tags_of_what_it_finds(ims, both, query, url):
    tags = ims.get(f"{url}?{query}").json()["tags"]
    keys = {tag["key"] if isinstance(tag, dict) else tag for tag in tags}
    assert keys == {"knee" if name == "knee" else "hip" for name in FOUND[query]}


@pytest.mark.parametrize("parameter", ["id", "imageid"])
def test_ids(ims, knee, hip, parameter):
    assert names(ims, f"{parameter}={knee.uuid}") == ["knee"]
    listed = f"in:{knee.uuid},{hip.uuid},x"
    assert set(names(ims, f"{parameter}={listed}")) == {"knee", "a,b"}
    assert names(ims, f"{parameter}=x") == names(ims, f"{parameter}=") == []


BAD = [
    "visibility=Public",
    "visibility=",
    "status=ACTIVE",
    "status=",
    "status=in:active,x",
    "protected=1",
    "protected=",
    "os_hidden=yes",
    "member_status=x",
    "size=x",
    "size=",
    "size_min=-1",
    "size_max=1.5",
    "min_disk=x",
    "virtual_size_min=x",
    "created_at=x",
    "created_at=",
    "created_at=since:2026-01-02T03:04:05Z",
    "created_at=in:2026-01-02T03:04:05Z",
    "created_at=gt:0001-01-01T00:00:00%2B14:00",
    "created_at=gt:9999-12-31T23:59:59Z",
    "name=gt:knee",
    "name=a%00b",
    "owner=a%00b",
    'name=in:"a',
    "changes-since=2026-01-02T03:04:05Z",
    "__isregistered=x",
    "tag=a&" * 101,
]
BAD_PAGES = [
    "limit=1&limit=2",
    "limit=",
    "marker=x",
    "marker=",
    f"marker={unknown_uuid()}",
    f"marker={unknown_uuid()}&marker=x",
    "sort_key=colour",
    "sort_key=owner",
    "sort_key=",
    "sort_key=Name",
    "sort_dir=up",
    "sort_dir=",
    "sort_dir=ASC",
    "sort=name:up",
    "sort=colour",
    "sort=",
    "sort=name,",
    "sort=name&sort_key=name",
    "sort=name&sort_dir=asc",
    "sort_key=name&sort_dir=asc&sort_dir=desc",
]


@pytest.mark.parametrize("url", [*LISTS, *TAGS])
@pytest.mark.parametrize("query", BAD)
def test_values_that_mean_nothing(ims, both, query, url):
    response = ims.get(f"{url}?{query}")
    assert (response.status_code, response.json()["error"]["code"]) == (400, "IMG.0001")


@pytest.mark.parametrize("url", LISTS)
@pytest.mark.parametrize("query", BAD_PAGES)
def test_pages_and_orders_that_there_are_not(ims, both, query, url):
    response = ims.get(f"{url}?{query}")
    assert (response.status_code, response.json()["error"]["code"]) == (400, "IMG.0001")


@pytest.fixture
def many(owner):
    """From the oldest to the newest."""
    made = [("b", 2), ("a", 2), ("b", 1), ("c", 1)]
    for place, (name, size) in enumerate(made):
        make_image(by=owner, name=name, size=size, created_at=AT + place * SECOND)
    make_pending(by=owner, name="p", size=9, created_at=AT + 4 * SECOND)


ORDERS = {
    "": "pcbab",
    "sort_key=created_at": "pcbab",
    "sort_dir=asc": "babcp",
    "sort_key=name&sort_dir=asc": "abbcp",
    "sort_key=name": "pcbba",
    "sort_key=size&sort_key=name&sort_dir=asc": "bcabp",
    "sort_key=size&sort_dir=desc&sort_key=name&sort_dir=asc": "pabbc",
    "sort=size:desc,name:asc": "pabbc",
    "sort=status:asc,created_at:asc": "babcp",
    "sort=status,name:asc": "pabbc",
    "sort=disk_format:asc,min_ram": "pcbab",
    "sort=updated_at:asc": "babcp",
    "sort=name:asc,name:desc": "abbcp",
}


@pytest.mark.parametrize("query", ORDERS)
def test_orders_and_pages_in_them(ims, many, query):
    assert "".join(names(ims, query)) == ORDERS[query]
    whole = [image["id"] for image in ims.get(f"/v2/images?{query}").json()["images"]]
    url, paged = f"/v2/images?limit=2&{query}", []
    while url:
        page = ims.get(url).json()
        paged += [image["id"] for image in page["images"]]
        url = page.get("next")
    assert paged == whole


def test_by_id(ims, many):
    ids = [image["id"] for image in ims.get("/v2/images?sort=id:asc").json()["images"]]
    assert ids == sorted(ids)


RESOURCES = "/v2/lab/images/resource_instances/action"


@pytest.mark.parametrize(
    "more",
    [
        {"colour": "red"},
        {"tag": [{"key": "knee"}]},
        {"tags": [{"key": "knee", "value": "x"}]},
        {"matches": [{"key": "resource_name", "value": "x", "colour": "red"}]},
    ],
)
@pytest.mark.parametrize("action", ["filter", "count"])
def test_an_unknown_field_of_a_search_is_refused(ims, both, more, action):
    response = ims.post(RESOURCES, {"action": action} | more)
    assert (response.status_code, response.json()["error"]["code"]) == (400, "IMG.0001")


def test_a_search_has_no_parameters_in_its_url(ims, both):
    response = ims.post(f"{RESOURCES}?limit=1", {"action": "filter"})
    assert (response.status_code, response.json()["error"]["code"]) == (400, "IMG.0001")
