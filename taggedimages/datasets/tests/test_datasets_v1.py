"""/v1/datasets: data sets are made, and seen by the members of their project alone."""

import pytest

from taggedimages.factories import make_credentials

pytestmark = pytest.mark.django_db


@pytest.fixture
def mira(api_as):
    return api_as(make_credentials("mira", project_id="lab"))


def test_a_data_set_is_told_with_its_salt(mira):
    body = {"name": "knees", "description": "Left and right.", "license": "CC-BY-4.0"}
    answer = mira.post("/v1/datasets", body)
    assert answer.status_code == 201
    made = dict(answer.json())
    assert len(bytes.fromhex(made.pop("salt"))) == 32
    assert made.pop("created_timestamp") > 0
    assert made == body | {"group": None, "latest": None, "created_by": "mira"}
    assert answer["Location"] == "http://testserver/v1/datasets/knees"
    assert mira.get("/v1/datasets/knees").json() == answer.json()
