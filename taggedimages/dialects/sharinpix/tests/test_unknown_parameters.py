"""Lists know their parameters: one that is passed over would look like all that there is."""

import pytest

from taggedimages.factories import make_image, make_tag, unknown_uuid

URL = "/api/v1"
LISTS = {
    "tag_images": {"image_id", "image_ids[]", "tag_name", "album_id"},
    "tags": {"visible", "listed", "public", "allow_download"},
    "tags_token": set(),
    "tags/autocomplete": {"q", "filters"},
    "tags/shown/public_tags": set(),
    "albums/default/images": set(),
    "search": {"q"},
    "trashed_images": set(),
}
STRANGE = {"colour", "limit", "Q", "Tag_Name", "tag_name[]"}
PARAMETERS = sorted(STRANGE.union(*LISTS.values()))


@pytest.fixture(autouse=True)
def _corpus(ada):
    make_tag("shown", public=True)
    make_image("knee", "shown", by=ada)


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("parameter", PARAMETERS)
def test_a_parameter_of_another_list_is_refused(admin, path, parameter):
    answer = admin.get(f"{URL}/{path}", {parameter: "x"})
    if parameter not in LISTS[path]:
        assert (answer.status_code, answer.content) == (400, b"")
        assert answer.headers["X-message"] == f"{parameter}: There is no such parameter."


@pytest.mark.parametrize("path", LISTS)
def test_what_rails_and_browsers_add_narrows_nothing(admin, settings, path):
    # Whatever second it is, the same URL.
    settings.PRESIGNED_STABLE_SECONDS = 10**9
    noise = {"utf8": "\u2713", "_": "1690000000", "format": "json", "commit": "Go"}
    assert admin.get(f"{URL}/{path}", noise).json() == admin.get(f"{URL}/{path}").json()


@pytest.mark.parametrize(
    "query",
    [
        "tag_images?image_id=x",
        "tag_images?image_id=",
        f"tag_images?image_ids[]={unknown_uuid()}",
        "tag_images?image_ids[]=",
        "tag_images?tag_name=Knee",
        "tag_images?tag_name=",
        "tag_images?album_id=none",
        "tag_images?album_id=",
        "tags?visible=true",
        "tags?listed=false",
        "tags?allow_download=true",
        "tags?listed=true&public=true&visible=true",
        "tags/autocomplete?q=none",
        'tags/autocomplete?filters={"visible":true}',
        "search?q=none",
    ],
)
def test_every_filter_finds_nothing_where_nothing_fits(admin, query):
    answer = admin.get(f"{URL}/{query}")
    assert (answer.status_code, answer.json()) == (200, [])


@pytest.mark.parametrize(
    "query",
    [
        "tag_images?tag_name=knee&tag_name=x",
        "tag_images?image_id=1&image_id=2",
        "tags?visible=perhaps",
        "tags?visible=",
        "tags?visible=true&visible=false",
        "search?q=knee&q=x",
        'tags/autocomplete?filters={"colour":true}',
        'tags/autocomplete?filters={"listed":"true"}',
        'tags/autocomplete?filters={"Listed":true}',
        'tags/autocomplete?filters={"listed":null}',
    ],
)
def test_values_that_mean_nothing_are_refused(admin, query):
    answer = admin.get(f"{URL}/{query}")
    assert (answer.status_code, answer.content) == (400, b"")
    assert answer.headers["X-message"]
