"""/v1/changes: proposed, looked at, applied, stopped, discarded, and by whom."""

from datetime import timedelta
from threading import Barrier, Thread

import orjson
import pytest
from django.db import connection
from django.utils import timezone

from images.visibility import Visibility
from taggedimages.changes import lifecycle, sets
from taggedimages.changes.models import Change, Outcome
from taggedimages.changes.tests.corpora import applied
from taggedimages.factories import make_credentials, make_image, make_tag, make_user
from taggedimages.identity.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def mira(api_as):
    return api_as(make_credentials("mira", project_id="lab"))


def propose(client, query=None, operation=None, **more):
    body = {"query": query or {"any_tags": ["knee"]}, "operation": operation or {"add": ["new"]}}
    answer = client.post("/v1/changes", body | more)
    assert answer.status_code == 202, answer.json()
    return answer.json()


def apply(client, change, **more):
    body = {"digest": change["plan"]["digest"]} | more
    return client.post(f"/v1/changes/{change['id']}/apply", body)


def status_of(client, change):
    return client.get(f"/v1/changes/{change['id']}").status_code


# --- Proposing -----------------------------------------------------------------------------------


def test_a_proposal_is_shown_with_all_that_it_would_do(mira):
    image, other = make_image("knee", by=user("mira")), make_image("knee", "left", by=user("mira"))
    left = make_tag("left")
    answer = mira.post(
        "/v1/changes",
        {
            "note": " all knees ",
            "query": {"any_tags": ["knee"]},
            "operation": {"add": ["left", "new"], "remove": ["knee"]},
        },
    )
    change = answer.json()
    assert answer.status_code == 202
    assert answer["Location"] == f"http://testserver/v1/changes/{change['id']}"
    assert mira.get(answer["Location"]).json() == change
    known = Change.objects.get()
    assert change == {
        "id": known.pk,
        "uuid": str(known.uuid),
        "kind": "retag",
        "state": "planned",
        "note": "all knees",
        "query": {"any_tags": ["knee"]},
        "operation": {
            "add": [{"id": left.pk, "name": "left"}, {"id": None, "name": "new"}],
            "remove": [{"id": make_tag("knee").pk, "name": "knee"}],
            "values": [],
        },
        "created_by": "mira",
        "created_timestamp": change["created_timestamp"],
        "planned_timestamp": change["planned_timestamp"],
        "applied_timestamp": None,
        "expires_timestamp": change["planned_timestamp"] + 7 * 86_400,
        "of": None,
        "undone_by": None,
        "waiting_for": None,
        "plan": {
            "digest": known.digest,
            "images": 2,
            "links_added": 3,
            "links_removed": 2,
            "values_changed": 0,
            "values_dropped": 0,
            "already": 0,
            "forbidden": 0,
            "tags": [
                {"id": left.pk, "name": "left", "added": 1, "removed": 0},
                {"id": None, "name": "new", "added": 2, "removed": 0},
                {"id": make_tag("knee").pk, "name": "knee", "added": 0, "removed": 2},
            ],
            "estimate": {"seconds": 1, "ledger_bytes": 5 * 173},
            "sample": [
                {"id": image.pk, "before": ["knee"], "after": ["left", "new"]},
                {"id": other.pk, "before": ["knee", "left"], "after": ["left", "new"]},
            ],
        },
        "progress": None,
        "problem": "",
    }
    assert known.digest.startswith("sha256:")
    assert not make_tag_exists("new")


def user(name):
    return User.objects.get(username=name)


def make_tag_exists(name):
    return type(make_tag()).objects.filter(name=name).exists()


def test_a_plan_of_no_images_is_a_plan(mira):
    change = propose(mira)
    assert (change["state"], change["plan"]["images"]) == ("planned", 0)
    assert change["plan"]["estimate"] == {"seconds": 0, "ledger_bytes": 0}


