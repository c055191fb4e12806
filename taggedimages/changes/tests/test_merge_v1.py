"""POST /v1/tags/{id}/merge, and a merge that is proposed: aliases at once, links behind them."""

from typing import Any

import pytest

from taggedimages.changes import worker
from taggedimages.changes.models import Change, State
from taggedimages.factories import TESTS, make_credentials, make_image, make_tag, make_user
from tags import tagging
from tags.models import Tag

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def mira(api_as):
    return api_as(make_credentials("mira", project_id="lab"))


def worked():
    """All that the worker has to do about changes."""
    while worker.sweep():
        pass


def names_of(image):
    return sorted(image.tags.values_list("name", flat=True))


def test_tags_become_one_without_being_applied(mira):
    knee, joint, old = make_tag("knee"), make_tag("joint"), make_tag("old knee")
    images = [make_image("joint"), make_image("old knee", "knee"), make_image("joint", "old knee")]
    tagging.set_values(images[1], {"knee": "1", "old knee": "2"}, TESTS)
    answer = mira.post(f"/v1/tags/{knee.pk}/merge", {"from": [joint.pk, old.pk], "note": "one"})
    change = answer.json()
    assert answer.status_code == 202
    assert answer["Location"].endswith(f"/v1/changes/{change['id']}")
    assert (change["kind"], change["state"], change["note"]) == ("merge", "applying", "one")
    assert change["operation"]["merge"]["into"] == {"id": knee.pk, "name": "knee"}
    assert change["plan"]["images"] == 3
    assert (change["plan"]["links_added"], change["plan"]["links_removed"]) == (2, 4)
    assert change["plan"]["values_dropped"] == 1
    # From now on.
    assert set(Tag.objects.filter(alias_of=knee)) == {joint, old}
    worked()
    done = mira.get(f"/v1/changes/{change['id']}").json()
    assert (done["state"], done["progress"]["outcomes"]["changed"]) == ("applied", 3)
    assert [names_of(image) for image in images] == [["knee"]] * 3


def test_a_merge_is_proposed_and_applied_like_any_other(mira):
    knee, joint = make_tag("knee"), make_tag("joint")
    image = make_image("joint")
    answer = mira.post("/v1/changes", {"operation": {"merge": {"from": ["joint"], "into": "knee"}}})
    change = answer.json()
    assert (answer.status_code, change["kind"], change["query"]) == (202, "merge", None)
    assert not Tag.objects.exclude(alias_of=None).exists()
    mira.post(f"/v1/changes/{change['id']}/apply", {"digest": change["plan"]["digest"]})
    worked()
    assert mira.get(f"/v1/changes/{change['id']}").json()["state"] == "applied"
    assert names_of(image) == ["knee"]
    joint.refresh_from_db()
    assert joint.alias_of == knee


def test_what_a_merge_asks_has_to_be_there(mira):
    knee, joint = make_tag("knee"), make_tag("joint")
    url = f"/v1/tags/{knee.pk}/merge"
    bodies: list[dict[str, Any]] = [
        {},
        {"from": []},
        {"from": "joint"},
        {"from": ["joint"]},
        {"from": [True]},
        {"from": [knee.pk]},
        {"from": [10**9]},
        {"from": [joint.pk], "into": knee.pk},
    ]
    for body in bodies:
        assert mira.post(url, body).status_code == 400, body
    assert mira.post(f"/v1/tags/{10**9}/merge", {"from": [joint.pk]}).status_code == 404
    assert mira.post("/v1/tags/x/merge", {"from": [joint.pk]}).status_code == 400
    assert not Change.objects.exists()


def test_whoever_may_not_rename_a_tag_does_not_merge_it(mira, settings):
    settings.ANONYMOUS = "read-only"
    knee, joint, ours = make_tag("knee"), make_tag("joint"), make_tag("ours")
    make_image("joint", by=make_user("far", project_id="far"))
    refused = mira.post(f"/v1/tags/{knee.pk}/merge", {"from": [joint.pk]})
    assert refused.status_code == 403
    merge = {"operation": {"merge": {"from": ["joint"], "into": "knee"}}}
    assert mira.post("/v1/changes", merge).status_code == 403
    assert mira.post(f"/v1/tags/{knee.pk}/merge", {"from": [ours.pk]}).status_code == 202


def test_a_merge_is_judged_again_when_it_is_applied(mira, settings):
    settings.ANONYMOUS = "read-only"
    make_tag("knee"), make_tag("joint")
    merge = {"operation": {"merge": {"from": ["joint"], "into": "knee"}}}
    change = mira.post("/v1/changes", merge).json()
    make_image("joint", by=make_user("far", project_id="far"))
    body = {"digest": change["plan"]["digest"]}
    assert mira.post(f"/v1/changes/{change['id']}/apply", body).status_code == 403


def test_a_large_merge_is_proposed_for_somebody_else(mira, settings):
    settings.CHANGE_CONFIRM = 1
    knee, joint = make_tag("knee"), make_tag("joint")
    make_image("joint"), make_image("joint")
    assert mira.post(f"/v1/tags/{knee.pk}/merge", {"from": [joint.pk]}).status_code == 403
    assert not Tag.objects.exclude(alias_of=None).exists()


def test_what_is_applied_is_undone_through_the_api(mira):
    images = [make_image("knee"), make_image("knee")]
    body = {"query": {"any_tags": ["knee"]}, "operation": {"add": ["new"], "remove": ["knee"]}}
    change = mira.post("/v1/changes", body).json()
    mira.post(f"/v1/changes/{change['id']}/apply", {"digest": change["plan"]["digest"]})
    worked()
    assert [names_of(image) for image in images] == [["new"]] * 2
    tagging.untag(images[1], [Tag.objects.get(name="new").pk], TESTS)
    answer = mira.post(f"/v1/changes/{change['id']}/undo", {"note": "wrong side"})
    undo = answer.json()
    assert answer.status_code == 201
    assert answer["Location"].endswith(f"/v1/changes/{undo['id']}")
    assert (undo["kind"], undo["of"], undo["state"]) == ("undo", change["id"], "planned")
    assert undo["plan"]["left_alone"]["changed_since"] == 1
    mira.post(f"/v1/changes/{undo['id']}/apply", {"digest": undo["plan"]["digest"]})
    worked()
    assert [names_of(image) for image in images] == [["knee"], ["knee"]]
    assert mira.get(f"/v1/changes/{change['id']}").json()["undone_by"] == undo["id"]
    assert Change.objects.get(pk=undo["id"]).state == State.APPLIED
