"""/v1/contracts: versions, reports, and what is refused."""

import pytest
from rest_framework.test import APIClient

from taggedimages.datasets.contracts import keeping
from taggedimages.datasets.contracts.looking import look
from taggedimages.datasets.contracts.models import Contract
from taggedimages.datasets.contracts.tests.examples import keep
from taggedimages.factories import make_credentials, make_image
from taggedimages.identity.models import User

pytestmark = pytest.mark.django_db

EVERYTHING = {"everything": True}
SIDES = {
    "when": {"any_tags": ["knee", "hip"]},
    "rules": [{"exactly_one_of": ["left", "right", "both"]}, {"if": ["ct"], "all_of": ["body"]}],
}
URL = "/v1/contracts/sides"


@pytest.fixture
def lab():
    """A member of the project `lab`, calling."""
    return caller("lab")


class Caller(APIClient):
    """Who calls with a token, and whose that is."""

    def __init__(self, token, user):
        super().__init__(HTTP_AUTHORIZATION=f"Bearer {token}")
        self.user = user


def caller(project_id, **options):
    made = make_credentials(project_id=project_id, **options)
    return Caller(made.token, User.objects.get(username=made.username))


def put(api, url=URL, **said):
    return api.put(url, SIDES | said, format="json")


def test_a_contract_is_made_and_read(lab):
    made = put(lab)
    assert made.status_code == 201
    record = made.json()
    assert record == lab.get(URL).json()
    assert record.pop("created_timestamp") > 0
    assert record == {
        "name": "sides",
        "project": "lab",
        "version": 1,
        **SIDES,
        "severity": "error",
        "max_failures": 0,
        "created_by": lab.user.username,
        "latest_look": None,
    }


def test_each_change_is_a_version_and_what_it_says_already_is_none(lab):
    put(lab)
    assert (put(lab).status_code, put(lab).json()["version"]) == (200, 1)
    assert put(lab, severity="warning").json()["version"] == 2
    assert put(lab, rules=[{"at_most": 5}]).json()["version"] == 3
    versions = lab.get(f"{URL}/versions").json()["results"]
    assert [(one["version"], one["severity"]) for one in versions] == [
        (3, "error"),
        (2, "warning"),
        (1, "error"),
    ]


def test_one_that_was_given_up_goes_on_counting(lab):
    put(lab)
    assert lab.delete(URL).status_code == 204
    assert {lab.get(URL).status_code, lab.delete(URL).status_code} == {404}
    assert lab.get("/v1/contracts").json()["results"] == []
    again = put(lab, max_failures=3)
    assert (again.status_code, again.json()["version"]) == (201, 2)


def test_projects_have_contracts_of_the_same_name(lab):
    far = caller("far")
    put(lab)
    assert far.get(URL).status_code == 404
    assert put(far, max_failures=1).status_code == 201
    assert lab.get(URL).json()["max_failures"] == 0
    assert [one["project"] for one in far.get("/v1/contracts").json()["results"]] == ["far"]


def test_a_superuser_names_the_project(lab):
    root = caller("far")
    User.objects.filter(pk=root.user.pk).update(is_superuser=True)
    put(lab)
    put(caller("far"), max_failures=1)
    assert root.get(URL).json()["project"] == "far"
    assert root.get(f"{URL}?project=lab").json()["project"] == "lab"
    assert put(root, f"{URL}?project=lab", max_failures=2).json()["version"] == 2
    both = root.get("/v1/contracts").json()["results"]
    assert {one["project"] for one in both} == {"lab", "far"}
    assert len(root.get("/v1/contracts?project=lab").json()["results"]) == 1


def test_nobody_writes_for_another_project(lab):
    assert put(lab, f"{URL}?project=far").status_code == 404
    assert not Contract.objects.exists()


def test_a_name_that_is_somebody_elses_is_taken(api, settings):
    """Whoever comes without a login has to do with what such callers have made alone."""
    put(caller(settings.DEFAULT_PROJECT))
    assert put(api).status_code == 409


def test_a_report_is_of_this_moment(lab):
    put(lab)
    right, none = make_image("knee", "left"), make_image("knee")
    two, ct = make_image("hip", "left", "right"), make_image("hip", "left", "ct")
    make_image("wrist")
    assert lab.get(f"{URL}/report").json() == {
        "version": 1,
        "checked": 4,
        "passes": False,
        "rules": [
            {
                "rule": 0,
                "failures": 2,
                "sample": [none.pk, two.pk],
                "message": "exactly one of left, right, both",
            },
            {"rule": 1, "failures": 1, "sample": [ct.pk], "message": "if ct: all of body"},
        ],
        "unknown_tags": ["body", "both"],
    }
    assert right.pk not in [none.pk, two.pk, ct.pk]


