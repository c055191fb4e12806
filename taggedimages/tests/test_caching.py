"""Who may store which answer: Cache-Control and Vary, on every kind of answer."""

import pytest

from taggedimages.factories import make_credentials, make_image, make_tag

pytestmark = pytest.mark.django_db

CREDENTIALS = "Authorization, X-Auth-Token"


@pytest.fixture
def mira(api_as):
    """A client of somebody who is known."""
    return api_as(make_credentials("mira"))


@pytest.fixture
def records():
    """The paths of single records, of an image and a tag."""
    image, tag = make_image("knee"), make_tag("knee")
    return [f"/v1/images/{image.pk}", f"/v1/tags/{tag.pk}", f"/api/v2/images/{image.pk}"]


def test_what_anybody_may_read_anybody_may_store_and_asks_again(api, records):
    for path in records:
        answer = api.get(path)
        assert answer["Cache-Control"] == "public, no-cache"
        assert answer["Vary"] == CREDENTIALS


def test_what_somebody_read_is_theirs_to_store(mira, records):
    for path in records:
        answer = mira.get(path)
        assert answer["Cache-Control"] == "private, no-cache"
        assert answer["Vary"] == CREDENTIALS


def test_a_token_that_counts_for_nothing_makes_no_answer_public(api, records):
    answer = api.get(records[2], headers={"Authorization": "TOKEN nobody's"})
    assert (answer.status_code, answer["Cache-Control"]) == (200, "private, no-cache")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/images",
        "/v1/tags",
        "/v1/search/images?exact_tags=knee",
        "/v1/images/{}/facts",
        "/v1/images/{}/history",
        "/v1/images/{}/similar",
        "/api/v2/images",
        "/healthz",
        "/v1/openapi.json",
    ],
)
def test_lists_and_the_like_are_not_stored(api, mira, path):
    path = path.format(make_image("knee").pk)
    for client in (api, mira):
        answer = client.get(path)
        assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")


def test_errors_are_not_stored(api):
    for path in ("/v1/images/999999", "/v1/images/x", "/nothing", "/api/v2/images/9", "/v2/images"):
        answer = api.get(path)
        assert answer.status_code >= 400
        assert answer["Cache-Control"] == "no-store"


def test_answers_to_writes_are_not_stored(api, records):
    made = api.post("/v1/images", {"filename": "knee.png"})
    changed = api.put(records[0], {"tags": ["elbow"]})
    gone = api.delete(records[0])
    assert [one.status_code for one in (made, changed, gone)] == [201, 200, 204]
    assert {one["Cache-Control"] for one in (made, changed, gone)} == {"no-store"}


def test_tokens_are_not_stored(api):
    mira = make_credentials("mira")
    token = {"Authorization": f"TOKEN {mira.token}"}
    shown = api.get(f"/api/v2/tokens/{mira.token}", headers=token)
    assert (shown.status_code, shown["Cache-Control"]) == (200, "no-store")


def test_static_files_and_the_admin_speak_for_themselves(client):
    style = client.get("/static/admin/css/base.css")
    style.close()
    assert "max-age" in style["Cache-Control"]
    assert "private" in client.get("/admin/login/")["Cache-Control"]
