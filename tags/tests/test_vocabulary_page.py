"""The examples of docs/vocabulary.md are what the service answers, one after the other."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from taggedimages.factories import make_image, make_tag
from tags.models import Tag

pytestmark = pytest.mark.django_db

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "vocabulary.md").read_text()
BLOCK = re.compile(r"^```\n(.*?)^```", re.MULTILINE | re.DOTALL)


def examples() -> list[tuple[str, str]]:
    """Each request with the answer that the page shows."""
    lines = [line for block in BLOCK.findall(PAGE) for line in block.splitlines()]
    return list(zip(lines[::2], lines[1::2], strict=True))


def fits(shown: Any, told: Any) -> bool:
    """Whether an answer has all that is shown of it."""
    if isinstance(shown, dict):
        return all(name in told and fits(value, told[name]) for name, value in shown.items())
    if isinstance(shown, list):
        return len(shown) == len(told) and all(map(fits, shown, told))
    return bool(shown == told)


def test_every_example_is_answered_as_it_shows(api):
    for names in (["knee", "left"], ["knee", "left"], ["genu"]):
        make_image(*names)
    make_tag("joint")
    ids = {tag.name: tag.pk for tag in Tag.objects.all()}

    def filled(text: str) -> str:
        return re.sub(r'"?\$(\w+)"?', lambda found: str(ids[found[1]]), text)

    found = examples()
    assert len(found) >= 12
    for request, answer in found:
        method, path, *body = filled(request).split(" ", 2)
        status, _, shown = filled(answer).partition(" ")
        told = api.generic(method, path, "".join(body), content_type="application/json")
        assert told.status_code == int(status), (request, told.content)
        if status == "301":
            assert told["Location"] == shown
        elif shown:
            assert fits(json.loads(shown), told.json()), (request, told.json())
