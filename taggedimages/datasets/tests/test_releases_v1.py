"""/v1/datasets/{name}/releases: asked for, built by the worker, told, and refused."""

import json
import time

import pytest

from images import deletion
from images.models import Image
from taggedimages.datasets import building
from taggedimages.datasets.models import Release
from taggedimages.datasets.proposing import BUILDING_MOST
from taggedimages.datasets.tests.releases import make_dataset, ready_image, ready_images
from taggedimages.factories import make_credentials
from taggedimages.identity.models import User

pytestmark = pytest.mark.django_db

RELEASES = "/v1/datasets/knees/releases"
KNEES = {"query": {"exact_tags": ["knee"]}}
HALVES = {"ratios": {"train": 50, "test": 50}}


@pytest.fixture
def mira(api_as):
    """A member of the project lab, who has made the data set `knees`."""
    credentials = make_credentials("mira", project_id="lab")
    make_dataset("knees", by=User.objects.get(username="mira"))
    return api_as(credentials)


def refused(client, body):
    """The answer to what is refused; nothing of it is left."""
    answer = client.post(RELEASES, body)
    assert not Release.objects.exists()
    return answer.status_code, answer.json()


class TestARelease:
    def test_is_building_until_the_worker_has_made_it(self, mira):
        ready_images(2, "knee")
        answer = mira.post(RELEASES, KNEES)
        assert answer.status_code == 202
        assert answer["Location"] == f"http://testserver{RELEASES}/1"
        waiting = answer.json()
        assert (waiting["version"], waiting["state"], waiting["problem"]) == (1, "building", "")
        for name in ("digest", "quote", "cite", "signature", "instant", "splits", "refusal"):
            assert waiting[name] is None
        assert mira.get(f"{RELEASES}/1/statement").status_code == 409
        building.sweep()
        made = mira.get(f"{RELEASES}/1").json()
        assert (made["state"], made["members"], made["withheld"], made["erased"]) == (
            *("released", 2),
            *(0, 0),
        )
        assert made["quote"] == f"knees@1 {made['digest']}"
        said = mira.get(f"{RELEASES}/1/statement")
        assert said["Content-Type"] == "application/json"
        assert json.loads(said.content)["digest"] == made["digest"]

    def test_is_cited_with_its_digest_and_where_it_is(self, mira):
        ready_image("knee")
        mira.post(RELEASES, KNEES)
        building.sweep()
        made = mira.get(f"{RELEASES}/1").json()
        year = time.gmtime(made["released_timestamp"]).tm_year
        assert made["cite"].splitlines() == [
            "@misc{knees-1,",
            "  title = {knees, release 1},",
            f"  year = {{{year}}},",
            f"  note = {{{made['quote']}}},",
            f"  url = {{http://testserver{RELEASES}/1}}",
            "}",
        ]

    def test_has_the_number_after_the_last_and_failed_ones_have_theirs(self, mira):
        image = ready_image("knee")
        assert [mira.post(RELEASES, KNEES).json()["version"] for _ in range(2)] == [1, 2]
        building.sweep()
        deletion.trash(image)
        building.sweep()
        ready_image("knee")
        assert mira.post(RELEASES, KNEES).json()["version"] == 3
        page = mira.get(RELEASES).json()
        told = [(one["version"], one["state"]) for one in page["results"]]
        assert told == [(3, "building"), (2, "failed"), (1, "released")]
        assert mira.get("/v1/datasets/knees").json()["latest"] == 1

    def test_once_retired_tells_what_it_consisted_of(self, mira):
        ready_image("knee")
        mira.post(RELEASES, KNEES)
        assert mira.post(f"{RELEASES}/1/retire").status_code == 409
        building.sweep()
        before = mira.get(f"{RELEASES}/1").json()
        after = mira.post(f"{RELEASES}/1/retire").json()
        assert after["retired_timestamp"] >= before["released_timestamp"]
        now = {"state": "retired", "retired_timestamp": after["retired_timestamp"]}
        assert after == before | now
        assert mira.get(f"{RELEASES}/1/statement").status_code == 200

    def test_has_splits_told_and_signed(self, mira):
        ready_images(20, "knee")
        mira.post(RELEASES, KNEES | {"splits": HALVES})
        building.sweep()
        made = mira.get(f"{RELEASES}/1").json()
        assert sum(one["images"] for one in made["splits"].values()) == 20
        said = json.loads(mira.get(f"{RELEASES}/1/statement").content)
        assert said["splits"]["splits"] == made["splits"]
        assert said["splits"]["proof"] == made["proof"]
        assert said["splits"]["asked"]["ratios"] == {"train": 50, "validation": 0, "test": 50}


