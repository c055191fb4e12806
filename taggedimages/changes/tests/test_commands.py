"""`retag`, `merge_tags` and `changes`: what they say, do and refuse."""

import io
import json
import os
import signal
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from images.models import Image
from search.query import Query
from taggedimages.changes import batches, lifecycle, worker
from taggedimages.changes.models import Change, State
from taggedimages.changes.operations import Operation
from taggedimages.changes.record_edits import Action, RecordEdit
from taggedimages.factories import TESTS, make_credentials, make_image, make_tag
from taggedimages.identity.authors import Author
from taggedimages.identity.models import User
from tags import curation, tagging
from tags.models import Tag

# Applying is many transactions, of which others see what was committed.
pytestmark = pytest.mark.django_db(transaction=True)


def said(*words: object) -> str:
    """What a command prints."""
    out = io.StringIO()
    call_command(*map(str, words), stdout=out, stderr=io.StringIO())
    return out.getvalue()


def told(*words: object) -> Any:
    """What a command prints as JSON."""
    return json.loads(said(*words, "--json"))


def refusal(*words: object) -> str:
    """Why a command refuses; it exits with 1."""
    with pytest.raises(CommandError) as error:
        said(*words)
    assert error.value.returncode == 1
    return str(error.value)


def tags(image: Image) -> list[str]:
    return sorted(image.tags.values_list("name", flat=True))


@pytest.fixture
def knees() -> list[Image]:
    """Three knees; a hand is beside them."""
    make_image("hand")
    return [make_image("knee", "left"), make_image("knee"), make_image("knee", private=True)]


# --- retag ---------------------------------------------------------------------------------------


def test_without_apply_it_says_all_and_changes_nothing(knees):
    out = said("retag", "exact_tags=knee", "--add", "left|joint", "--remove", "knee")
    change = Change.objects.get()
    assert change.state == State.PLANNED
    assert "3 images: 5 links to add, 3 to remove" in out
    assert "joint (new): +3 -0" in out
    assert f"Nothing has been changed. `manage.py changes apply {change.pk}` does just this." in out
    assert [tags(image) for image in knees] == [["knee", "left"], ["knee"], ["knee"]]
    assert not Tag.objects.filter(name="joint").exists()


def test_with_apply_it_does_it_without_any_worker(knees):
    words = ("retag", "exact_tags=knee", "--add=left", "--add", "joint", "--remove=knee")
    assert said(*words, "--apply", "--note", "why") == (
        f"Change {Change.objects.latest('pk').pk} is applied: 3 changed.\n"
    )
    assert [tags(image) for image in knees] == [["joint", "left"]] * 3
    change = Change.objects.get()
    assert (change.through, change.is_operator, change.note) == ("command:retag", True, "why")
    assert change.query == {"exact_tags": ["knee"]}


def test_replace_leaves_no_other_tag_and_the_empty_one_none(knees):
    said("retag", "exact_tags=knee|left", "--replace", "arm|hand", "--apply")
    assert tags(knees[0]) == ["arm", "hand"]
    said("retag", "exact_tags=arm", "--replace", "", "--apply")
    assert tags(knees[0]) == []


def test_conditions_and_names_are_those_of_find(knees):
    make_image(r"a|b")
    assert told("retag", r"any_tags=a\|b|knee&min_size=0", "--add", r"c\|d")["query"] == {
        "any_tags": ["a|b", "knee"],
        "min_size": 0,
    }
    change = Change.objects.get()
    assert (change.images, change.operation["add"]) == (4, [{"id": None, "name": "c|d"}])


def test_no_condition_is_all_images(knees):
    assert told("retag", "", "--add", "all")["query"] == {"everything": True}
    assert Change.objects.get().images == 4


def test_of_a_user_it_is_what_they_see_and_in_their_name(knees):
    make_credentials("mira", project_id="lab")
    change = told("retag", "exact_tags=knee", "--add=x", "--user=mira", "--apply")
    assert (change["created_by"], change["plan"]["images"], change["state"]) == (
        "mira",
        2,
        "applied",
    )
    assert tags(knees[2]) == ["knee"]