BAD_OPERATIONS = [
    ({}, "Say what is to be done"),
    ({"add": []}, "Say what is to be done"),
    ({"values": {}}, "Say what is to be done"),
    ({"tag": ["x"]}, "operation.tag: Not known"),
    ({"add": "knee"}, "operation.add"),
    ({"add": [1]}, "operation.add"),
    ({"add": [""]}, "operation.add"),
    ({"add": ["x" * 161]}, "operation.add"),
    ({"add": ["kn\x07ee"]}, "operation.add"),
    ({"add": ["x"] * 1_001}, "operation.add"),
    ({"add": ["knee"], "remove": ["knee"]}, "both come and go"),
    ({"values": {"knee": "1"}, "remove": ["knee"]}, "both come and go"),
    ({"replace": ["knee"], "remove": ["x"]}, "does not go with remove"),
    ({"values": ["knee"]}, "operation.values"),
    ({"values": {"knee": 1}}, "operation.values"),
    ({"values": {"knee": "x" * 256}}, "operation.values"),
    ({"values": {"knee": "a\x00"}}, "operation.values"),
    ({"values": {"knee": "1", " knee": "2"}}, "Two values"),
    ({"values": {"": "1"}}, "operation.values"),
    ({"merge": {"from": ["knee"], "into": "knee"}}, "into itself"),
    ({"merge": {"from": ["knee"], "into": "nowhere"}}, "There is no tag 'nowhere'"),
    ({"merge": {"from": [], "into": "knee"}}, "operation.merge.from"),
    ({"merge": {"from": ["left"]}}, "operation.merge.into"),
    ({"merge": {"from": ["left"], "into": "knee"}, "add": ["x"]}, "stands alone"),
    ([], "operation"),
    (None, "operation"),
]


@pytest.mark.parametrize(("operation", "why"), BAD_OPERATIONS, ids=lambda one: str(one)[:40])
def test_what_cannot_be_done_is_refused(mira, operation, why):
    make_tag("knee"), make_tag("left")
    body = {"query": {"everything": True}, "operation": operation}
    answer = mira.post("/v1/changes", body)
    assert answer.status_code == 400
    assert why in answer.json()["message"]
    assert not Change.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"operation": {"add": ["x"]}},
        {"query": {"untagged": True}},
        {"query": {"untagged": True}, "operation": {"add": ["x"]}, "notes": ""},
        {"query": {"untagged": True}, "operation": {"add": ["x"]}, "note": 5},
        {"query": {"untagged": True}, "operation": {"add": ["x"]}, "note": "x" * 2_001},
        {"query": {"untagged": True}, "everything": True, "operation": {"add": ["x"]}},
        [],
    ],
    ids=str,
)
def test_a_body_that_says_too_little_or_too_much_is_refused(mira, body):
    assert mira.post("/v1/changes", body).status_code == 400


def test_everything_may_be_said_beside_the_query(mira):
    make_image()
    for body in ({"query": {}, "everything": True}, {"everything": True}):
        change = mira.post("/v1/changes", body | {"operation": {"add": ["x"]}}).json()
        assert change["query"] == {"everything": True}


def test_nobody_has_more_plans_than_a_thousand(mira, monkeypatch):
    monkeypatch.setattr(lifecycle, "PLANNED_MAX", 1)
    change = propose(mira)
    body = {"query": {"untagged": True}, "operation": {"add": ["x"]}}
    assert mira.post("/v1/changes", body).status_code == 409
    assert mira.delete(f"/v1/changes/{change['id']}").status_code == 204
    assert mira.post("/v1/changes", body).status_code == 202


# --- Applying ------------------------------------------------------------------------------------


def test_applying_names_the_plan_that_was_looked_at(mira):
    make_image("knee", by=user("mira"))
    change = propose(mira)
    url = f"/v1/changes/{change['id']}/apply"
    assert mira.post(url, {"digest": "sha256:00"}).status_code == 412
    for body in ({}, {"digest": 5}, {"digest": "x", "on_drift": "x"}, {"digest": "x", "n": 1}):
        assert mira.post(url, body).status_code == 400
    answer = apply(mira, change)
    assert answer.status_code == 202
    assert answer.json()["state"] == "applying"
    assert answer.json()["progress"] == {
        "images": 0,
        "of": 1,
        "outcomes": {
            "changed": 0,
            "already": 0,
            "changed_since": 0,
            "gone": 0,
            "forbidden": 0,
            "failed": 0,
        },
        "drift": 0,
        "updated_timestamp": answer.json()["progress"]["updated_timestamp"],
    }
    assert answer.json()["expires_timestamp"] is None
    assert apply(mira, change).status_code == 409