def test_some_failures_may_be_allowed(lab):
    make_image("knee")
    put(lab, max_failures=1)
    assert lab.get(f"{URL}/report").json()["passes"]
    make_image("knee")
    assert not lab.get(f"{URL}/report").json()["passes"]


def test_a_report_has_images_of_nobody_who_is_not_shown_them(lab):
    put(lab)
    own = make_image("knee", by=lab.user, private=True)
    make_image("knee", by=caller("lab").user, private=True)
    make_image("knee", by=caller("far").user, visibility=1)
    report = lab.get(f"{URL}/report").json()
    assert (report["checked"], report["rules"][0]["sample"]) == (1, [own.pk])


@pytest.mark.parametrize(
    ("said", "where"),
    [
        ({"when": {}}, "when"),
        ({"when": {"tags": ["knee"]}}, "when"),
        ({"when": {"failing": "other"}}, "when.failing"),
        ({"when": {"any_tags": ["a"], "as_of": 1_700_000_000}}, "when.as_of"),
        ({"rules": []}, "rules"),
        ({"rules": [{}]}, "rules.0"),
        ({"rules": [{"if": ["ct"]}]}, "rules.0"),
        ({"rules": [{"at_most": 1, "all_of": ["a"]}]}, "rules.0"),
        ({"rules": [{"at_most": 1}, {"all_off": ["a"]}]}, "all_off"),
        ({"rules": [{"all_of": []}]}, "all_of"),
        ({"rules": [{"all_of": ["a"] * 101}]}, "all_of"),
        ({"rules": [{"all_of": "knee"}]}, "all_of"),
        ({"rules": [{"all_of": [7]}]}, "all_of"),
        ({"rules": [{"at_most": -1}]}, "at_most"),
        ({"rules": [{"at_most": "1"}]}, "at_most"),
        ({"rules": [{"at_most": True}]}, "at_most"),
        ({"rules": [{"at_most": 1}] * 51}, "rules"),
        ({"rules": [{"value": {"tag": "age"}}]}, "pattern"),
        ({"rules": [{"value": {"tag": "age", "pattern": "a" * 201}}]}, "pattern"),
        ({"severity": "fatal"}, "severity"),
        ({"max_failures": -1}, "max_failures"),
        ({"other": 1}, "other"),
    ],
)
def test_what_says_nothing_or_too_much_is_refused(lab, said, where):
    answer = put(lab, **said)
    assert answer.status_code == 400
    assert where in answer.json()["message"]
    assert not Contract.objects.exists()


@pytest.mark.parametrize(
    "pattern",
    [
        "(",
        "a)|(b",
        "[",
        "*",
        "a{2,1}",
        "(?i)a",
        "***=a",
        "a\\",
        r"(a)\1",
        "(((a{1,99}){1,99}){1,99})",
    ],
)
def test_a_pattern_is_a_regular_expression_by_itself(lab, pattern):
    answer = put(lab, rules=[{"value": {"tag": "age", "pattern": pattern}}])
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("rules.0.value.pattern: ")


@pytest.mark.parametrize("pattern", ["[0-9]{1,3}", "left|right", r"\d+\\1", "", "é+", "(?=a)a"])
def test_other_patterns_are_taken(lab, pattern):
    answer = put(lab, rules=[{"value": {"tag": "age", "pattern": pattern}}])
    assert answer.status_code == (201 if pattern else 400)


@pytest.mark.parametrize("name", ["Sides", "-sides", "a" * 64, "a_b", "é"])
def test_a_name_is_one_that_can_be_quoted(lab, name):
    assert put(lab, f"/v1/contracts/{name}").status_code == 400


def test_a_project_has_some_contracts_at_most(lab, monkeypatch):
    monkeypatch.setattr(keeping, "CONTRACTS_MOST", 1)
    put(lab)
    assert put(lab, "/v1/contracts/more").status_code == 409
    assert put(lab, max_failures=1).status_code == 200


def test_the_latest_look_is_told(lab):
    version = keep({"at_most": 0}, name="sides", by=lab.user)
    assert lab.get(f"{URL}/report?kept=true").status_code == 404
    image = make_image("a")
    look(version.contract_id)
    told = lab.get(URL).json()["latest_look"]
    assert (told["version"], told["checked"], told["passes"]) == (1, 1, False)
    kept = lab.get(f"{URL}/report?kept=true").json()
    assert (kept["rules"][0]["sample"], kept["checked_timestamp"]) == (
        [image.pk],
        told["checked_timestamp"],
    )
    image.visibility = 2
    image.save()
    assert lab.get(f"{URL}/report?kept=true").json()["rules"][0]["sample"] == []
