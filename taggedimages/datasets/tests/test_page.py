"""What docs/releases.md has whoever verifies do is right, of what the service serves."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from taggedimages.datasets.tests.releases import make_dataset, ready_image, ready_images, released
from taggedimages.factories import make_credentials, make_user

pytestmark = pytest.mark.django_db

PAGE = (Path(__file__).resolve().parents[3] / "docs/releases.md").read_text()
RELEASE = "/v1/datasets/knees/releases/1"


@pytest.fixture
def program() -> dict[str, Any]:
    """What the Python of the page defines."""
    names: dict[str, Any] = {}
    exec("\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)), names)
    return names


def members(client):
    """The lines of the release, without what is not hashed."""
    answer = client.get(f"{RELEASE}/members")
    lines = [json.loads(line) for line in answer.getvalue().splitlines()]
    return [
        {name: said for name, said in line.items() if name not in {"url", "expires"}}
        for line in lines
    ]


def test_the_digest_and_the_statement_are_verified_by_the_program_of_the_page(api_as, program):
    mira = make_user("mira", project_id="lab")
    ready_images(3, 'a "quoted" tag\\', "ü€😀", by=mira, filename="\x7f\u00e9.png")
    ready_image("knee", by=mira, private=True)
    released(make_dataset("knees", by=mira), by=mira)
    client = api_as(make_credentials("other", project_id="lab"))
    release = client.get(RELEASE).json()
    found = members(client)
    assert [line.get("withheld") for line in found] == [None, None, None, "private"]
    assert program["digest"](found) == release["digest"]
    said = program["stated"](release["signature"], client.get("/.well-known/jwks.json").json())
    assert said["digest"] == release["digest"]
    assert said == json.loads(client.get(f"{RELEASE}/statement").content)
    found[0]["tags"] = ["hip"]
    assert program["digest"](found) != release["digest"]


def test_the_keys_of_a_line_and_of_a_statement_are_those_of_the_page(api, settings):
    settings.ANONYMOUS = "open"
    ready_image("knee")
    released(make_dataset("knees"))
    (line,) = members(api)
    assert sorted(line) == sorted(keys_told("## The line"))
    said = json.loads(api.get(f"{RELEASE}/statement").content)
    assert sorted(said) == sorted(keys_told("## The statement"))


def keys_told(heading: str) -> list[str]:
    """The keys in the first column of the table of a section."""
    section = PAGE.partition(heading)[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`[^|]*) \|", section, re.MULTILINE)
    return [key for row in rows for key in re.findall(r"`(\w+)`", row)]