def test_images_that_came_to_match_are_counted_or_refused(mira, settings):
    settings.ANONYMOUS = "read-only"
    make_image("knee", by=user("mira"))
    change = propose(mira)
    make_image("knee", by=user("mira"))
    # Not the author's to change, and nothing that came.
    make_image("knee", by=make_user("other", project_id="far"))
    refused = apply(mira, change, on_drift="refuse")
    assert refused.status_code == 409
    assert "1 other images" in refused.json()["message"]
    assert apply(mira, change).json()["progress"]["drift"] == 1


def test_what_is_applied_is_stopped_and_goes_on(mira):
    change = propose(mira)
    url = f"/v1/changes/{change['id']}"
    assert mira.post(f"{url}/stop").status_code == 409
    assert mira.post(f"{url}/resume").status_code == 409
    apply(mira, change)
    stopped = mira.post(f"{url}/stop")
    assert (stopped.status_code, stopped.json()["state"]) == (202, "stopped")
    assert mira.post(f"{url}/stop").status_code == 409
    assert mira.delete(url).status_code == 409
    again = mira.post(f"{url}/resume")
    assert (again.status_code, again.json()["state"]) == (202, "applying")


def test_only_a_plan_is_discarded(mira):
    change = propose(mira)
    url = f"/v1/changes/{change['id']}"
    assert mira.delete(url).status_code == 204
    assert mira.get(url).json()["state"] == "discarded"
    assert mira.delete(url).status_code == 409
    assert apply(mira, change).status_code == 409


def test_a_plan_expires(mira):
    make_image("knee", by=user("mira"))
    change = propose(mira)
    Change.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert apply(mira, change).status_code == 409
    assert lifecycle.expire() == 1
    assert mira.get(f"/v1/changes/{change['id']}").json()["state"] == "expired"
    assert not sets.of(change["id"]).bits


def test_a_second_change_of_a_project_waits(mira):
    first, second = propose(mira), propose(mira)
    apply(mira, first)
    assert apply(mira, second).json()["waiting_for"] == first["id"]
    assert mira.get(f"/v1/changes/{first['id']}").json()["waiting_for"] is None


def test_a_large_change_takes_somebody_else(mira, api_as, settings):
    settings.CHANGE_CONFIRM = 1
    for _ in range(2):
        make_image("knee", by=user("mira"))
    change = propose(mira)
    assert apply(mira, change).status_code == 403
    staff = api_as(make_credentials("boss", project_id="lab", staff=True))
    assert apply(staff, change).status_code == 202
    small = propose(mira, {"ids": [change["plan"]["sample"][0]["id"]]})
    assert apply(mira, small).status_code == 202


def test_what_has_done_something_is_undone_by_a_change(mira):
    change = propose(mira)
    url = f"/v1/changes/{change['id']}/undo"
    assert mira.post(url).status_code == 409
    assert mira.post(url, {"why": "x"}).status_code == 400


# --- Who sees what -------------------------------------------------------------------------------


def test_a_change_is_its_authors_its_staffs_and_superusers(mira, api, api_as, settings):
    settings.ANONYMOUS = "open"
    change = propose(mira)
    make_credentials("root", project_id="far")
    User.objects.filter(username="root").update(is_superuser=True)
    seen = {
        "member": status_of(api_as(make_credentials("other", project_id="lab")), change),
        "staff": status_of(api_as(make_credentials("s", project_id="lab", staff=True)), change),
        "far": status_of(api_as(make_credentials("f", project_id="far", staff=True)), change),
        "root": status_of(api_as(make_credentials("root")), change),
        "anonymous": status_of(api, change),
    }
    assert seen == {"member": 404, "staff": 200, "far": 404, "root": 200, "anonymous": 404}
    ours = propose(api)
    assert status_of(api, ours) == 200
    assert status_of(mira, ours) == 404


def test_a_plan_names_nothing_that_whoever_looks_may_not_see(api_as):
    make_credentials("root", project_id="lab")
    User.objects.filter(username="root").update(is_superuser=True)
    make_image("secret", "knee", by=make_user("f", project_id="far"), private=True)
    root = api_as(make_credentials("root"))
    change = propose(root, {"everything": True}, {"replace": ["knee"]})
    assert "secret" in str(change)
    staff = api_as(make_credentials("s", project_id="lab", staff=True))
    for body in (
        staff.get(f"/v1/changes/{change['id']}").json(),
        staff.get("/v1/changes").json()["results"][0],
    ):
        assert body["plan"]["sample"] == []
        assert [tag["name"] for tag in body["plan"]["tags"]] == ["knee"]


