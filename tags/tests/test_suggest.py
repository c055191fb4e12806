"""GET /v1/tags/suggest: the tags that somebody may mean who types."""

from datetime import timedelta

import pytest
from django.utils import timezone

from taggedimages.factories import TESTS, make_credentials, make_image, make_spare_tags, make_tag
from taggedimages.identity.models import User
from taggedimages.tests.explaining import explained
from tags import vocabulary
from tags.models import Tag

pytestmark = pytest.mark.django_db


def suggested(client, text: str, **parameters):
    """The names of what is suggested, with the alias in brackets where one was met."""
    answer = client.get("/v1/tags/suggest", {"q": text, **parameters})
    assert answer.status_code == 200, answer.json()
    return [
        one["name"] if one["alias"] is None else f"{one['name']} [{one['alias']}]"
        for one in answer.json()["results"]
    ]


def make_tags(*names: str) -> None:
    for name in names:
        make_tag(name)


def alias(name: str, of: str) -> None:
    vocabulary.alias(make_tag(name), make_tag(of), TESTS)


@pytest.mark.parametrize("slash", ["", "/"])
def test_each_is_a_tag_with_the_alias_that_was_met(api, slash):
    alias("genu", "knee")
    knee = Tag.objects.get(name="knee").pk
    answers = [api.get(f"/v1/tags/suggest{slash}", {"q": text}) for text in ("kn", "gen")]
    assert [answer.json() for answer in answers] == [
        {"results": [{"id": knee, "name": "knee", "alias": None}]},
        {"results": [{"id": knee, "name": "knee", "alias": "genu"}]},
    ]


def test_names_that_begin_so_come_before_those_that_have_it_anywhere(api):
    make_tags("left knee", "knee", "a kneecap", "Kneecap", "hand", "KNEE")
    found = ["KNEE", "knee", "Kneecap", "a kneecap", "left knee"]
    assert suggested(api, "knee") == found
    assert suggested(api, "KN") == found
    assert suggested(api, "n") == ["a kneecap", "hand", "KNEE", "knee", "Kneecap", "left knee"]


def test_any_case_is_by_full_folding(api):
    make_tags("Straße", "ZÜRICH")
    assert suggested(api, "STRASS") == ["Straße"]
    assert suggested(api, "zu\u0308r") == ["ZÜRICH"]


@pytest.mark.parametrize("text", ["100%", "a_b", "a\\b", "a|b"])
def test_nothing_is_a_wildcard(api, text):
    make_tags("100% sure", "a_b", "a\\b", "a|b", "100 sure", "axb", "acb")
    assert len(suggested(api, text)) == 1


def test_a_blank_at_the_end_is_typed_too(api):
    make_tags("left", "left knee", "leftover")
    assert suggested(api, " left ") == ["left knee"]


def test_the_limit_is_how_many_there_are_at_most(api):
    make_tags(*(f"knee {number:02}" for number in range(12)), "the knee")
    assert len(suggested(api, "knee")) == 10
    assert suggested(api, "knee", limit=2) == ["knee 00", "knee 01"]
    assert suggested(api, "knee", limit=100)[-1] == "the knee"


@pytest.mark.parametrize(
    "query",
    ["", "q=", "q=%20", "q=a&limit=0", "q=a&limit=101", "q=a&limit=x", f"q={'a' * 256}", "q=%00"],
)
def test_bad_parameters_are_400(api, query):
    assert api.get(f"/v1/tags/suggest?{query}").status_code == 400


def test_each_tag_comes_once_by_its_own_name_if_that_was_met(api):
    for name in ("kneejoint", "left knee", "genu"):
        alias(name, "knee")
    assert suggested(api, "kn") == ["knee"]
    assert suggested(api, "g") == ["knee [genu]"]
    assert suggested(api, "t k") == ["knee [left knee]"]
    alias("genoux", "knee")
    assert suggested(api, "gen") == ["knee [genoux]"]


def test_an_alias_stands_where_its_own_name_does(api):
    make_tags("genus", "gender")
    alias("genu", "knee")
    assert suggested(api, "gen") == ["gender", "knee [genu]", "genus"]


def test_deprecated_tags_are_never_suggested_nor_their_aliases(api):
    alias("genu", "knee")
    Tag.objects.filter(name="knee").update(status="deprecated")
    assert suggested(api, "knee") == suggested(api, "genu") == []
    Tag.objects.filter(name="knee").update(status="locked")
    assert suggested(api, "knee") == ["knee"]


@pytest.mark.parametrize("text", ["kn", "ee", "knee", "nee"])
def test_only_what_the_caller_is_shown(api, api_as, text):
    mira = api_as(make_credentials("mira"))
    make_image("knees", by=User.objects.get(username="mira"), private=True)
    make_image("knee")
    assert suggested(api, text) == ["knee"]
    assert suggested(mira, text) == ["knee", "knees"]


def test_the_alias_of_a_tag_that_is_not_shown_is_not_met(api, api_as):
    mira = api_as(make_credentials("mira"))
    make_image("knee", by=User.objects.get(username="mira"), private=True)
    alias("genu", "knee")
    assert suggested(api, "gen") == suggested(api, "enu") == []
    assert suggested(mira, "gen") == suggested(mira, "enu") == ["knee [genu]"]


def test_of_images_whose_time_decides(api):
    make_image("knee", ended_at=timezone.now() + timedelta(days=1))
    make_image("knees", created_at=timezone.now() + timedelta(days=1))
    assert suggested(api, "kn") == suggested(api, "ee") == ["knee"]


def test_staff_and_superusers_are_suggested_what_they_are_shown(api_as):
    mira, boss = make_credentials("mira"), api_as(make_credentials("boss", staff=True))
    make_image("knee", by=User.objects.get(username=mira.username), private=True)
    chief = make_credentials("chief")
    User.objects.filter(username="chief").update(is_superuser=True)
    assert suggested(boss, "kn") == suggested(api_as(chief), "kn") == ["knee"]


def test_it_is_limited_as_other_searches_are(api, settings):
    settings.ANONYMOUS, settings.RATE_SEARCHES = "read-only", 1
    answers = [api.get("/v1/tags/suggest?q=kn").status_code for _ in range(2)]
    assert answers == [200, 429]


VOCABULARY = {"tags_tag", "tags_audiencetag"}


@pytest.mark.parametrize(
    ("is_superuser", "text", "index"),
    [
        (False, "spare bc", "audiencetag_by_name"),
        (True, "spare bc", "tag_by_name"),
        (False, "bcdef", "tag_folded_part"),
        (True, "bcdef", "tag_folded_part"),
    ],
)
def test_among_many_names_it_reads_few(api, api_as, is_superuser, text, index):
    make_spare_tags(20_000)
    chief = make_credentials("chief")
    User.objects.filter(username="chief").update(is_superuser=True)
    client = api_as(chief) if is_superuser else api
    plans = explained(lambda: client.get("/v1/tags/suggest", {"q": text, "limit": 5}))
    assert index in {name for plan in plans for name in plan.indexes}
    assert sum(plan.rows(VOCABULARY) for plan in plans) < 200
    assert VOCABULARY.isdisjoint({table for plan in plans for table in plan.scanned})
