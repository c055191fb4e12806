"""The contracts of docs/contracts.md, put to the service."""

import json
import re
from pathlib import Path

import pytest

from taggedimages.factories import make_image

pytestmark = pytest.mark.django_db

PAGE = (Path(__file__).parents[4] / "docs/contracts.md").read_text()
CONTRACTS = {
    name: json.loads(body)
    for name, body in re.findall(r"`PUT (/v1/contracts/\w+)`[^`]*```json\n(.*?)```", PAGE, re.S)
}


def test_there_are_twenty_rules():
    assert sum(len(said["rules"]) for said in CONTRACTS.values()) == 20


@pytest.mark.parametrize("url", CONTRACTS)
def test_each_contract_is_taken_and_judges(api, url):
    make_image("knee", "annotated", "age")
    assert api.put(url, CONTRACTS[url]).status_code == 201
    report = api.get(f"{url}/report").json()
    assert report["checked"] == 1
    assert [rule["failures"] for rule in report["rules"]].count(1) == 1
    found = api.get("/v1/search/images", {"failing": url.rpartition("/")[2]})
    assert found.json()["meta"]["total_results"] == 1