@pytest.mark.parametrize("verb", ["apply", "stop", "resume", "undo"])
def test_what_is_not_shown_is_not_there(mira, api_as, verb):
    change = propose(mira)
    other = api_as(make_credentials("other", project_id="lab"))
    url = f"/v1/changes/{change['id']}"
    assert other.post(f"{url}/{verb}", {}).status_code == 404
    assert other.delete(url).status_code == 404
    assert other.get(f"{url}/images").status_code == 404
    assert mira.get("/v1/changes/x").status_code == 400
    assert mira.get(f"/v1/changes/{2**63}").status_code == 404


def test_images_that_are_not_the_authors_are_counted_only_where_shown(mira, settings):
    settings.ANONYMOUS, settings.PROJECT_EDITS = "read-only", "own"
    other = make_user("other", project_id="lab")
    make_image("knee", by=user("mira"))
    make_image("knee", by=other)
    make_image("knee", by=other, private=True)
    plan = propose(mira)["plan"]
    assert (plan["images"], plan["forbidden"]) == (1, 1)


# --- Lists ---------------------------------------------------------------------------------------


def test_changes_are_listed_newest_first_and_filtered(mira, api_as):
    first, second, third = propose(mira), propose(mira), propose(mira)
    mira.delete(f"/v1/changes/{second['id']}")
    listed = mira.get("/v1/changes").json()
    assert [row["id"] for row in listed["results"]] == [third["id"], second["id"], first["id"]]
    assert listed["results"][0] == third
    assert listed["meta"] == {"current_page": 0, "has_more_pages": False, "total_results": 3}

    def found(**filters):
        return [row["id"] for row in mira.get("/v1/changes", filters).json()["results"]]

    assert found(state="discarded") == [second["id"]]
    assert found(state="planned", limit=1, page=1) == [first["id"]]
    assert found(kind="merge") == []
    assert found(created_by="mira") == [third["id"], second["id"], first["id"]]
    assert found(created_by="other") == []
    for wrong in ({"state": "done"}, {"kind": "x"}, {"limit": 101}, {"page": -1}):
        assert mira.get("/v1/changes", wrong).status_code == 400


def test_the_images_of_a_change_are_paged_and_streamed(mira, api_as):
    images = [make_image("knee", by=user("mira")).pk for _ in range(5)]
    change = propose(mira)
    url = f"/v1/changes/{change['id']}/images"
    page = mira.get(url, {"limit": 2, "page": 1, "labels": "true"})
    assert [record["id"] for record in page.json()["results"]] == images[2:4]
    assert page.json()["results"][0]["labels"] == ["knee"]
    assert page.json()["meta"] == {
        "current_page": 1,
        "has_more_pages": True,
        "total_results": 5,
    }
    walked, cursor = [], ""
    while cursor is not None:
        part = mira.get(url, {"limit": 2, "cursor": cursor}).json()
        walked += [record["id"] for record in part["results"]]
        cursor = part["meta"]["next_cursor"]
    assert walked == images
    lines = b"".join(mira.get(f"{url}.ndjson")).splitlines()
    assert [orjson.loads(line)["id"] for line in lines] == images
    accepted = mira.get(url, {"limit": 2}, headers={"Accept": "application/x-ndjson"})
    assert len(b"".join(accepted).splitlines()) == 2
    assert mira.get(url, {"outcome": "changed"}).json()["results"] == []
    sets.add(change["id"], Outcome.FORBIDDEN, images[3:])
    found = mira.get(url, {"outcome": "forbidden"}).json()
    assert [record["id"] for record in found["results"]] == images[3:]
    assert mira.get(url, {"outcome": "x"}).status_code == 400
    assert mira.get(url, {"cursor": "x"}).status_code == 400


def test_staff_see_of_a_change_the_images_that_they_are_shown(api_as):
    """A superuser's change is of other projects, too; whoever sees it there sees no more."""
    make_credentials("root", project_id="lab")
    User.objects.filter(username="root").update(is_superuser=True)
    far = make_image("knee", by=make_user("f", project_id="far"), visibility=Visibility.PROJECT)
    near = make_image("knee", by=user("root"))
    change = propose(api_as(make_credentials("root")))
    assert change["plan"]["images"] == 2
    staff = api_as(make_credentials("s", project_id="lab", staff=True))
    url = f"/v1/changes/{change['id']}/images"
    page = staff.get(url).json()
    assert [record["id"] for record in page["results"]] == [near.pk]
    assert page["meta"]["total_results"] == 1
    lines = b"".join(staff.get(f"{url}.ndjson")).splitlines()
    assert [orjson.loads(line)["id"] for line in lines] == [near.pk]
    assert far.pk in sets.of(change["id"])