def test_json_is_what_the_api_shows(knees, api_as):
    change = told("retag", "exact_tags=knee", "--add=left")
    User.objects.create_superuser("boss")
    shown = api_as(make_credentials("boss")).get(f"/v1/changes/{change['id']}")
    assert change == shown.json()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (
            ["exact_tags=knee"],
            "Say what is to be done: add, remove, replace, values, merge or images.",
        ),
        (["exact_tag=knee", "--add=x"], "exact_tag: Not a parameter."),
        (["min_width=wide", "--add=x"], "min_width: A valid integer is required."),
        (["exact_tags=knee", "--add=x\ny"], "Control characters are not allowed."),
        (["exact_tags=knee", "--add=x", "--remove=x"], "The tag 'x' cannot both come and go."),
        (["exact_tags=knee", "--replace=x", "--remove=y"], "does not go with remove"),
        (["exact_tags=knee", "--add=x", "--user=none"], "There is no user none."),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(words, why):
    assert why in refusal("retag", *words)
    assert not Change.objects.exists()


def test_ctrl_c_stops_it_after_a_batch_and_says_how_to_go_on(knees, monkeypatch):
    monkeypatch.setattr(worker, "MOST_SIZE", 1)
    apply_next, handler = batches.apply_next, signal.getsignal(signal.SIGINT)

    def interrupted(change: Change, size: int) -> int:
        os.kill(os.getpid(), signal.SIGINT)
        return apply_next(change, size)

    monkeypatch.setattr(batches, "apply_next", interrupted)
    with pytest.raises(CommandError) as error:
        said("retag", "exact_tags=knee", "--add=x", "--apply")
    change = Change.objects.get()
    assert error.value.returncode == 130
    assert (change.state, change.done) == (State.STOPPED, 1)
    assert f"`manage.py changes resume {change.pk}` goes on" in str(error.value)
    monkeypatch.setattr(batches, "apply_next", apply_next)
    said("changes", "resume", change.pk)
    assert [tags(image)[-1] for image in knees] == ["x"] * 3
    # As it was: whoever runs this in the background may ignore it.
    assert signal.getsignal(signal.SIGINT) is handler


def test_one_that_fails_says_why_and_ends_with_one(knees):
    tag = make_tag("x")
    change = told("retag", "exact_tags=knee", "--add=x")
    curation.delete(tag, TESTS)
    why = refusal("changes", "apply", change["id"])
    assert "is failed after 0 of 3 images. The tag 'x' has been deleted." in why


# --- changes -------------------------------------------------------------------------------------


def test_what_was_planned_is_applied_and_taken_back_step_by_step(knees):
    change = told("retag", "exact_tags=knee", "--add=x")["id"]
    assert said("changes", "apply", change) == f"Change {change} is applied: 3 changed.\n"
    tagging.retag(knees[1], ["knee"], TESTS)
    undo = told("changes", "undo", change, "--note=wrong")
    assert (undo["of"], undo["state"], undo["note"]) == (change, "planned", "wrong")
    assert undo["plan"]["left_alone"]["changed_since"] == 1
    assert "left alone: 1 images that were changed since" in said("changes", "show", undo["id"])
    assert told("changes", "apply", undo["id"])["state"] == "applied"
    assert [tags(image) for image in knees] == [["knee", "left"], ["knee"], ["knee"]]
    assert told("changes", "show", change)["undone_by"] == undo["id"]


def test_undo_with_apply_takes_back_at_once(knees):
    change = told("retag", "exact_tags=knee", "--add=x", "--apply")["id"]
    assert "3 changed" in said("changes", "undo", change, "--apply")
    assert [tags(image) for image in knees] == [["knee", "left"], ["knee"], ["knee"]]


def test_a_plan_is_applied_only_by_its_digest_where_one_is_given(knees):
    change = told("retag", "exact_tags=knee", "--add=x")
    assert "another digest" in refusal("changes", "apply", change["id"], "--digest=sha256:0")
    said("changes", "apply", change["id"], "--digest", change["plan"]["digest"])
    assert Change.objects.get().state == State.APPLIED


def test_drift_is_refused_where_that_is_asked_for(knees):
    change = told("retag", "exact_tags=knee", "--add=x")["id"]
    make_image("knee")
    assert "1 other images match by now" in refusal("changes", "apply", change, "--on-drift=refuse")
    assert "1 other images match by now" in said("changes", "apply", change)