class TestIsRefused:
    def test_what_finds_nothing(self, mira):
        assert refused(mira, KNEES) == (
            422,
            {"code": 422, "message": "No image is found that could be released.", "found": 0},
        )

    def test_copies_of_one_file_in_two_splits(self, mira):
        body = b"the same bytes"
        for number in range(12):
            ready_image("knee", body=body, filename=f"{number}.png")
        make_dataset("by-name", by=User.objects.get(), group={"filename": r"^([0-9]+)"})
        path = RELEASES.replace("knees", "by-name")
        answer = mira.post(path, KNEES | {"splits": HALVES})
        assert answer.status_code == 422
        assert answer.json()["crossing"]["count"] > 0
        assert not Release.objects.exists()

    def test_a_broken_contract_unless_it_is_waived_with_a_reason(self, mira):
        image = ready_image("knee")
        contract = {"when": {"exact_tags": ["knee"]}, "rules": [{"exactly_one_of": ["l", "r"]}]}
        assert mira.put("/v1/contracts/sides", contract).status_code == 201
        asked = KNEES | {"contracts": ["sides"]}
        status, told = refused(mira, asked)
        assert (status, told["code"]) == (422, 422)
        (rule,) = told["report"]["sides"]["rules"]
        assert (rule["failures"], rule["sample"]) == (1, [image.pk])
        assert refused(mira, asked | {"waive": {"sides": " "}})[0] == 400
        assert mira.post(RELEASES, asked | {"waive": {"sides": "old ones"}}).status_code == 202
        building.sweep()
        (contract,) = mira.get(f"{RELEASES}/1").json()["contracts"]
        assert (contract["contract"], contract["waived"]) == ("sides", "old ones")
        said = json.loads(Release.objects.get().statement)
        assert said["contracts"] == [contract]
        # What is signed for good names no image.
        assert "sample" not in contract["rules"][0]

    @pytest.mark.parametrize(
        "wrong",
        [
            {},
            {"query": {}},
            {"query": {"exact_tags": ["knee"], "everything": True}},
            {"query": {"unknown": 1}},
            {"query": {"exact_tags": ["knee"], "as_of": 0}},
            KNEES | {"as_of": True},
            KNEES | {"as_of": -1},
            KNEES | {"splits": {"ratios": {"train": 50}}},
            KNEES | {"contracts": ["none"]},
            KNEES | {"contracts": "none"},
            KNEES | {"waive": {"none": "because"}},
            KNEES | {"unready": "keep"},
            KNEES | {"other": 1},
        ],
        ids=str,
    )
    def test_what_cannot_be_meant(self, mira, wrong):
        ready_image("knee")
        assert refused(mira, wrong)[0] == 400

    def test_an_instant_that_is_not_over_yet(self, mira):
        ready_image("knee")
        for ahead in (0, 3_600):
            assert refused(mira, KNEES | {"as_of": int(time.time()) + ahead})[0] == 400

    def test_one_more_than_may_wait(self, mira):
        ready_image("knee")
        for _ in range(BUILDING_MOST):
            assert mira.post(RELEASES, KNEES).status_code == 202
        assert mira.post(RELEASES, KNEES).status_code == 409


class TestWhoSees:
    def test_a_release_is_the_projects(self, mira, api_as):
        ready_image("knee")
        mira.post(RELEASES, KNEES)
        other = api_as(make_credentials("other", project_id="lab"))
        assert other.get(f"{RELEASES}/1").status_code == 200
        assert other.post(RELEASES, KNEES).json()["created_by"] == "other"
        stranger = api_as(make_credentials("stranger", project_id="far"))
        for path in ("", "/1", "/1/statement"):
            assert stranger.get(RELEASES + path).status_code == 404
        assert stranger.post(RELEASES, KNEES).status_code == 404
        assert stranger.get("/v1/datasets").json()["results"] == []
        assert stranger.post("/v1/datasets", {"name": "knees"}).status_code == 409

    def test_which_images_refused_a_release_is_told_to_its_author_alone(self, mira, api_as):
        by = User.objects.get(username="mira")
        image = ready_image("knee", by=by, private=True)
        mira.post(RELEASES, KNEES)
        Image.objects.filter(pk=image.pk).update(processed_at=None)
        building.sweep()
        other = api_as(make_credentials("other", project_id="lab"))
        told = mira.get(f"{RELEASES}/1").json()
        assert told["state"] == "failed"
        assert told["refusal"]["unready"] == {"count": 1, "images": [image.pk]}
        assert told["refusal"]["message"] == told["problem"]
        assert other.get(f"{RELEASES}/1").json()["refusal"] == {
            "code": 422,
            "message": told["problem"],
        }

    def test_what_somebody_else_may_not_see_is_withheld(self, mira, api_as):
        by = User.objects.get(username="mira")
        ready_image("knee", by=by, private=True)
        ready_image("knee", by=by)
        mira.post(RELEASES, KNEES)
        building.sweep()
        other = api_as(make_credentials("other", project_id="lab"))
        assert mira.get(f"{RELEASES}/1").json()["withheld"] == 0
        assert other.get(f"{RELEASES}/1").json()["withheld"] == 1