def test_either_form_of_an_address_is_taken(mira):
    change = propose(mira)
    assert mira.get("/v1/changes/").json()["results"] == [change]
    assert mira.get(f"/v1/changes/{change['id']}/").json() == change
    body = {"query": {"untagged": True}, "operation": {"add": ["x"]}}
    assert mira.post("/v1/changes/", body).status_code == 202
    assert mira.post(f"/v1/changes/{change['id']}/apply/", {"digest": "x"}).status_code == 412


def test_proposing_and_applying_are_limited_as_searches_are(mira, settings):
    settings.ANONYMOUS, settings.RATE_SEARCHES = "none", 2
    change = propose(mira)
    assert apply(mira, change).status_code == 202
    body = {"query": {"untagged": True}, "operation": {"add": ["x"]}}
    refused = mira.post("/v1/changes", body)
    assert (refused.status_code, int(refused["Retry-After"]) > 0) == (429, True)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_apply_at_once_one_does(mira):
    make_image("knee", by=user("mira"))
    change = propose(mira)
    barrier, answers = Barrier(2), []

    def work():
        barrier.wait()
        answers.append(apply(mira, change).status_code)
        connection.close()

    threads = [Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [202, 409]


# --- Of records ----------------------------------------------------------------------------------


def test_images_are_hidden_thrown_away_and_brought_back(mira):
    image = make_image("knee", by=user("mira"))
    make_image("knee", by=user("mira"), private=True)
    hiding = propose(mira, operation={"images": "hide"})
    assert (hiding["kind"], hiding["operation"]) == (
        "records",
        {"images": "hide", "visibility": "private"},
    )
    plan = hiding["plan"]
    assert (plan["images"], plan["records_changed"], plan["already"]) == (2, 1, 1)
    assert plan["sample"] == [
        {
            "id": image.pk,
            "before": ["knee"],
            "after": ["knee"],
            "record_before": {"visibility": "public", "ended": False, "trashed": False},
            "record_after": {"visibility": "private", "ended": False, "trashed": False},
        }
    ]
    assert apply(mira, hiding).status_code == 202
    applied(Change.objects.get(pk=hiding["id"]))
    assert mira.get(f"/v1/images/{image.pk}").json()["visibility"] == "private"

    trashing = propose(mira, operation={"images": "trash"})
    assert apply(mira, trashing).status_code == 202
    applied(Change.objects.get(pk=trashing["id"]))
    assert mira.get(f"/v1/images/{image.pk}").status_code == 404
    assert not mira.get("/v1/search/images", {"any_tags": "knee"}).json()["results"]
    listed = mira.get("/v1/changes", {"kind": "records"}).json()
    assert [one["id"] for one in listed["results"]] == [trashing["id"], hiding["id"]]
    assert listed["results"][0]["progress"]["outcomes"]["changed"] == 2

    undoing = mira.post(f"/v1/changes/{trashing['id']}/undo", {}).json()
    assert undoing["plan"]["records_changed"] == 2
    assert undoing["plan"]["left_alone"]["image_gone"] == 0
    # Nobody is shown what is in the trash, so that no image is named.
    assert undoing["plan"]["sample"] == []
    assert apply(mira, undoing).status_code == 202
    applied(Change.objects.get(pk=undoing["id"]))
    assert mira.get(f"/v1/images/{image.pk}").status_code == 200


@pytest.mark.parametrize(
    "operation",
    [
        {"images": "burn"},
        {"images": ""},
        {"images": ["hide"]},
        {"images": "hide", "add": ["knee"]},
        {"images": "hide", "replace": []},
        {"images": "hide", "merge": {"from": ["a"], "into": "knee"}},
        {"images": "hide", "visibility": "public"},
    ],
)
def test_what_is_no_change_of_records_is_refused(mira, operation):
    make_image("knee", "a")
    answer = mira.post("/v1/changes", {"query": {"any_tags": ["knee"]}, "operation": operation})
    assert answer.status_code == 400
    assert not Change.objects.exists()


def test_records_are_not_changed_without_a_query(mira):
    assert mira.post("/v1/changes", {"operation": {"images": "trash"}}).status_code == 400
