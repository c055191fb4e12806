"""The command `cleanup`."""

import json
from io import StringIO

import pytest
from django.core.management import call_command

from taggedimages.factories import make_image, make_tag
from tags.cleanup import asking, sweep

pytestmark = pytest.mark.django_db


def told(*words: str) -> tuple[list[str], str]:
    """The lines that the command writes, and what it says besides."""
    out, err = StringIO(), StringIO()
    call_command("cleanup", *words, stdout=out, stderr=err)
    return out.getvalue().splitlines(), err.getvalue()


@pytest.fixture(autouse=True)
def vocabulary():
    for name in ("knees", "knee", "knee"):
        make_image(name)
    make_tag("elbow")


def test_it_looks_and_tells_the_surest_first():
    assert told() == (
        [
            "plural: knees (1), knee (2): One is the plural of the other.",
            "never: elbow (0): No image has it.",
        ],
        "",
    )


def test_as_json_each_row_is_a_line():
    lines, _ = told("--json", "--kind", "plural")
    assert [json.loads(line) for line in lines] == [
        {
            "kind": "plural",
            "tag": "knees",
            "images": 1,
            "other": "knee",
            "other_images": 2,
            "why": "One is the plural of the other.",
        }
    ]


def test_kept_it_does_not_look():
    assert told("--kept") == ([], "")
    told()
    assert len(told("--kept")[0]) == 2


def test_where_a_worker_is_at_it_that_is_said():
    asking.ask()
    worker = sweep.Sweep().pieces()
    next(worker)
    lines, said = told()
    assert (lines, "A worker is at it" in said) == ([], True)