def test_they_are_listed_newest_first_and_filtered(knees):
    first = told("retag", "exact_tags=knee", "--add=x", "--apply", "--note=first")["id"]
    second = told("retag", "exact_tags=knee", "--add=y")["id"]
    lines = said("changes").splitlines()
    assert [int(line.split()[0]) for line in lines] == [second, first]
    assert lines[1].endswith("retag    applied    3 of 3 images  anonymous, command:retag  first")
    assert said("changes", "list", "--state=planned").split()[0] == str(second)
    assert said("changes", "list", "--kind=undo") == ""
    assert said("changes", "list", "--limit=1").split()[0] == str(second)
    both = [json.loads(line) for line in said("changes", "list", "--json").splitlines()]
    assert [change["id"] for change in both] == [second, first]


def test_a_plan_is_discarded(knees):
    change = told("retag", "exact_tags=knee", "--add=x")["id"]
    said("changes", "discard", change)
    assert Change.objects.get().state == State.DISCARDED


def test_what_is_in_no_state_for_it_is_refused(knees):
    change = told("retag", "exact_tags=knee", "--add=x")["id"]
    assert refusal("changes", "stop", change) == "A change that is planned is not stopped."
    assert refusal("changes", "resume", change) == "A change that is planned is not resumed."
    assert refusal("changes", "undo", change) == "A change that is planned is not undone."
    assert refusal("changes", "show", change + 1) == f"There is no change {change + 1}."


# --- merge_tags ----------------------------------------------------------------------------------


def test_tags_are_merged_at_once_and_come_back(knees):
    wrist = make_image("hand", "palm")
    make_image("paw", "palm")
    change = told("merge_tags", "palm", "paw", "hand")
    assert (change["kind"], change["state"]) == ("merge", "applied")
    assert tags(wrist) == ["hand"]
    assert Tag.objects.get(name="paw").alias_of == Tag.objects.get(name="hand")
    said("changes", "undo", change["id"], "--apply")
    assert tags(wrist) == ["hand", "palm"]
    assert Tag.objects.get(name="paw").alias_of is None


def test_a_dry_run_merges_nothing(knees):
    make_tag("right")
    out = said("merge_tags", "left", "right", "--dry-run")
    assert "1 images: 1 links to add, 1 to remove" in out
    assert "`manage.py changes apply" in out
    assert tags(knees[0]) == ["knee", "left"]
    assert Tag.objects.get(name="left").alias_of is None


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["left", "nowhere"], "There is no tag 'nowhere'."),
        (["left", "left"], "A tag cannot be merged into itself."),
    ],
)
def test_what_cannot_be_merged_is_refused(knees, words, why):
    assert refusal("merge_tags", *words) == why


# --- Of records ----------------------------------------------------------------------------------


def test_changes_of_records_are_told_done_and_undone(knees):
    by = Author(None, "tests", is_operator=True)
    query = Query(exact_tags=("knee",))
    hiding = lifecycle.propose(Operation(images=RecordEdit.proposed(Action.HIDE)), query, by)
    out = said("changes", "show", hiding.pk)
    assert "3 images: 2 to be private\n  1 images are so already" in out
    assert f"  image {knees[0].pk}: public, current → private, current\n" in out
    assert said("changes", "apply", hiding.pk) == (
        f"Change {hiding.pk} is applied: 1 already, 2 changed.\n"
    )
    trashing = lifecycle.propose(Operation(images=RecordEdit.proposed(Action.TRASH)), query, by)
    out = said("changes", "show", trashing.pk)
    assert "3 images: 3 to go to the trash" in out
    assert f"  image {knees[0].pk}: private, current → private, in the trash\n" in out
    said("changes", "apply", trashing.pk)
    assert [one.pk for one in Image.objects.current() if "knee" in tags(one)] == []
    assert "3 images: 3 to be as they were" in said("changes", "undo", trashing.pk)
    assert told("changes", "undo", trashing.pk, "--apply")["plan"]["records_changed"] == 3
    assert set(knees) <= set(Image.objects.current())
    (line, *_) = said("changes", "list", "--kind", "records").splitlines()
    assert f"{trashing.pk}" in line
    assert "  records  applied    3 of 3 images" in line
