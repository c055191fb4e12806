"""`manage.py contracts`."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from taggedimages.datasets.contracts.looking import look
from taggedimages.datasets.contracts.tests.examples import keep
from taggedimages.factories import make_image, make_user

pytestmark = pytest.mark.django_db


def said(*arguments):
    out = StringIO()
    try:
        call_command("contracts", *arguments, stdout=out)
    except CommandError as ended:
        return ended.returncode, out.getvalue()
    return 0, out.getvalue()


def test_one_is_judged_and_the_exit_status_says_how():
    keep({"none_of": ["todo"]}, {"at_most": 3}, name="tidy")
    make_image("a")
    assert said("tidy") == (
        0,
        "1 images checked by version 1: passes\n"
        "        0  none of todo\n        0  at most 3 tags\nNo tag is called todo.\n",
    )
    image = make_image("todo")
    status, text = said("tidy")
    assert (status, f"1  none of todo, such as {image.pk}" in text) == (1, True)
    assert json.loads(said("tidy", "--json")[1])["rules"][0]["sample"] == [image.pk]


def test_all_are_listed_with_what_was_seen_last():
    version = keep({"at_most": 0}, name="tidy", by=make_user(project_id="lab"))
    keep({"at_most": 0}, name="tidy", by=make_user(project_id="far"))
    make_image("a")
    look(version.contract_id)
    assert said() == (0, "far/tidy: never looked at\nlab/tidy: broken, 1 failures\n")
    assert [json.loads(line)["project"] for line in said("--json")[1].splitlines()] == [
        "far",
        "lab",
    ]


def test_one_that_is_not_there_is_a_mistake():
    with pytest.raises(CommandError, match="no contract tidy"):
        call_command("contracts", "tidy")
