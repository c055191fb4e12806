"""`manage.py find`: the same Query from the command line."""

import io
import json
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command

from images import deletion
from taggedimages.factories import TESTS, make_image, make_user
from tags import tagging
from tags.past.tests.ageing import HOUR, let_pass

pytestmark = pytest.mark.django_db


def run(*arguments):
    out = io.StringIO()
    call_command("find", *arguments, stdout=out)
    return out.getvalue()


def found(*arguments):
    return [json.loads(line)["id"] for line in run(*arguments).splitlines()]


def test_it_prints_a_record_a_line():
    noon = datetime(2026, 1, 2, 12, tzinfo=UTC)
    image = make_image("zebra", "été", created_at=noon, filename="knee.png")
    make_image("zebra")
    (line,) = run("exact_tags=zebra|été").splitlines()
    assert json.loads(line) == {
        "id": image.pk,
        "filename": "knee.png",
        "key": image.key,
        "created": "2026-01-02T12:00:00+00:00",
        "tags": ["zebra", "été"],
    }


def test_without_conditions_it_prints_everything_current_in_the_order_asked_for():
    small, large, private = (
        make_image(size=1).pk,
        make_image(size=9).pk,
        make_image(size=5, private=True).pk,
    )
    deletion.delete(make_image())
    assert found("") == [private, large, small]
    assert found("order=largest") == [large, private, small]
    assert run("", "--count") == "3\n"


def test_for_a_user_it_prints_what_that_user_sees():
    mira, other = make_user("mira"), make_user()
    public, hers = make_image().pk, make_image(by=mira, private=True).pk
    make_image(by=other, private=True)
    assert found("", "--user", "mira") == [hers, public]
    assert run("filename=image", "--count", "--user", "mira") == "2\n"


def test_a_percent_sign_is_written_as_in_a_url_or_plainly_where_no_digits_follow():
    image = make_image("100% knee").pk
    assert found("exact_tags=100%25+knee") == found("match_tags=%knee") == [image]


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ("exact_tag=knee", "exact_tag: Not a parameter."),
        ("limit=5", "limit: Not a parameter."),
        ("knee", "knee: Not a parameter."),
        ("order=size", "order: Must be one of: newest, oldest, .*"),
        ("min_width=wide", "min_width: A valid integer is required."),
        ("any_tags=\udcff", "any_tags: Null characters and surrogates are not allowed."),
    ],
)
def test_a_slip_is_told_and_prints_nothing(conditions, message):
    make_image("knee")
    with pytest.raises(CommandError, match=message):
        run(conditions)


def test_an_unknown_user_is_told():
    with pytest.raises(CommandError, match=r"There is no user nobody\."):
        run("", "--user", "nobody")


def test_as_of_an_instant_it_prints_the_tags_of_then():
    image = make_image("knee")
    at = let_pass()
    tagging.retag(image, ["hip"], TESTS)
    (line,) = run(f"exact_tags=knee&as_of={at}").splitlines()
    record = json.loads(line)
    assert (record["id"], record["tags"], record["as_of"]) == (image.pk, ["knee"], at)
    assert run(f"exact_tags=hip&as_of={at}", "--count") == "0\n"
    with pytest.raises(CommandError, match="as_of: Must be 10 seconds ago, or longer"):
        run(f"exact_tags=knee&as_of={at + HOUR}")
